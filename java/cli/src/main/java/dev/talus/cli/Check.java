package dev.talus.cli;

/** Rejects option values that make no sense, with a message that names the option. */
final class Check {
  private Check() {}

  /** Rejects a whole number below a bound. */
  static void atLeast(long bound, String option, long value) {
    if (value < bound) {
      throw new UserError(option + " must be " + bound + " or more, got " + value);
    }
  }

  /** Rejects what is not a positive number. */
  static void positive(String option, double value) {
    if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
      throw new UserError(option + " must be more than 0, got " + value);
    }
  }

  /** Rejects what is not in [low, high). */
  static void within(double low, double high, String option, double value) {
    if (!(value >= low && value < high)) {
      throw new UserError(
          option + " must be at least " + low + " and less than " + high + ", got " + value);
    }
  }
}
