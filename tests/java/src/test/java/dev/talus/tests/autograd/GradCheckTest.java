package dev.talus.tests.autograd;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.GradCheck;
import dev.talus.autograd.Node;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The gradient check notices wrong rules; and an op can be written outside the library. */
class GradCheckTest {
  /** x³ whose rule is 3 x² times a factor that should be 1. */
  private static final class Cube extends Node {
    private final double factor;
    private final boolean recorded;

    private Cube(Tensor x, double factor, boolean recorded) {
      super(x);
      this.factor = factor;
      this.recorded = recorded;
      save(x);
    }

    static Tensor apply(Tensor x, double factor, boolean recorded) {
      Tensor out;
      try (Autograd.GradMode mode = Autograd.noGrad()) {
        out = x.mul(x).mul(x);
      }
      return Autograd.records(x) ? new Cube(x, factor, recorded).record(out) : out;
    }

    @Override
    protected Tensor[] backward(Tensor grad, boolean[] needs) {
      Tensor x = recorded ? saved(0) : saved(0).detach();
      return new Tensor[] {grad.mul(x).mul(x).mul(3 * factor)};
    }
  }

  private Scope scope;
  private Tensor x;

  @BeforeEach
  void open() {
    scope = Scope.open();
    x = Tensor.of(new double[] {1, -2, 0.5}).requiresGrad_(true);
  }

  @AfterEach
  void close() {
    scope.close();
  }

  @Test
  void aRightRulePasses() {
    assertThatCode(() -> GradCheck.check(t -> Cube.apply(t[0], 1, true), x))
        .doesNotThrowAnyException();
    assertThatCode(() -> GradCheck.checkSecond(t -> Cube.apply(t[0], 1, true), x))
        .doesNotThrowAnyException();
  }

  @Test
  void aSlightlyWrongRuleIsNamed() {
    assertThatIllegalStateException()
        .isThrownBy(() -> GradCheck.check(t -> Cube.apply(t[0], 1.01, true), x))
        .withMessageContaining("Jacobian mismatch for input 0, element 0, output element 0")
        .withMessageContaining("analytical 3.03");
  }

  @Test
  void aRuleThatForgetsItsOwnDerivativeIsNoticed() {
    assertThatIllegalStateException()
        .isThrownBy(() -> GradCheck.checkSecond(t -> Cube.apply(t[0], 1, false), x))
        .withMessageContaining("Jacobian mismatch");
  }

  @Test
  void inputsMustBeFit() {
    Tensor floats = Tensor.ones(2).requiresGrad_(true);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GradCheck.check(t -> t[0].exp(), floats))
        .withMessageContaining("torch.float64")
        .withMessageContaining("torch.float32 [2]");
    Tensor constant = Tensor.ones(DType.FLOAT64, 2);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GradCheck.check(t -> t[0].exp(), constant))
        .withMessageContaining("at least one input tensor to require gradient");
  }
}
