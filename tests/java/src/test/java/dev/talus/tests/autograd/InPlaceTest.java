package dev.talus.tests.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** In-place operations that autograd sees: history, versions, views and their bases. */
class InPlaceTest {
  private Scope scope;
  private Tensor x;

  @BeforeEach
  void open() {
    scope = Scope.open();
    x = Tensor.of(new float[] {1, 2, 3, 4}, 2, 2).requiresGrad_(true);
  }

  @AfterEach
  void close() {
    scope.close();
  }

  @Test
  void theTensorTakesTheNewHistory() {
    Tensor y = x.mul(2.0);
    Tensor same = y.mul_(3.0);
    assertThat(same).isSameAs(y);
    assertThat(y.gradFn().name()).isEqualTo("MulBackward");
    assertThat(y.gradFn().nextFunctions().get(0).name()).isEqualTo("MulBackward");
    y.sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(6, 6, 6, 6);
  }

  @Test
  void aPlainTensorStartsToRequireAGradient() {
    Tensor sum = Tensor.zeros(2, 2);
    sum.add_(x).add_(x);
    assertThat(sum.requiresGrad()).isTrue();
    sum.sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(2, 2, 2, 2);
  }

  @Test
  void aFactorStillNeededIsKept() {
    Tensor factor = Tensor.full(2, 2, 2).requiresGrad_(true);
    Tensor y = x.mul(1.0);
    y.mul_(factor);
    y.sum().backward();
    assertThat(factor.grad().toFloatArray()).containsExactly(1, 2, 3, 4);
    assertThat(x.grad().toFloatArray()).containsExactly(2, 2, 2, 2);
  }

  @Test
  void refusedOnLeavesAndTheirViews() {
    assertThatIllegalStateException()
        .isThrownBy(() -> x.add_(1.0))
        .withMessageContaining(
            "a leaf Variable that requires grad is being used in an in-place operation")
        .withMessageContaining("Autograd.noGrad()");
    assertThatIllegalStateException()
        .isThrownBy(() -> x.select(0, 0).zero_())
        .withMessageContaining("a view of a leaf Variable that requires grad");
    assertThat(x.toFloatArray()).as("nothing was written").containsExactly(1, 2, 3, 4);
  }

  @Test
  void allowedOnLeavesWithoutRecording() {
    try (Autograd.GradMode off = Autograd.noGrad()) {
      x.add_(1.0);
      x.select(0, 0).zero_();
    }
    assertThat(x.toFloatArray()).containsExactly(0, 0, 4, 5);
    assertThat(x.isLeaf() && x.requiresGrad()).isTrue();
  }

  @Test
  void aChangeOfAViewChangesTheBase() {
    Tensor base = x.mul(1.0);
    Tensor row = base.select(0, 0);
    row.mul_(10.0);
    assertThat(base.toFloatArray()).containsExactly(10, 20, 3, 4);
    assertThat(base.gradFn().name()).isEqualTo("CopySlices");
    base.square().sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(200, 400, 6, 8);
  }

  @Test
  void aViewMadeBeforeSeesTheNewHistory() {
    Tensor base = x.mul(1.0);
    Tensor row = base.select(0, 1);
    assertThat(row.gradFn().name()).isEqualTo("SelectBackward");
    base.mul_(5.0);
    assertThat(row.gradFn().name()).isEqualTo("AsStridedBackward");
    row.sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(0, 0, 5, 5);
  }

  @Test
  void siblingViewsSeeEachOthersChanges() {
    Tensor base = x.mul(1.0);
    Tensor first = base.select(0, 0);
    Tensor column = base.select(1, 0);
    column.mul_(7.0);
    first.sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(7, 1, 0, 0);
  }

  @Test
  void aPlainBaseBecomesRecordedThroughItsView() {
    Tensor base = Tensor.zeros(2, 2);
    base.select(1, 1).copy_(x.select(0, 1));
    assertThat(base.requiresGrad()).isTrue();
    base.sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(0, 0, 1, 1);
  }

  @Test
  void overwritingCutsTheOldHistory() {
    Tensor y = x.mul(2.0);
    y.copy_(x.mul(5.0));
    y.sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(5, 5, 5, 5);
  }

  @Test
  void partOfATensorOverwritten() {
    Tensor y = x.mul(2.0);
    y.narrow(1, 0, 1).fill_(9.0);
    y.sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(0, 2, 0, 2);
  }

  @Test
  void stretchedTensorsCannotBeWritten() {
    assertThatExceptionOfType(IllegalStateException.class)
        .isThrownBy(() -> Tensor.zeros(1).expand(3).fill_(1))
        .withMessageContaining("more than one element of the written-to tensor refers to a");
  }

  @Test
  void versionsAreShared() {
    Tensor y = x.detach().clone();
    Tensor view = y.select(0, 0);
    assertThat(view.versionCounter()).isSameAs(y.versionCounter());
    view.add_(1.0);
    y.zero_();
    assertThat(y.versionCounter().get()).isEqualTo(2);
    assertThat(y.data().versionCounter()).isNotSameAs(y.versionCounter());
  }
}
