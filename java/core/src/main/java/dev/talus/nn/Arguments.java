package dev.talus.nn;

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
