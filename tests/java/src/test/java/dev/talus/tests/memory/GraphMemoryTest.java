package dev.talus.tests.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a graph holds, and when it lets go. */
class GraphMemoryTest {
  private Tensor leaf;
  private long before;

  @BeforeEach
  void leaf() {
    leaf = Tensor.ones(3).requiresGrad_(true);
    before = Talus.memory().liveBlocks();
  }

  @AfterEach
  void nothingIsLeft() {
    leaf.setGrad(null);
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
    leaf.close();
  }

  private long live() {
    return Talus.memory().liveBlocks() - before;
  }

  @Test
  void savedTensorsOutliveTheirHandles() {
    try (Scope scope = Scope.open()) {
      Tensor middle = leaf.mul(2.0);
      Tensor out = middle.square();
      middle.close();
      assertThat(live()).as("middle's storage is saved by square").isEqualTo(2);
      out.backward(Tensor.ones(3));
      assertThat(leaf.grad().toFloatArray()).containsExactly(8, 8, 8);
    }
  }

  @Test
  void savedTensorsAreReleasedRightAfterBackward() {
    try (Scope scope = Scope.open()) {
      Tensor middle = leaf.mul(2.0);
      Tensor out = middle.square().sum();
      middle.close();
      long held = live();
      out.backward();
      assertThat(live()).as("middle is gone, a gradient came").isEqualTo(held);
      leaf.setGrad(null);
      assertThat(live()).isEqualTo(held - 1);
    }
  }

  @Test
  void aRetainedGraphKeepsThem() {
    try (Scope scope = Scope.open()) {
      Tensor middle = leaf.mul(2.0);
      Tensor out = middle.square().sum();
      middle.close();
      long held = live();
      out.backward(null, true);
      assertThat(live()).isEqualTo(held + 1);
      out.backward();
      assertThat(live()).isEqualTo(held);
    }
  }

  @Test
  void intermediateGradientsDoNotPileUp() {
    try (Scope scope = Scope.open()) {
      Tensor out = leaf;
      for (int i = 0; i < 50; i++) {
        out = out.add(1.0);
      }
      long held = live();
      out.backward(Tensor.ones(3));
      assertThat(live()).as("the seed and the leaf's gradient").isEqualTo(held + 2);
    }
  }

  @Test
  void anErrorInTheMiddleLeaksNothing() {
    try (Scope scope = Scope.open()) {
      Tensor shared = leaf.exp();
      Tensor other = shared.mul(2.0).square();
      Tensor out = shared.mul(other).sum();
      shared.zero_();
      assertThatIllegalStateException()
          .isThrownBy(out::backward)
          .withMessageContaining("modified by an inplace operation");
      assertThat(leaf.grad()).isNull();
    }
    assertThat(live()).isZero();
  }

  @Test
  void gradientsThatWaitWhenAnErrorComesAreFreed() {
    try (Scope scope = Scope.open()) {
      Tensor middle = leaf.mul(2.0);
      Tensor waiting = middle.add(1.0);
      Tensor failing = middle.exp();
      Tensor out = waiting.add(failing).sum();
      failing.detach().zero_();
      assertThatIllegalStateException().isThrownBy(out::backward);
    }
    assertThat(live()).isZero();
  }

  @Test
  void anErrorInAHookLeaksNothing() {
    try (Scope scope = Scope.open()) {
      Tensor middle = leaf.exp();
      middle.registerHook(
          grad -> {
            throw new IllegalStateException("from the hook");
          });
      Tensor out = middle.square().sum();
      assertThatIllegalStateException().isThrownBy(out::backward).withMessage("from the hook");
    }
    assertThat(live()).isZero();
  }

  @Test
  void aGraphThatIsNeverRunIsFreedWithItsScope() {
    try (Scope scope = Scope.open()) {
      leaf.exp().square().sum();
      assertThat(live()).isEqualTo(3);
    }
    assertThat(live()).isZero();
  }

  @Test
  void withoutRecordingNothingIsSaved() {
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      Tensor middle = leaf.exp();
      Tensor out = middle.square();
      middle.close();
      assertThat(live()).isEqualTo(1);
      assertThat(out.requiresGrad()).isFalse();
    }
  }

  @Test
  void secondDerivativesLeakNothing() {
    try (Scope scope = Scope.open()) {
      Tensor out = leaf.pow(3).sum();
      Tensor[] of = {leaf};
      Tensor first = Autograd.grad(out, of, null, true, true)[0];
      Tensor second = Autograd.grad(first.sum(), leaf)[0];
      assertThat(second.toFloatArray()).containsExactly(6, 6, 6);
    }
    assertThat(live()).isZero();
  }

  @Test
  void createGraphBackwardLeavesAGradientWithHistory() {
    try (Scope scope = Scope.open()) {
      Tensor out = leaf.pow(3).sum();
      Autograd.backward(out, null, true, true);
      assertThat(leaf.grad().requiresGrad()).isTrue();
      Tensor second = Autograd.grad(leaf.grad().sum(), leaf)[0];
      assertThat(second.toFloatArray()).containsExactly(6, 6, 6);
    }
  }
}
