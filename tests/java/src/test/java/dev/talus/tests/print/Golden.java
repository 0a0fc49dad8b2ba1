package dev.talus.tests.print;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.talus.internal.print.PrintOptions;
import dev.talus.internal.print.TensorPrinter;

/**
 * A tensor and the text PyTorch has for it. The texts were printed by PyTorch 2.13.0 for the same
 * values and options, except those with a device; where its documentation shows a text too, a
 * comment names the page.
 */
record Golden(String what, FakeSource source, PrintOptions options, String expected) {

  static Golden golden(String what, FakeSource source, String expected) {
    return golden(what, source, PrintOptions.DEFAULT, expected);
  }

  static Golden golden(String what, FakeSource source, PrintOptions options, String expected) {
    return new Golden(what, source, options, expected);
  }

  void check() {
    assertEquals(expected, TensorPrinter.format(source, options));
  }

  @Override
  public String toString() {
    return what;
  }
}
