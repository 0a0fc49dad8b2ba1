package dev.talus.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Results come back from the measuring process as they were. */
class ResultTest {
  @Test
  void jsonKeepsEverything() {
    Timing timing = new Timing("Talus", "2t", new double[] {1e-9, 0.1, 3}, 28.5);
    Result result = new Result("a \"row\"", 2, "passive", List.of(timing), null);
    Result back = Result.fromJson(result.toJson());
    assertThat(back.row()).isEqualTo("a \"row\"");
    assertThat(back.threads()).isEqualTo(2);
    assertThat(back.waiting()).isEqualTo("passive");
    assertThat(back.failure()).isNull();
    assertThat(back.of("libtorch")).isEmpty();
    assertThat(back.of("Talus").get(0).setting()).isEqualTo("2t");
    assertThat(back.of("Talus").get(0).rounds()).containsExactly(1e-9, 0.1, 3);
    assertThat(back.of("Talus").get(0).handoverNanos()).isEqualTo(28.5);
    assertThat(result.toJson()).doesNotContain("\n");
  }

  @Test
  void theTextNamesTheBestOfEachSide() {
    Timing talus = new Timing("Talus", "2t", new double[] {1e-3}, 0);
    Timing torch = new Timing("libtorch", "2t", new double[] {3e-3}, 0);
    Timing better = new Timing("libtorch", "1t", new double[] {2e-3}, 0);
    assertThat(new Result("row", 2, "passive", List.of(talus, torch, better), null).text())
        .isEqualTo("row, 2 threads, waiting passive  Talus 1.00 ms  libtorch 2.00 ms (2.00)");
    Timing far = new Timing("libtorch", "2t", new double[] {3e-3}, 170);
    assertThat(new Result("row", 2, "passive", List.of(talus, far), null).text())
        .isEqualTo(
            "row, 2 threads, waiting passive  Talus 1.00 ms  libtorch 3.00 ms (3.00)"
                + "  cores far apart");
    assertThat(new Result("row", 0, "passive", List.of(), "why").text())
        .isEqualTo("row FAILED: why");
  }

  @Test
  void jsonKeepsAFailure() {
    Result result = new Result("row", 0, "passive", List.of(), "output differs");
    assertThat(Result.fromJson(result.toJson()).failure()).isEqualTo("output differs");
  }
}
