package dev.talus.internal.print;

/**
 * How tensors are printed. The options, their defaults and the three profiles are those of {@code
 * torch.set_printoptions}.
 *
 * @param precision digits after the decimal point, at least 0
 * @param threshold the most elements printed in full, at least 0; a larger tensor is summarised
 * @param edgeItems elements kept at each end of a summarised dimension, at least 0
 * @param lineWidth columns a line may have before elements and suffixes go to a new one, at least 1
 * @param sciMode true for scientific notation, false for plain digits, null to choose by the values
 */
public record PrintOptions(
    int precision, long threshold, int edgeItems, int lineWidth, Boolean sciMode) {

  /**
   * PyTorch's defaults: precision 4, threshold 1000, 3 edge items, 80 columns, automatic notation.
   */
  public static final PrintOptions DEFAULT = new PrintOptions(4, 1000, 3, 80, null);

  /** PyTorch's profile {@code short}: precision 2 and 2 edge items. */
  public static final PrintOptions SHORT = DEFAULT.withPrecision(2).withEdgeItems(2);

  /** PyTorch's profile {@code full}: never summarises. */
  public static final PrintOptions FULL = DEFAULT.withThreshold(Long.MAX_VALUE);

  /**
   * Makes options after checking their ranges.
   *
   * @param precision digits after the decimal point, at least 0
   * @param threshold the most elements printed in full, at least 0
   * @param edgeItems elements kept at each end of a summarised dimension, at least 0
   * @param lineWidth the width of a line, at least 1
   * @param sciMode true, false, or null to choose by the values
   * @throws IllegalArgumentException if an option is outside its range
   */
  public PrintOptions {
    requireAtLeast("precision", precision, 0);
    requireAtLeast("threshold", threshold, 0);
    requireAtLeast("edgeItems", edgeItems, 0);
    requireAtLeast("lineWidth", lineWidth, 1);
  }

  private static void requireAtLeast(String option, long value, long least) {
    if (value < least) {
      throw new IllegalArgumentException(
          "print option %s is %d; give %d or more".formatted(option, value, least));
    }
  }

  /**
   * Returns these options with another precision.
   *
   * @param digits digits after the decimal point, at least 0
   * @return the changed copy
   */
  public PrintOptions withPrecision(int digits) {
    return new PrintOptions(digits, threshold, edgeItems, lineWidth, sciMode);
  }

  /**
   * Returns these options with another threshold.
   *
   * @param elements the most elements printed in full, at least 0
   * @return the changed copy
   */
  public PrintOptions withThreshold(long elements) {
    return new PrintOptions(precision, elements, edgeItems, lineWidth, sciMode);
  }

  /**
   * Returns these options with another number of edge items.
   *
   * @param items elements kept at each end of a summarised dimension, at least 0
   * @return the changed copy
   */
  public PrintOptions withEdgeItems(int items) {
    return new PrintOptions(precision, threshold, items, lineWidth, sciMode);
  }

  /**
   * Returns these options with another line width.
   *
   * @param columns the width of a line, at least 1
   * @return the changed copy
   */
  public PrintOptions withLineWidth(int columns) {
    return new PrintOptions(precision, threshold, edgeItems, columns, sciMode);
  }

  /**
   * Returns these options with another choice of notation.
   *
   * @param scientific true for scientific, false for plain digits, null to choose by the values
   * @return the changed copy
   */
  public PrintOptions withSciMode(Boolean scientific) {
    return new PrintOptions(precision, threshold, edgeItems, lineWidth, scientific);
  }
}
