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

  private static final Peaks UNKNOWN = new Peaks(Map.of());
  private static final Peaks PEAKS = new Peaks(Map.of(1, peaks(100, 10), 2, peaks(200, 15)));

  private static Map<String, Object> peaks(double gflops, double copy) {
    return Map.of("fma_gflops", gflops, "copy_gbs", copy, "read_gbs", 99.0, "l3_bytes", 8 << 20);
  }

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
            List.of(result("passive", timing("Talus", 2, 1, 2, 4), timing("libtorch", 2, 3, 3, 3))),
            UNKNOWN);
    assertThat(line.ratio()).isEqualTo(1.5);
    assertThat(line.peers().get(0).least()).isEqualTo(0.75);
    assertThat(line.peers().get(0).most()).isEqualTo(3);
    assertThat(line.isMet()).isTrue();
    Line harder = new Line(ROW.withTarget(1.51), 2, line.peers(), line.seconds(), 0);
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
                result("default", timing("Talus", 2, 3), timing("libtorch", 2, 4))),
            UNKNOWN);
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
                    timing("OpenBLAS", 2, 1))),
            UNKNOWN);
    assertThat(line.ratio()).isEqualTo(0.5);
    assertThat(line.isMet()).isFalse();
  }

  @Test
  void aTimeAsTargetLeavesTheRatioOut() {
    Row row = new Row("tiny", 0, 0, 0, 100, 1, 400, 0, false, null);
    Result slow = result("passive", timing("Talus", 1, 401e-9), timing("libtorch", 1, 1));
    Result quick = result("passive", timing("Talus", 1, 399e-9), timing("libtorch", 1, 1e-9));
    assertThat(Line.of(row, 1, List.of(slow), UNKNOWN).isMet()).isFalse();
    assertThat(Line.of(row, 1, List.of(quick), UNKNOWN).isMet()).isTrue();
  }

  @Test
  void theShareOfThePeakIsThatOfTheSameNumberOfThreads() {
    assertThat(PEAKS.share(ROW, 2, 0.04)).isCloseTo(0.5, within(1e-12));
    assertThat(PEAKS.share(new Row("copy", 0, 5e9, 1, null), 1, 1)).isCloseTo(0.5, within(1e-12));
    assertThat(PEAKS.share(new Row("cached", 0, 5e6, 1, null), 1, 1)).isZero();
    assertThat(PEAKS.share(ROW.withDoubles(), 2, 0.04)).isCloseTo(1, within(1e-12));
    assertThat(UNKNOWN.share(ROW, 2, 0.04)).isZero();
    Line line =
        Line.of(
            ROW,
            2,
            List.of(result("passive", timing("Talus", 2, 0.04), timing("libtorch", 2, 0.08))),
            PEAKS);
    assertThat(line.toMap())
        .contains(entry("row", "row"), entry("threads", 2), entry("met", true))
        .containsKeys("gflops", "share_of_peak", "peers")
        .doesNotContainKey("gbs");
  }

  @Test
  void mainMemoryIsTheLimitWhereTheLastCacheDoesNotHoldAPass() {
    Row row = new Row("row", 0, 12e6, 1, null);
    assertThat(PEAKS.share(row, 1, 0.0012)).isCloseTo(1, within(1e-12));
    assertThat(PEAKS.share(row.withHeld(8 << 20), 1, 0.0012)).isZero();
    assertThat(PEAKS.share(row.withHeld((8 << 20) + 1), 1, 0.0012)).isCloseTo(1, within(1e-12));
  }

  @Test
  void aShareOfTheLimitIsATargetBesideTheRatio() {
    Row row = new Row("row", 0, 12e6, 2, null).withShare(0.8);
    assertThat(judged(row, 0.0014, 0.003)).isEqualTo("2.00, 80% met, met true");
    assertThat(judged(row, 0.0016, 0.004)).isEqualTo("2.00, 80% met, MISSED false");
    assertThat(judged(row, 0.0014, 0.002)).isEqualTo("2.00, 80% MISSED, met false");
    // Nothing but the ratio where the caches hold the operands.
    assertThat(judged(row.withHeld(1e6), 0.0016, 0.004)).isEqualTo("2.00 met true");
    assertThat(judged(row.withTarget(3), 0.0016, 0.004)).isEqualTo("3.00 MISSED false");
  }

  @Test
  void theShareOfMultiplyAddsIsATargetOfOneThread() {
    Row row = ROW.withShare(0.9);
    assertThat(judged(row, 0.044, 0.05)).isEqualTo("1.00, 90% met, met true");
    assertThat(judged(row, 0.045, 0.05)).isEqualTo("1.00, 90% met, MISSED false");
    Result two = result("passive", timing("Talus", 2, 0.04), timing("libtorch", 2, 0.05));
    assertThat(Line.of(row, 2, List.of(two), PEAKS).isMet()).isTrue();
    assertThat(Line.of(row, 2, List.of(two), PEAKS).verdict()).isEqualTo("met");
  }

  @Test
  void squareProductsFrom512AreJudgedByTheirShare() {
    List<String> judged =
        new GemmFamily().rows().stream().filter(row -> row.share() > 0).map(Row::name).toList();
    assertThat(judged)
        .containsExactly(
            "square 512,512,512",
            "square 1024,1024,1024",
            "square 2048,2048,2048",
            "square 512,512,512 b^T",
            "square 512,512,512 a^T");
    assertThat(new ScalingFamily().rows()).allSatisfy(row -> assertThat(row.share()).isZero());
  }

  private static String judged(Row row, double talus, double torch) {
    Result result = result("passive", timing("Talus", 1, talus), timing("libtorch", 1, torch));
    Line line = Line.of(row, 1, List.of(result), PEAKS);
    assertThat(line.toMap()).containsEntry("met", line.isMet());
    return line.target() + " " + line.verdict() + " " + line.isMet();
  }
}
