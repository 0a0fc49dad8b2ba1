package dev.talus.tests.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What backward refuses, in PyTorch's words. */
class BackwardErrorTest {
  private Scope scope;
  private Tensor x;

  @BeforeEach
  void open() {
    scope = Scope.open();
    x = Tensor.of(new float[] {1, 2, 3}).requiresGrad_(true);
  }

  @AfterEach
  void close() {
    scope.close();
  }

  @Test
  void notAScalar() {
    assertThatIllegalStateException()
        .isThrownBy(() -> x.mul(2.0).backward())
        .withMessageContaining("grad can be implicitly created only for scalar outputs")
        .withMessageContaining("[3]");
  }

  @Test
  void nothingToDifferentiate() {
    assertThatIllegalStateException()
        .isThrownBy(() -> Tensor.ones(1).backward())
        .withMessage("element 0 of tensors does not require grad and does not have a grad_fn");
  }

  @Test
  void gradientOfAnotherShape() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> x.mul(2.0).backward(Tensor.ones(2)))
        .withMessageContaining("Mismatch in shape")
        .withMessageContaining("[2]")
        .withMessageContaining("[3]");
  }

  @Test
  void gradientOfAnotherType() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> x.mul(2.0).backward(Tensor.ones(DType.FLOAT64, 3)))
        .withMessageContaining("torch.float64")
        .withMessageContaining("torch.float32");
  }

  @Test
  void aSecondTimeThroughAFreedGraph() {
    Tensor y = x.square().sum();
    y.backward();
    assertThatIllegalStateException()
        .isThrownBy(y::backward)
        .withMessageContaining("Trying to backward through the graph a second time")
        .withMessageContaining("retainGraph=true");
    assertThat(x.grad().toFloatArray()).containsExactly(2, 4, 6);
  }

  @Test
  void twiceWithRetainGraph() {
    Tensor y = x.square().sum();
    y.backward(null, true);
    y.backward();
    assertThat(x.grad().toFloatArray()).containsExactly(4, 8, 12);
  }

  @Test
  void aGraphThatSavesNothingCanBeRunAgain() {
    Tensor y = x.add(1.0).sum();
    y.backward();
    y.backward();
    assertThat(x.grad().toFloatArray()).containsExactly(2, 2, 2);
  }

  @Test
  void aSharedPartThatWasFreed() {
    Tensor shared = x.exp();
    shared.sum().backward();
    assertThatIllegalStateException()
        .isThrownBy(() -> shared.mul(2.0).sum().backward())
        .withMessageContaining("a second time");
  }

  @Test
  void aSavedInputChangedInPlace() {
    Tensor y = x.mul(1.0);
    Tensor out = y.square().sum();
    y.add_(1.0);
    assertThatIllegalStateException()
        .isThrownBy(out::backward)
        .withMessageContaining(
            "one of the variables needed for gradient computation has been modified by an inplace"
                + " operation: [torch.float32 [3]]")
        .withMessageContaining("is at version 1; expected version 0 instead");
  }

  @Test
  void aSavedOutputChangedInPlace() {
    Tensor y = x.exp();
    Tensor out = y.sum();
    y.mul_(2.0);
    assertThatIllegalStateException()
        .isThrownBy(out::backward)
        .withMessageContaining("needed by ExpBackward");
  }

  @Test
  void aSavedTensorChangedThroughAView() {
    Tensor y = x.mul(1.0);
    Tensor out = y.square().sum();
    y.narrow(0, 0, 1).zero_();
    assertThatIllegalStateException().isThrownBy(out::backward);
  }

  @Test
  void aTensorNobodySavedMayChange() {
    Tensor y = x.mul(1.0);
    Tensor out = y.add(2.0).sum();
    y.add_(1.0);
    out.backward();
    assertThat(x.grad().toFloatArray()).containsExactly(1, 1, 1);
  }

  @Test
  void gradOfWhatWasNotUsed() {
    Tensor other = Tensor.ones(1).requiresGrad_(true);
    assertThatIllegalStateException()
        .isThrownBy(() -> Autograd.grad(x.sum(), x, other))
        .withMessageContaining("(1) appears to not have been used in the graph");
    assertThatIllegalStateException()
        .isThrownBy(() -> Autograd.grad(x.sum(), Tensor.ones(1)))
        .withMessageContaining("(0) does not require grad");
  }
}
