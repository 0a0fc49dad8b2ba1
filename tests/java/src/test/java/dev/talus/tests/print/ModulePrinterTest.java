package dev.talus.tests.print;

import static java.util.Map.entry;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.talus.internal.print.ModulePrinter;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The text of modules; every expected text was printed by PyTorch 2.13.0 for the same tree. */
final class ModulePrinterTest {

  private static final String RELU = ModulePrinter.format("ReLU", "", List.of());
  private static final String TWO_LINES = ModulePrinter.format("B", "x=1\ny=2", List.of());

  @ParameterizedTest
  @MethodSource("modules")
  void printsAsPyTorch(
      String name, String extra, List<Map.Entry<String, String>> children, String expected) {
    assertEquals(expected, ModulePrinter.format(name, extra, children));
  }

  static Stream<Arguments> modules() {
    String linear =
        ModulePrinter.format("Linear", "in_features=512, out_features=10, bias=False", List.of());
    String softmax = ModulePrinter.format("Softmax", "dim=-1", List.of());
    String inner =
        ModulePrinter.format("Sequential", "", List.of(entry("0", linear), entry("1", softmax)));
    return Stream.of(
        Arguments.of("Sequential", "", List.of(), "Sequential()"),
        Arguments.of("Softmax", "dim=-1", List.of(), "Softmax(dim=-1)"),
        Arguments.of(
            "B",
            "x=1\ny=2",
            List.of(),
            """
            B(
              x=1
              y=2
            )\
            """),
        Arguments.of(
            "D",
            "x=1",
            List.of(entry("a", TWO_LINES)),
            """
            D(
              x=1
              (a): B(
                x=1
                y=2
              )
            )\
            """),
        Arguments.of(
            "A",
            "x=1\ny=2",
            List.of(entry("a", RELU), entry("b", "None")),
            """
            A(
              x=1
              y=2
              (a): ReLU()
              (b): None
            )\
            """),
        // As docs.pytorch.org/tutorials/beginner/basics/buildmodel_tutorial.html shows a nested
        // one.
        Arguments.of(
            "NeuralNetwork",
            "",
            List.of(
                entry(
                    "flatten",
                    ModulePrinter.format("Flatten", "start_dim=1, end_dim=-1", List.of())),
                entry("linear_relu_stack", inner)),
            """
            NeuralNetwork(
              (flatten): Flatten(start_dim=1, end_dim=-1)
              (linear_relu_stack): Sequential(
                (0): Linear(in_features=512, out_features=10, bias=False)
                (1): Softmax(dim=-1)
              )
            )\
            """));
  }
}
