package dev.talus.parity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.Tensor;

/** Comparisons of Talus's results with libtorch's. */
final class Agreement {
  private Agreement() {}

  /**
   * Asserts the same type and shape, and values that differ by at most a part of the largest; none
   * agrees with none.
   */
  static void check(
      Tensor actual, org.bytedeco.pytorch.Tensor expected, double tolerance, String what) {
    assertThat(actual != null).as("%s exists", what).isEqualTo(expected.defined());
    if (actual == null) {
      return;
    }
    assertThat(actual.dtype()).as("type of %s", what).isEqualTo(Torch.dtype(expected));
    assertThat(actual.shape().toArray()).as("shape of %s", what).isEqualTo(expected.shape());
    check(actual.toDoubleArray(), Torch.values(expected), tolerance, what);
  }

  /** Asserts values that differ by at most a part of the largest; NaN agrees with NaN. */
  static void check(double[] actual, double[] expected, double tolerance, String what) {
    assertThat(actual).as("size of %s", what).hasSameSizeAs(expected);
    double largest = 1;
    for (double value : expected) {
      largest = Double.isFinite(value) ? Math.max(largest, Math.abs(value)) : largest;
    }
    for (int i = 0; i < expected.length; i++) {
      // A sum may be small beside its terms; but 1 must not hide behind 1e30.
      double scale = Math.min(largest, 64 * Math.max(1, Math.abs(expected[i])));
      boolean same = Double.compare(actual[i], expected[i]) == 0 || actual[i] == expected[i];
      assertThat(same || Math.abs(actual[i] - expected[i]) <= tolerance * scale)
          .as("%s: element %d is %s, libtorch has %s", what, i, actual[i], expected[i])
          .isTrue();
    }
  }
}
