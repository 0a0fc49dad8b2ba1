package dev.talus.tests.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.memory.Allocator;
import dev.talus.memory.LeakDetector;
import dev.talus.tests.ChildJvm;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The system properties about memory, which are read once. */
class MemoryPropertyTest {
  /** What a program of its own does. */
  static final class Program {
    private Program() {}

    /**
     * Uses memory in every way, a line each; what is thrown is a line, too.
     *
     * @param args not used
     */
    public static void main(String[] args) {
      attempt(() -> "sum " + Tensor.ones(2, 3).sum().item());
      attempt(() -> "none " + Tensor.empty(0).numel());
      attempt(() -> "limit " + Talus.memory().limitBytes());
      attempt(() -> did(() -> Allocator.CPU.setLimit(1 << 30)));
      attempt(() -> did(Allocator.CPU::resetPeak));
      attempt(() -> did(Allocator.CPU::trim));
      attempt(() -> "sum " + Tensor.ones(2, 3).sum().item());
      attempt(() -> "level " + LeakDetector.level());
      attempt(() -> did(() -> LeakDetector.setLevel(LeakDetector.Level.OFF)));
      attempt(() -> "late " + LeakDetector.lateFrees());
    }

    private static String did(Runnable what) {
      what.run();
      return "done";
    }

    private static void attempt(Supplier<String> what) {
      try (Scope scope = Scope.open()) {
        System.out.println(what.get());
      } catch (RuntimeException | LinkageError e) {
        System.out.println(e);
      }
    }
  }

  private static List<String> run(String option) throws Exception {
    return ChildJvm.run(Program.class, "", option).lines().toList();
  }

  private static List<String> expected(String limit, String level) {
    return List.of(
        "sum 6.0",
        "none 0",
        "limit " + limit,
        "done",
        "done",
        "done",
        "sum 6.0",
        "level " + level,
        "done",
        "late 0");
  }

  @Test
  void theyAreFollowed() throws Exception {
    assertThat(run("-Dtalus.memory.limit=64m"))
        .containsExactlyElementsOf(expected("67108864", "COUNT"));
    assertThat(run("-Dtalus.memory.limit=5000000"))
        .containsExactlyElementsOf(expected("5000000", "COUNT"));
    assertThat(run("-Dtalus.memory.leak=Full")).hasSize(10).contains("sum 6.0", "level FULL");
  }

  /** Every time, not the first time alone; what the leak detector knows is not the limit's. */
  @ParameterizedTest
  @ValueSource(strings = {"plenty", "0", "-1g", "8x", "g", "9999999999t"})
  void aWrongLimitIsAnErrorThatNamesIt(String value) throws Exception {
    List<String> lines = run("-Dtalus.memory.limit=" + value);
    assertThat(lines).hasSize(10);
    assertThat(lines.subList(0, 7))
        .containsOnly(
            "java.lang.IllegalArgumentException: -Dtalus.memory.limit="
                + value
                + " is not a size; leave the property out, or write more than 0 bytes, as a number"
                + " or with a unit as in 512m or 8g");
    assertThat(lines.subList(7, 10)).containsExactly("level COUNT", "done", "late 0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"some", "", "full,off"})
  void aWrongLevelIsAnErrorThatNamesIt(String value) throws Exception {
    assertThat(run("-Dtalus.memory.leak=" + value))
        .hasSize(10)
        .containsOnly(
            "java.lang.IllegalArgumentException: -Dtalus.memory.leak="
                + value
                + " is unknown; leave the property out, or use off, count or full");
  }
}
