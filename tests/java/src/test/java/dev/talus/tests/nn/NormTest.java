package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.nn.BatchNorm1d;
import dev.talus.nn.BatchNorm2d;
import dev.talus.nn.LayerNorm;
import dev.talus.nn.Module;
import dev.talus.nn.Sequential;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What the normalising layers keep, and when they use it. */
class NormTest {
  static Arguments[] layers() {
    return new Arguments[] {
      layer(
          () -> new BatchNorm2d(64),
          "BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)"),
      layer(
          () -> new BatchNorm1d(3, 0.001, null, false, false),
          "BatchNorm1d(3, eps=0.001, momentum=None, affine=False, track_running_stats=False)"),
      layer(
          () -> new BatchNorm1d(3, 1.0, 2.5e-7, false, true),
          "BatchNorm1d(3, eps=1.0, momentum=2.5e-07, affine=False, track_running_stats=True)"),
      layer(() -> new LayerNorm(8), "LayerNorm((8,), eps=1e-05, elementwise_affine=True)"),
      layer(
          () -> new LayerNorm(new long[] {2, 3}, 1e-6, false, true),
          "LayerNorm((2, 3), eps=1e-06, elementwise_affine=False)")
    };
  }

  private static Arguments layer(Supplier<Module> layer, String printed) {
    return Arguments.of(layer, printed);
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("layers")
  void printsAsInPyTorch(Supplier<Module> layer, String printed) {
    try (Module module = layer.get()) {
      assertThat(module).hasToString(printed);
    }
  }

  @Test
  void stateHasPyTorchsNames() {
    try (Scope scope = Scope.open();
        Sequential net = new Sequential(new BatchNorm2d(3), new LayerNorm(4))) {
      assertThat(net.stateDict().keySet())
          .containsExactly(
              "0.weight",
              "0.bias",
              "0.running_mean",
              "0.running_var",
              "0.num_batches_tracked",
              "1.weight",
              "1.bias");
      assertThat(net.stateDict().get("0.num_batches_tracked").dtype()).isEqualTo(DType.INT64);
      assertThat(net.stateDict().get("0.num_batches_tracked").dim()).isZero();
      assertThat(net.parameters()).hasSize(4);
    }
  }

  @Test
  void trainingMovesTheRunningStatisticsAndEvaluationUsesThem() {
    try (Scope scope = Scope.open();
        BatchNorm1d norm = new BatchNorm1d(1)) {
      Tensor x = Tensor.of(new float[] {1, 2, 3, 6}, 4, 1);
      Tensor y = norm.forward(x);
      assertThat(y.mean().item()).isCloseTo(0, within(1e-6));
      assertThat(norm.runningMean().item()).isCloseTo(0.3, within(1e-6));
      // The unbiased variance of the batch is 14/3.
      assertThat(norm.runningVar().item()).isCloseTo(0.9 + 0.1 * 14 / 3, within(1e-6));
      norm.eval();
      double mean = norm.runningMean().item();
      Tensor z = norm.forward(x);
      assertThat(norm.runningMean().item()).isEqualTo(mean);
      assertThat(z.toFloatArray()[1])
          .isCloseTo(
              (float) ((2 - mean) / Math.sqrt(norm.runningVar().item() + 1e-5)), within(1e-5f));
      assertThat(norm.namedBuffers().get("num_batches_tracked").itemLong()).isEqualTo(1);
    }
  }

  @Test
  void withoutMomentumTheAverageIsPlain() {
    try (Scope scope = Scope.open();
        BatchNorm1d norm = new BatchNorm1d(1, 1e-5, null, true, true)) {
      for (float shift : new float[] {0, 3, 9}) {
        norm.forward(Tensor.of(new float[] {shift - 1, shift + 1}, 2, 1));
      }
      assertThat(norm.runningMean().item()).isCloseTo(4, within(1e-6));
      assertThat(norm.runningVar().item()).isCloseTo(2, within(1e-6));
    }
  }

  @Test
  void withoutRunningStatisticsEvaluationUsesTheBatch() {
    try (Scope scope = Scope.open();
        BatchNorm2d norm = new BatchNorm2d(2, 1e-5, 0.1, false, false)) {
      norm.eval();
      assertThat(norm.buffers()).isEmpty();
      Tensor y = norm.forward(Tensor.randn(3, 2, 4, 4).mul(5).add(2));
      assertThat(y.mean().item()).isCloseTo(0, within(1e-6));
    }
  }

  @Test
  void convertsAndLoads() {
    try (Scope scope = Scope.open();
        BatchNorm2d norm = new BatchNorm2d(2);
        BatchNorm2d other = new BatchNorm2d(2)) {
      norm.forward(Tensor.randn(3, 2, 4, 4));
      other.loadStateDict(norm.stateDict());
      assertThat(other.runningVar().toFloatArray()).isEqualTo(norm.runningVar().toFloatArray());
      norm.to(DType.FLOAT64);
      assertThat(norm.runningMean().dtype()).isEqualTo(DType.FLOAT64);
      assertThat(norm.forward(Tensor.randn(DType.FLOAT64, 3, 2, 4, 4)).dtype())
          .isEqualTo(DType.FLOAT64);
    }
  }

  @Test
  void aChangeOfTheRunningStatisticsDoesNotTouchTheGradient() {
    try (Scope scope = Scope.open();
        BatchNorm1d norm = new BatchNorm1d(3)) {
      Tensor x = Tensor.randn(4, 3).requiresGrad_(true);
      Tensor y = norm.forward(x);
      assertThat(y.gradFn().name()).isEqualTo("NativeBatchNormBackward");
      norm.forward(x.detach());
      y.square().sum().backward();
      assertThat(x.grad()).isNotNull();
      assertThat(norm.weight().grad()).isNotNull();
    }
  }

  @Test
  void wrongInputsAreRefusedByName() {
    try (Scope scope = Scope.open();
        Sequential net = new Sequential(new BatchNorm2d(3));
        BatchNorm1d norm = new BatchNorm1d(3);
        LayerNorm rows = new LayerNorm(3)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> net.forward(Tensor.ones(2, 3)))
          .withMessageContaining("0: BatchNorm2d(3, eps")
          .withMessageContaining("expected 4D input (got 2D input)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> norm.forward(Tensor.ones(2, 3, 4, 5)))
          .withMessageContaining("expected 2D or 3D input (got 4D input)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> norm.forward(Tensor.ones(2, 4)))
          .withMessageContaining("running_mean should contain 4 elements");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> norm.forward(Tensor.ones(1, 3)))
          .withMessageContaining("Expected more than 1 value per channel when training");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> rows.forward(Tensor.ones(2, 4)))
          .withMessageContaining("LayerNorm((3,)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new BatchNorm2d(0))
          .withMessageContaining("BatchNorm2d: num_features must be 1 or more, got 0");
      assertThatIllegalArgumentException()
          .isThrownBy(LayerNorm::new)
          .withMessageContaining("normalized_shape is empty");
    }
  }
}
