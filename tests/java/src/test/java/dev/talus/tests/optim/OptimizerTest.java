package dev.talus.tests.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.nn.Parameter;
import dev.talus.optim.Adam;
import dev.talus.optim.AdamW;
import dev.talus.optim.Optimizer;
import dev.talus.optim.SGD;
import java.util.List;
import java.util.function.Function;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Optimizers against PyTorch: the parameters after the first and after the fifth step that
 * minimises sum(c w²), as PyTorch 2.13.0 printed them in float64.
 */
class OptimizerTest {
  private Scope scope;
  private long before;

  @BeforeEach
  void open() {
    before = Talus.memory().liveBlocks();
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource({
    "dev.talus.tests.optim.OptimizerRows#sgd",
    "dev.talus.tests.optim.OptimizerRows#adam",
    "dev.talus.tests.optim.OptimizerRows#adamW"
  })
  void followsPyTorch(
      String options, Function<List<Parameter>, Optimizer> maker, double[] expected) {
    check(maker, expected, DType.FLOAT64, 1e-12);
    check(maker, expected, DType.FLOAT32, 2e-6);
  }

  private static void check(
      Function<List<Parameter>, Optimizer> maker, double[] expected, DType type, double tolerance) {
    Tensor c = Tensor.of(new double[] {1, 0.5, -0.25}).to(type);
    Parameter w = new Parameter(Tensor.of(new double[] {1, -2, 3}).to(type));
    try (w;
        Optimizer optimizer = maker.apply(List.of(w))) {
      for (int step = 0; step < 5; step++) {
        optimizer.zeroGrad();
        w.mul(w).mul(c).sum().backward();
        optimizer.step();
        if (step == 0) {
          close(w, expected, 0, tolerance);
        }
      }
      close(w, expected, 3, tolerance);
    }
  }

  private static void close(Tensor w, double[] expected, int from, double tolerance) {
    double[] actual = w.toDoubleArray();
    for (int i = 0; i < 3; i++) {
      assertThat(actual[i]).isCloseTo(expected[from + i], within(tolerance * 8));
    }
  }

  @Test
  void groupsHaveTheirOwnRates() {
    try (Parameter a = new Parameter(Tensor.ones(1));
        Parameter b = new Parameter(Tensor.ones(1));
        SGD optimizer = new SGD(List.of(a), 0.1)) {
      optimizer.addGroup(List.of(b), 0.5);
      a.add(b).sum().backward();
      optimizer.step();
      assertThat(a.item()).isCloseTo(0.9, within(1e-6));
      assertThat(b.item()).isCloseTo(0.5, within(1e-6));
      optimizer.setLr(0.25);
      assertThat(optimizer.groups()).allMatch(group -> group.lr() == 0.25);
    }
  }

  @Test
  void parametersWithoutGradientStay() {
    try (Parameter a = new Parameter(Tensor.ones(1));
        Parameter b = new Parameter(Tensor.ones(1));
        SGD optimizer = new SGD(List.of(a, b), 0.1).momentum(0.9)) {
      a.sum().backward();
      optimizer.step();
      assertThat(b.item()).isEqualTo(1);
      optimizer.zeroGrad();
      assertThat(a.grad()).isNull();
      optimizer.step();
      assertThat(a.item()).as("no gradient, no step").isCloseTo(0.9, within(1e-6));
    }
  }

  @Test
  void aStepIsNoticedByAutograd() {
    try (Parameter a = new Parameter(Tensor.ones(1));
        SGD optimizer = new SGD(List.of(a), 0.1)) {
      Tensor out = a.square();
      a.setGrad(Tensor.ones(1));
      optimizer.step();
      assertThatIllegalStateException()
          .isThrownBy(out::backward)
          .withMessageContaining("modified by an inplace operation");
    }
  }

  @Test
  void badOptionsAreRefused() {
    try (Parameter a = new Parameter(Tensor.ones(1))) {
      List<Parameter> parameters = List.of(a);
      refused(() -> new SGD(List.of(), 0.1), "empty parameter list");
      refused(() -> new SGD(List.of(a, a), 0.1), "more than one parameter group");
      refused(() -> new SGD(parameters, -0.1), "Invalid learning rate: -0.1");
      refused(() -> new SGD(parameters, 0.1).momentum(-1), "Invalid momentum value: -1");
      refused(() -> new SGD(parameters, 0.1).weightDecay(-1), "Invalid weight_decay value: -1");
      refused(
          () -> new SGD(parameters, 0.1).nesterov(true),
          "Nesterov momentum requires a momentum and zero dampening");
      refused(() -> new Adam(parameters, 0.1).betas(1, 0.9), "beta parameter at index 0: 1");
      refused(() -> new Adam(parameters, 0.1).betas(0.9, -1), "beta parameter at index 1: -1");
      refused(() -> new Adam(parameters, 0.1).eps(-1), "Invalid epsilon value: -1");
      refused(() -> new AdamW(parameters, Double.NaN), "Invalid learning rate: NaN");
    }
  }

  private static void refused(ThrowingCallable call, String message) {
    assertThatIllegalArgumentException().isThrownBy(call).withMessageContaining(message);
  }
}
