package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.nn.F;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Hardtanh's gradient is 0 at its bounds and outside, and all of what arrives elsewhere, where the
 * input is NaN, too; recorded or not.
 */
class HardtanhGradientTest {
  private static final double INF = Double.POSITIVE_INFINITY;

  @ParameterizedTest
  @CsvSource({"0, 6", "-1, 1", "-0.5, 0.75", "1, 2"})
  void isChosenByTheInput(double low, double high) {
    for (DType type : new DType[] {DType.FLOAT32, DType.FLOAT64}) {
      for (boolean recorded : new boolean[] {false, true}) {
        check(type, low, high, recorded);
      }
    }
  }

  private static void check(DType type, double low, double high, boolean recorded) {
    double inside = (low + high) / 2;
    double[] inputs = {Double.NaN, low, inside, high, -INF, INF, low - 1, high + 1, inside};
    double[] weights = {3, INF, -4, -INF, INF, 5, 2, INF, INF};
    double[] wanted = {3, 0, -4, 0, 0, 0, 0, 0, INF};
    double[] wantedOfSeven = {7, 0, 7, 0, 0, 0, 0, 0, 7};
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.of(inputs, inputs.length).to(type).requiresGrad_(true);
      Tensor weight = Tensor.of(weights, weights.length).to(type).requiresGrad_(true);
      Tensor sum = F.hardtanh(x, low, high).mul(weight).sum();
      Tensor gradient = Autograd.grad(sum, new Tensor[] {x}, null, true, recorded)[0];
      assertThat(gradient.toDoubleArray()).as("%s, recorded: %s", type, recorded).isEqualTo(wanted);
      if (recorded) {
        Tensor second =
            Autograd.grad(
                gradient, new Tensor[] {weight}, Tensor.full(7, 9).to(type), false, false)[0];
        assertThat(second.toDoubleArray()).as("second, %s", type).isEqualTo(wantedOfSeven);
      }
    }
  }
}
