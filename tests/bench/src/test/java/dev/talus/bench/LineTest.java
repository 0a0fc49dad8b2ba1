package dev.talus.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Which of the measured times make a line of the report. */
class LineTest {
  private static final Row ROW = new Row("row", 4e9, 0, 1, null);

  private static Timing timing(String side, int threads, double... rounds) {
    return new Timing(side, threads + "t", rounds, 0);
  }

  private static Result result(String waiting, Timing... timings) {
    return new Result("row", 2, waiting, List.of(timings), null);
  }

  @Test
  void theRatioIsThePeersTimeOverTaluss() {
    Line line =
        Line.of(
            ROW,
            2,
            List.of(
                result("passive", timing("Talus", 2, 1, 2, 4), timing("libtorch", 2, 3, 3, 3))));
    assertThat(line.ratio()).isEqualTo(1.5);
    assertThat(line.peers().get(0).least()).isEqualTo(0.75);
    assertThat(line.peers().get(0).most()).isEqualTo(3);
    assertThat(line.isMet()).isTrue();
    Line harder = new Line(ROW.withTarget(1.51), 2, line.peers(), line.seconds());
    assertThat(harder.isMet()).isFalse();
    assertThat(harder.row().name()).isEqualTo(ROW.name());
  }

  @Test
  void aPeerIsJudgedByItsBestSettingWithTheTimesOfOneProcess() {
    Line line =
        Line.of(
            ROW,
            2,
            List.of(
                result(
                    "passive",
                    timing("Talus", 2, 2),
                    timing("libtorch", 2, 9),
                    timing("libtorch", 1, 5)),
                result("default", timing("Talus", 2, 3), timing("libtorch", 2, 4))));
    assertThat(line.peers()).hasSize(1);
    assertThat(line.peers().get(0).waiting()).isEqualTo("default");
    assertThat(line.seconds()).isEqualTo(3);
    assertThat(line.ratio()).isCloseTo(4.0 / 3, within(1e-12));
  }

  @Test
  void theTargetIsMissedIfOnePeerIsFaster() {
    Line line =
        Line.of(
            ROW,
            2,
            List.of(
                result(
                    "passive",
                    timing("Talus", 2, 2),
                    timing("libtorch", 2, 3),
                    timing("OpenBLAS", 2, 1))));
    assertThat(line.ratio()).isEqualTo(0.5);
    assertThat(line.isMet()).isFalse();
  }

  @Test
  void aTimeAsTargetLeavesTheRatioOut() {
    Row row = new Row("tiny", 0, 0, 100, 1, 400, null);
    Result slow = result("passive", timing("Talus", 1, 401e-9), timing("libtorch", 1, 1));
    Result quick = result("passive", timing("Talus", 1, 399e-9), timing("libtorch", 1, 1e-9));
    assertThat(Line.of(row, 1, List.of(slow)).isMet()).isFalse();
    assertThat(Line.of(row, 1, List.of(quick)).isMet()).isTrue();
  }

  @Test
  void theShareOfThePeakIsThatOfTheSameNumberOfThreads() {
    Peaks peaks =
        new Peaks(
            Map.of(
                1,
                    Map.of(
                        "fma_gflops", 100.0, "copy_gbs", 8.0, "read_gbs", 10.0, "update_gbs", 9.0),
                2,
                    Map.of(
                        "fma_gflops",
                        200.0,
                        "copy_gbs",
                        15.0,
                        "read_gbs",
                        15.0,
                        "update_gbs",
                        9.0)));
    assertThat(peaks.share(ROW, 2, 0.04)).isCloseTo(0.5, within(1e-12));
    assertThat(peaks.share(new Row("copy", 0, 5e9, 1, null), 1, 1)).isCloseTo(0.5, within(1e-12));
    assertThat(peaks.share(new Row("cached", 0, 5e6, 1, null), 1, 1)).isZero();
    assertThat(new Peaks(Map.of()).share(ROW, 2, 0.04)).isZero();
    Line line =
        Line.of(
            ROW,
            2,
            List.of(result("passive", timing("Talus", 2, 0.04), timing("libtorch", 2, 0.08))));
    assertThat(line.toMap(peaks))
        .contains(entry("row", "row"), entry("threads", 2), entry("met", true))
        .containsKeys("gflops", "share_of_peak", "peers")
        .doesNotContainKey("gbs");
  }
}
