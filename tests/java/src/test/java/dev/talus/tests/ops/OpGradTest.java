package dev.talus.tests.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.GradCheck;
import dev.talus.tests.ops.OpRow.Sample;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The gradients of every op against finite differences, in float64. */
class OpGradTest {
  static Stream<Sample> first() {
    return OpTable.differentiable();
  }

  static Stream<Sample> second() {
    return OpTable.twiceDifferentiable();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("first")
  void firstDerivatives(Sample sample) {
    try (Scope scope = Scope.open()) {
      Tensor[] inputs = sample.make(DType.FLOAT64, true);
      GradCheck.check(sample.row().function(), inputs);
    }
  }

  /** Rules may take another way while they are recorded; it must lead to the same place. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("second")
  void recordedGradientsAreTheSame(Sample sample) {
    try (Scope scope = Scope.open()) {
      Tensor[] plain = gradients(sample, false);
      Tensor[] recorded = gradients(sample, true);
      for (int i = 0; i < plain.length; i++) {
        assertThat(recorded[i] == null).as("input " + i).isEqualTo(plain[i] == null);
        if (plain[i] != null) {
          Same.close(recorded[i], plain[i], 1e-12, "gradient of input " + i);
        }
      }
    }
  }

  private static Tensor[] gradients(Sample sample, boolean createGraph) {
    Tensor[] inputs = sample.make(DType.FLOAT64, true);
    Tensor out = sample.row().apply(inputs);
    // No two elements alike, so that mixed up or forgotten ones are seen.
    Tensor seed =
        Tensor.arange(out.numel()).to(DType.FLOAT64).mul(0.37).sin().reshape(out.shape().toArray());
    Autograd.backward(out, seed, createGraph, createGraph);
    return Arrays.stream(inputs).map(Tensor::grad).toArray(Tensor[]::new);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("second")
  void secondDerivatives(Sample sample) {
    try (Scope scope = Scope.open()) {
      Tensor[] inputs = sample.make(DType.FLOAT64, true);
      GradCheck.checkSecond(sample.row().function(), inputs);
    }
  }
}
