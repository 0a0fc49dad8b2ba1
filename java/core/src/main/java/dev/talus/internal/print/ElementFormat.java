package dev.talus.internal.print;

import java.util.Arrays;
import java.util.function.DoubleFunction;
import java.util.stream.Stream;

/**
 * The texts of the elements to print, all brought to one notation and padded to one width.
 *
 * <p>Notation and width follow from the non-zero finite elements alone, so an {@code inf} or {@code
 * nan} can stick out of its column, as in PyTorch.
 */
final class ElementFormat {

  private final String[] texts;
  private final int width;

  private ElementFormat(String[] texts, int width) {
    this.width = width;
    for (int i = 0; i < texts.length; i++) {
      texts[i] = " ".repeat(Math.max(0, width - texts[i].length())) + texts[i];
    }
    this.texts = texts;
  }

  /** The width of a column. */
  int width() {
    return width;
  }

  /** The padded text of element {@code i}, in the order the elements were given. */
  String text(int i) {
    return texts[i];
  }

  static ElementFormat ofBooleans(long[] values) {
    return ofTexts(Arrays.stream(values).mapToObj(v -> v != 0 ? "True" : "False"));
  }

  static ElementFormat ofLongs(long[] values) {
    return ofTexts(Arrays.stream(values).mapToObj(Long::toString));
  }

  private static ElementFormat ofTexts(Stream<String> stream) {
    String[] texts = stream.toArray(String[]::new);
    return new ElementFormat(texts, Arrays.stream(texts).mapToInt(String::length).max().orElse(1));
  }

  static ElementFormat ofDoubles(double[] values, PrintOptions options) {
    boolean integral = true;
    double least = Double.POSITIVE_INFINITY;
    double most = 0;
    for (double value : values) {
      if (counts(value)) {
        integral &= value == Math.ceil(value);
        least = Math.min(least, Math.abs(value));
        most = Math.max(most, Math.abs(value));
      }
    }
    // With nothing to choose by, PyTorch ignores a forced notation too.
    boolean sci = most > 0 && scientific(options.sciMode(), least, most);
    int digits = options.precision();
    DoubleFunction<String> text =
        sci
            ? value -> PythonNumber.scientific(value, digits)
            : integral ? ElementFormat::integer : value -> PythonNumber.fixed(value, digits);
    int width = 1;
    String[] texts = new String[values.length];
    for (int i = 0; i < values.length; i++) {
      texts[i] = text.apply(values[i]);
      if (counts(values[i])) {
        width = Math.max(width, texts[i].length());
      }
    }
    return new ElementFormat(texts, width);
  }

  /** The choice of notation, by the range of the magnitudes unless it is {@code forced}. */
  private static boolean scientific(Boolean forced, double least, double most) {
    return forced == null ? most / least > 1000 || most > 1e8 || least < 1e-4 : forced;
  }

  private static boolean counts(double value) {
    return value != 0 && Double.isFinite(value);
  }

  /** A whole number as {@code 2.}, the point marking it as floating-point. */
  private static String integer(double value) {
    return PythonNumber.fixed(value, 0) + (Double.isFinite(value) ? "." : "");
  }
}
