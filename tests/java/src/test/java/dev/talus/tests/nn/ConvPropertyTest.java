package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.ConvAlgorithms;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.nn.F;
import dev.talus.tests.ChildJvm;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The system property {@code talus.conv}, which is read before a program's first convolution. */
class ConvPropertyTest {
  private static final int[] ONE = {1};
  private static final String NO_OPTION = "-Dtalus.other=1";

  /** What a program of its own does. */
  static final class Program {
    private Program() {}

    /**
     * Convolves twice and tells the algorithms, a line each; what is thrown is a line, too.
     *
     * @param args what to force first, or nothing
     */
    public static void main(String[] args) {
      if (!args[0].isEmpty()) {
        attempt(
            () -> {
              Talus.forceConvAlgorithms(args[0]);
              return "forced";
            });
      }
      for (int i = 0; i < 2; i++) {
        attempt(
            () -> {
              Tensor x = Tensor.ones(1, 6, 15, 15);
              return "sum " + F.conv2d(x, Tensor.ones(16, 6, 3, 3), null).sum().item();
            });
      }
      attempt(() -> algorithms().toString());
      attempt(() -> Talus.convRules().forced().toString());
    }

    private static void attempt(java.util.function.Supplier<String> what) {
      try (Scope scope = Scope.open()) {
        System.out.println(what.get());
      } catch (RuntimeException | LinkageError e) {
        System.out.println(e);
      }
    }
  }

  private static ConvAlgorithms algorithms() {
    try (Scope scope = Scope.open()) {
      return Talus.convAlgorithms(
          Tensor.zeros(2, 6, 15, 15), Tensor.zeros(16, 6, 3, 3), ONE, ONE, ONE, 1);
    }
  }

  private static List<String> run(String force, String option) throws Exception {
    return ChildJvm.run(Program.class, force, option).lines().toList();
  }

  /** 13x13 outputs of 16 channels, of 54 ones each. */
  private static final String SUM = "sum " + 13.0 * 13 * 16 * 54;

  @Test
  void withoutItTheRuleDecides() throws Exception {
    assertThat(run("", NO_OPTION)).containsExactly(SUM, SUM, algorithms().toString(), "{}");
  }

  @Test
  void itOverridesTheRuleForAllPassesOrByPass() throws Exception {
    assertThat(run("", "-Dtalus.conv=gemm"))
        .containsExactly(
            SUM,
            SUM,
            "forward=gemm,input=gemm,weight=gemm",
            "{forward=gemm, input=gemm, weight=gemm}");
    assertThat(run("", "-Dtalus.conv=forward=gemm, weight=gemm"))
        .containsExactly(
            SUM,
            SUM,
            "forward=gemm,input=" + algorithms().input() + ",weight=gemm",
            "{forward=gemm, weight=gemm}");
  }

  @Test
  void theProgramOverridesIt() throws Exception {
    assertThat(run("input=direct,weight=auto", "-Dtalus.conv=gemm"))
        .containsExactly(
            "forced",
            SUM,
            SUM,
            "forward=gemm,input=direct,weight=" + algorithms().weight(),
            "{forward=gemm, input=direct}");
  }

  /** Every time, not the first time alone. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "fft           | unknown convolution algorithm 'fft', expected one of auto, direct, gemm",
        "backward=gemm | unknown pass 'backward' of a convolution, expected one of [forward, input",
        "input=        | unknown convolution algorithm '', expected one of auto",
        "''            | unknown convolution algorithm '', expected one of auto",
      })
  void aWrongValueIsAnErrorThatNamesIt(String value, String problem) throws Exception {
    List<String> lines = run("weight=gemm", "-Dtalus.conv=" + value);
    assertThat(lines)
        .hasSize(5)
        .allSatisfy(
            line ->
                assertThat(line)
                    .startsWith("java.lang.IllegalArgumentException: -Dtalus.conv=" + value + ": ")
                    .contains(problem.strip())
                    .contains("leave the property out, or write it as -Dtalus.conv=gemm or"));
  }
}
