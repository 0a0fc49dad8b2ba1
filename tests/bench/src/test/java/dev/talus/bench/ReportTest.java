package dev.talus.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
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
  void rowsOfAFamilyHaveDifferentNames() {
    for (Family family : Families.all()) {
      Set<String> names = new HashSet<>();
      for (Row row : family.rows()) {
        assertThat(names.add(row.name())).as("%s: %s", family.name(), row.name()).isTrue();
      }
    }
  }
}
