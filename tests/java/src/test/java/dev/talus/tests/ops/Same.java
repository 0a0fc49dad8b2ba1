package dev.talus.tests.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.DType;
import dev.talus.Tensor;

/** Comparisons of tensors that say where they differ. */
public final class Same {
  private Same() {}

  /** Asserts equal shapes, and values that differ by at most a part of the largest. */
  public static void close(Tensor actual, Tensor expected, double tolerance, String what) {
    assertThat(actual.shape()).as("shape of " + what).isEqualTo(expected.shape());
    close(actual.toDoubleArray(), expected.toDoubleArray(), tolerance, what);
  }

  /** Asserts values that differ by at most a part of the largest; NaN and infinities are equal. */
  public static void close(double[] actual, double[] expected, double tolerance, String what) {
    assertThat(actual).as("size of " + what).hasSameSizeAs(expected);
    double scale = 1;
    for (double value : expected) {
      scale = Double.isFinite(value) ? Math.max(scale, Math.abs(value)) : scale;
    }
    // Values of special inputs differ by many orders: each is compared with itself, too.
    for (int i = 0; i < expected.length; i++) {
      double bound = tolerance * Math.min(scale, Math.max(1, 16 * Math.abs(expected[i])));
      boolean same = Double.compare(actual[i], expected[i]) == 0 || actual[i] == expected[i];
      if (!same && !(Math.abs(actual[i] - expected[i]) <= bound)) {
        throw new AssertionError(
            what + ": element " + i + " is " + actual[i] + ", expected " + expected[i]);
      }
    }
  }

  /** Asserts the same bits. */
  public static void bits(Tensor actual, Tensor expected, String what) {
    assertThat(actual.shape()).as("shape of " + what).isEqualTo(expected.shape());
    if (expected.dtype() == DType.INT64) {
      assertThat(actual.toLongArray()).as(what).isEqualTo(expected.toLongArray());
    } else {
      assertThat(actual.toDoubleArray()).as(what).isEqualTo(expected.toDoubleArray());
    }
  }
}
