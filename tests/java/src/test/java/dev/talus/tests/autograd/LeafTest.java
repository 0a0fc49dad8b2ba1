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

/** Leaves, and the gradients that gather in them. */
class LeafTest {
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
  void leavesAndResults() {
    assertThat(x.isLeaf()).isTrue();
    assertThat(x.gradFn()).isNull();
    assertThat(x.grad()).isNull();
    Tensor y = x.mul(2.0);
    assertThat(y.isLeaf()).isFalse();
    assertThat(y.requiresGrad()).isTrue();
    assertThat(y.gradFn().name()).isEqualTo("MulBackward");
    Tensor plain = Tensor.ones(3).mul(2.0);
    assertThat(plain.isLeaf()).isTrue();
    assertThat(plain.requiresGrad()).isFalse();
  }

  @Test
  void onlyLeavesGetAGradient() {
    Tensor y = x.mul(2.0);
    y.sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(2, 2, 2);
    assertThat(y.grad()).isNull();
  }

  @Test
  void retainGradKeepsThatOfAResult() {
    Tensor y = x.mul(2.0);
    y.retainGrad();
    y.square().sum().backward(null, true);
    assertThat(y.grad().toFloatArray()).containsExactly(4, 8, 12);
    x.retainGrad();
    assertThatIllegalStateException()
        .isThrownBy(() -> Tensor.ones(1).retainGrad())
        .withMessage("can't retain_grad on Tensor that has requires_grad=False");
  }

  @Test
  void gradientsAccumulate() {
    x.sum().backward();
    x.square().sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(3, 5, 7);
    x.grad().zero_();
    assertThat(x.grad().toFloatArray()).containsExactly(0, 0, 0);
    x.setGrad(null);
    assertThat(x.grad()).isNull();
  }

  @Test
  void gradBelongsToItsLeaf() {
    try (Scope step = Scope.open()) {
      x.sum().backward();
    }
    assertThat(x.grad().isClosed()).isFalse();
    assertThat(x.grad().toFloatArray()).containsExactly(1, 1, 1);
  }

  @Test
  void gradsOfTwoLeavesDoNotShareMemory() {
    Tensor y = Tensor.ones(3).requiresGrad_(true);
    x.add(y).sum().backward();
    x.grad().mul_(5);
    assertThat(y.grad().toFloatArray()).containsExactly(1, 1, 1);
  }

  @Test
  void theGivenGradientIsNotTakenOver() {
    Tensor seed = Tensor.ones(3);
    x.add(0.0).backward(seed);
    x.grad().mul_(5);
    assertThat(seed.toFloatArray()).containsExactly(1, 1, 1);
  }

  @Test
  void backwardOfALeafItself() {
    Tensor leaf = Tensor.ones(1).requiresGrad_(true);
    leaf.backward();
    leaf.backward();
    assertThat(leaf.grad().item()).isEqualTo(2);
  }

  @Test
  void setGradChecksShapeAndType() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> x.setGrad(Tensor.ones(2)))
        .withMessageContaining("torch.float32 [2]")
        .withMessageContaining("torch.float32 [3]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> x.setGrad(Tensor.ones(DType.FLOAT64, 3)))
        .withMessageContaining("torch.float64 [3]");
  }

  @Test
  void onlyFloatsCanRequireAGradient() {
    assertThatIllegalStateException()
        .isThrownBy(() -> Tensor.arange(3).requiresGrad_(true))
        .withMessageContaining("only Tensors of floating point dtype can require gradients");
  }

  @Test
  void aResultCannotStopRequiring() {
    assertThatIllegalStateException()
        .isThrownBy(() -> x.mul(2.0).requiresGrad_(false))
        .withMessageContaining("you can only change requires_grad flags of leaf variables")
        .withMessageContaining("detach()");
    assertThat(x.requiresGrad_(false).requiresGrad()).isFalse();
  }

  @Test
  void noGradRecordsNothing() {
    try (Autograd.GradMode off = Autograd.noGrad()) {
      assertThat(Autograd.isGradEnabled()).isFalse();
      assertThat(x.mul(2.0).requiresGrad()).isFalse();
      try (Autograd.GradMode on = Autograd.enableGrad()) {
        assertThat(x.mul(2.0).requiresGrad()).isTrue();
      }
      assertThat(Autograd.isGradEnabled()).isFalse();
    }
    assertThat(x.mul(2.0).requiresGrad()).isTrue();
  }

  @Test
  void noGradConcernsOneThread() throws InterruptedException {
    boolean[] enabled = new boolean[1];
    try (Autograd.GradMode off = Autograd.noGrad()) {
      Thread other = new Thread(() -> enabled[0] = Autograd.isGradEnabled());
      other.start();
      other.join();
    }
    assertThat(enabled[0]).isTrue();
  }

  @Test
  void detachSharesValuesAndVersion() {
    Tensor y = x.mul(2.0);
    Tensor detached = y.detach();
    assertThat(detached.requiresGrad()).isFalse();
    Tensor out = y.square().sum();
    detached.add_(1.0);
    assertThat(y.toFloatArray()).containsExactly(3, 5, 7);
    assertThatIllegalStateException()
        .isThrownBy(out::backward)
        .withMessageContaining("modified by an inplace operation")
        .withMessageContaining("is at version 1; expected version 0 instead");
  }

  @Test
  void dataSharesValuesOnly() {
    Tensor y = x.mul(2.0);
    Tensor out = y.square().sum();
    y.data().add_(1.0);
    out.backward();
    assertThat(x.grad().toFloatArray()).as("of the changed values").containsExactly(12, 20, 28);
    x.data().sub_(Tensor.ones(3));
    assertThat(x.toFloatArray()).containsExactly(0, 1, 2);
  }
}
