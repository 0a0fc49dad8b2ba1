package dev.talus.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** How numbers are printed, and that rows can be told apart. */
class ReportTest {
  @Test
  void timesHaveThreeDigitsAndAUnit() {
    assertThat(Report.time(1.234e-9)).isEqualTo("1.23 ns");
    assertThat(Report.time(45.67e-6)).isEqualTo("45.7 us");
    assertThat(Report.time(999.4e-6)).isEqualTo("999 us");
    assertThat(Report.time(999.6e-6)).isEqualTo("1.00 ms");
    assertThat(Report.time(75)).isEqualTo("75.0 s");
  }

  @Test
  void columnsAreAligned() {
    String text = Report.align(List.of(List.of("", "ab"), List.of("long", "c")));
    assertThat(text.lines()).containsExactly("      ab", "long   c");
  }

  @Test
  void theClosingLineJudgesTheLeastFavourableRatios() {
    Row row = new Row("row", 0, 0, 1.5, null);
    List<Line> lines = List.of(line(row, 1, 4), line(row, 2, 1));
    Report report = new Report();
    report.print(new ConvFamily(false), lines, List.of());
    assertThat(report.families().toString())
        .contains("geometric_mean=2.0, target_mean=1.6, mean_met=true")
        .contains("worst=1.0, worst_row=row, worst_threads=2, met=1, rows=2");
  }

  private static Line line(Row row, int threads, double ratio) {
    Timing talus = new Timing(Rival.TALUS, "1t", new double[] {1}, 0);
    Timing torch = new Timing(Rival.TORCH, "1t", new double[] {ratio}, 0);
    return Line.of(
        row,
        threads,
        List.of(new Result("row", threads, "passive", List.of(talus, torch), null)),
        new Peaks(Map.of()));
  }

  @Test
  void rowsOfAFamilyHaveDifferentNames() {
    for (Family family : Families.all()) {
      Set<String> names = new HashSet<>();
      for (Row row : family.rows()) {
        assertThat(names.add(row.name())).as("%s: %s", family.name(), row.name()).isTrue();
      }
    }
  }
}
