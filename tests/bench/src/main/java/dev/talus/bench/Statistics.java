package dev.talus.bench;

import java.util.Arrays;
import java.util.Collection;

/** The few numbers that sum up many. */
final class Statistics {
  private Statistics() {}

  /** The middle value; of an even count the mean of the two in the middle. */
  static double median(double... values) {
    requireSome(values.length);
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** The n-th root of the product of n positive values. */
  static double geometricMean(Collection<Double> values) {
    requireSome(values.size());
    double sum = 0;
    for (double value : values) {
      if (!(value > 0)) {
        throw new IllegalArgumentException("a geometric mean is of positive values, not " + value);
      }
      sum += Math.log(value);
    }
    return Math.exp(sum / values.size());
  }

  private static void requireSome(int count) {
    if (count == 0) {
      throw new IllegalArgumentException("no values");
    }
  }
}
