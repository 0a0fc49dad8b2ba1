package dev.talus.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The numbers that sum up the rounds. */
class StatisticsTest {
  @Test
  void theMedianIsTheMiddleOfTheSortedValues() {
    assertThat(Statistics.median(3)).isEqualTo(3);
    assertThat(Statistics.median(9, 1, 5)).isEqualTo(5);
    assertThat(Statistics.median(4, 1, 3, 100)).isEqualTo(3.5);
  }

  @Test
  void theMedianLeavesItsArgumentsInOrder() {
    double[] values = {3, 1, 2};
    Statistics.median(values);
    assertThat(values).containsExactly(3, 1, 2);
  }

  @Test
  void theGeometricMeanOfARatioAndItsInverseIsOne() {
    assertThat(Statistics.geometricMean(List.of(4.0, 0.25))).isCloseTo(1, within(1e-12));
    assertThat(Statistics.geometricMean(List.of(2.0, 4.0, 8.0))).isCloseTo(4, within(1e-12));
  }

  @Test
  void nothingHasNoMeanAndZeroNoGeometricOne() {
    assertThatThrownBy(Statistics::median).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Statistics.geometricMean(List.of()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Statistics.geometricMean(List.of(1.0, 0.0)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
