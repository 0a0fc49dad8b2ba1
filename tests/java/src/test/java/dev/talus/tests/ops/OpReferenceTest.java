package dev.talus.tests.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.tests.ops.OpRow.Sample;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Ops against plain Java loops, in both types. */
class OpReferenceTest {
  static Stream<Sample> samples() {
    return OpTable.samples().filter(s -> s.row().reference() != null);
  }

  /** The inputs made to be split over threads, where a row names some. */
  static Stream<Sample> large() {
    return OpTable.rows().stream()
        .filter(row -> row.reference() != null)
        .map(row -> new Sample(row, row.large()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void float64(Sample sample) {
    check(sample, DType.FLOAT64, 1e-12);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void float32(Sample sample) {
    check(sample, DType.FLOAT32, sample.row().tolerance());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("large")
  void largeFloat32(Sample sample) {
    check(sample, DType.FLOAT32, sample.row().tolerance() * 4);
  }

  private static void check(Sample sample, DType type, double tolerance) {
    try (Scope scope = Scope.open()) {
      Tensor[] inputs = sample.make(type, false);
      Nd[] arrays = Arrays.stream(inputs).map(Nd::of).toArray(Nd[]::new);
      Nd expected = sample.row().reference().apply(arrays);
      if (type == DType.FLOAT32) {
        expected = expected.map(x -> (float) x);
      }
      Tensor actual = sample.row().apply(inputs);
      assertThat(actual.shape().toArray()).isEqualTo(expected.shape());
      Same.close(actual.toDoubleArray(), expected.values(), tolerance, sample.row().name());
    }
  }
}
