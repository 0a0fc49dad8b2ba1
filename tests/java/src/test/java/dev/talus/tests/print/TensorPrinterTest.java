package dev.talus.tests.print;

import static dev.talus.internal.print.PrintOptions.DEFAULT;
import static dev.talus.internal.print.PrintOptions.SHORT;
import static dev.talus.tests.print.FakeSource.doubles;
import static dev.talus.tests.print.FakeSource.ints;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.talus.internal.print.PrintOptions;
import dev.talus.internal.print.TensorPrinter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the printer reads, what it refuses, and its options. */
final class TensorPrinterTest {

  @Test
  void defaultOptionsAreUsed() {
    assertEquals(
        TensorPrinter.format(ints(1001).filled(i -> i), DEFAULT),
        TensorPrinter.format(ints(1001).filled(i -> i)));
  }

  @Test
  void summaryReadsOnlyWhatItPrints() {
    FakeSource source = ints(1L << 20, 1L << 20).filled(i -> 7);
    String text = TensorPrinter.format(source);
    assertTrue(text.startsWith("tensor([[7, 7, 7,  ..., 7, 7, 7],"), text);
    assertEquals(36, source.reads());
  }

  @Test
  void wholeTensorIsReadOnce() {
    FakeSource source = doubles(4, 5).filled(i -> i / 3);
    TensorPrinter.format(source);
    assertEquals(20, source.reads());
  }

  @Test
  void tooMuchTextIsRefused() {
    FakeSource source = ints(1L << 20, 1L << 20).filled(i -> 7);
    IllegalArgumentException error =
        assertThrows(
            IllegalArgumentException.class, () -> TensorPrinter.format(source, PrintOptions.FULL));
    assertTrue(error.getMessage().contains("[1048576, 1048576]"), error.getMessage());
    assertTrue(error.getMessage().contains("threshold"), error.getMessage());
    assertEquals(0, source.reads());
  }

  @Test
  void optionsKeepTheOthersWhenOneChanges() {
    PrintOptions expected = new PrintOptions(1, 2, 4, 5, true);
    assertEquals(
        expected,
        DEFAULT
            .withPrecision(1)
            .withThreshold(2)
            .withEdgeItems(4)
            .withLineWidth(5)
            .withSciMode(true));
    assertEquals(new PrintOptions(4, 1000, 3, 80, null), DEFAULT);
    assertEquals(new PrintOptions(2, 1000, 2, 80, null), SHORT);
  }

  @ParameterizedTest
  @CsvSource({
    "-1, 0, 0, 1, precision is -1; give 0 or more",
    "0, -2, 0, 1, threshold is -2; give 0 or more",
    "0, 0, -3, 1, edgeItems is -3; give 0 or more",
    "0, 0, 0, 0, lineWidth is 0; give 1 or more"
  })
  void optionsOutOfRangeAreNamed(int precision, long threshold, int edge, int width, String say) {
    IllegalArgumentException error =
        assertThrows(
            IllegalArgumentException.class,
            () -> new PrintOptions(precision, threshold, edge, width, null));
    assertEquals("print option " + say, error.getMessage());
  }
}
