package dev.talus.nn;

import java.math.BigDecimal;

/** What the constructors of layers check, and how Python writes their arguments. */
final class Arguments {
  private Arguments() {}

  static void atLeast(String layer, String argument, long value, long minimum) {
    if (value < minimum) {
      throw new IllegalArgumentException(
          layer + ": " + argument + " must be " + minimum + " or more, got " + value);
    }
  }

  /** One number or two, checked; the caller's array is not kept. */
  static int[] sizes(String layer, String argument, int[] values, int minimum) {
    if (values == null || values.length < 1 || values.length > 2) {
      throw new IllegalArgumentException(
          layer + ": " + argument + " must be one number, or those of height and width");
    }
    for (int value : values) {
      atLeast(layer, argument, value, minimum);
    }
    return values.clone();
  }

  /** One number for both directions, as two. */
  static int[] pair(int[] values) {
    return values.length == 2 ? values : new int[] {values[0], values[0]};
  }

  static boolean isEvery(int[] values, int expected) {
    for (int value : values) {
      if (value != expected) {
        return false;
      }
    }
    return true;
  }

  static void approximation(String approximate) {
    if (!approximate.equals("none") && !approximate.equals("tanh")) {
      throw new IllegalArgumentException(
          "approximate argument must be either none or tanh, got " + approximate);
    }
  }

  /** A number as Python prints it, such as {@code 1e-05}. */
  static String python(double value) {
    if (!Double.isFinite(value)) {
      return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
    }
    BigDecimal digits = new BigDecimal(Double.toString(value)).stripTrailingZeros();
    int exponent = digits.precision() - digits.scale() - 1;
    if (value == 0 || (exponent >= -4 && exponent < 16)) {
      String plain = value == 0 ? Double.toString(value) : digits.toPlainString();
      return plain.contains(".") ? plain : plain + ".0";
    }
    String mantissa = digits.scaleByPowerOfTen(-exponent).toPlainString();
    int size = Math.abs(exponent);
    return mantissa + (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0" : "") + size;
  }

  static String python(boolean value) {
    return value ? "True" : "False";
  }

  /** {@code 2} for one number, {@code (2, 3)} for two. */
  static String python(int[] values) {
    return values.length == 1
        ? Integer.toString(values[0])
        : "(" + values[0] + ", " + values[1] + ")";
  }
}
