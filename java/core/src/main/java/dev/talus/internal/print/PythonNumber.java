package dev.talus.internal.print;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/**
 * Numbers as Python's format specifications {@code .Nf} and {@code .Ne} write them: the exact
 * binary value rounded to nearest, ties to even, and always the sign of the number, that of zero
 * included.
 *
 * <p>{@link String#format} will not do: it rounds the shortest decimal that reads back as the
 * number, and ties upwards.
 */
final class PythonNumber {

  private PythonNumber() {}

  /** Writes {@code value} with {@code digits} digits after the point and no exponent. */
  static String fixed(double value, int digits) {
    if (!Double.isFinite(value)) {
      return nonFinite(value);
    }
    BigDecimal rounded = magnitude(value).setScale(digits, RoundingMode.HALF_EVEN);
    return sign(value) + rounded.toPlainString();
  }

  /**
   * Writes {@code value} as {@code d.ddde+xx}: {@code digits} after the point, two or more in xx.
   */
  static String scientific(double value, int digits) {
    if (!Double.isFinite(value)) {
      return nonFinite(value);
    }
    BigDecimal rounded =
        magnitude(value).round(new MathContext(digits + 1, RoundingMode.HALF_EVEN));
    String significant = rounded.unscaledValue().toString();
    // A short value has fewer digits than asked for: those of 2 are "2".
    int exponent = significant.length() - 1 - rounded.scale();
    StringBuilder text = new StringBuilder(sign(value)).append(significant.charAt(0));
    if (digits > 0) {
      text.append('.').append(significant, 1, significant.length());
      text.append("0".repeat(digits + 1 - significant.length()));
    }
    text.append(exponent < 0 ? "e-" : "e+");
    int size = Math.abs(exponent);
    return text.append(size < 10 ? "0" : "").append(size).toString();
  }

  private static BigDecimal magnitude(double value) {
    return new BigDecimal(Math.abs(value));
  }

  private static String nonFinite(double value) {
    return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  }

  private static String sign(double value) {
    return Math.copySign(1, value) < 0 ? "-" : "";
  }
}
