package dev.talus.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** What stands above the tables. */
class HeaderTest {
  @Test
  void theCommandIsWhatWasTyped() {
    System.setProperty("bench", "lenet");
    System.setProperty("bench.rows", "batch 1");
    System.setProperty("bench.rounds", "default");
    try {
      assertThat(Header.command()).isEqualTo("mvn -Pbench -Dbench=lenet -Dbench.rows='batch 1'");
    } finally {
      System.clearProperty("bench");
      System.clearProperty("bench.rows");
      System.clearProperty("bench.rounds");
    }
    assertThat(Header.command()).isEqualTo("mvn -Pbench");
  }

  @Test
  void itTellsVersionsAndMalloc() throws Exception {
    Peaks peaks = new Peaks(Map.of());
    for (boolean keeps : new boolean[] {true, false}) {
      Map<String, Object> header =
          Header.of(new Settings(5, 0.05, 1, new int[] {1}, ""), keeps, peaks);
      assertThat(header)
          .containsEntry("malloc", keeps ? "keep" : "plain")
          .containsKeys("cpu", "date", "command", "talus", "isa", "java");
      assertThat((String) header.get("libtorch")).matches("\\d+\\..*");
      assertThat((String) header.get("openblas")).matches("\\d+\\..*");
      assertThat(Header.text(header, peaks)).contains(keeps ? "set to keep" : "as it comes:");
    }
  }
}
