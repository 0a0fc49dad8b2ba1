package dev.talus.tests.ops;

import dev.talus.tests.ops.OpRow.Gradient;
import dev.talus.tests.ops.OpRow.Sample;
import java.util.List;
import java.util.stream.Stream;

/** Every op, once. */
public final class OpTable {
  private static final List<OpRow> ROWS =
      Stream.of(
              ElementwiseRows.rows(),
              BinaryRows.rows(),
              ViewRows.rows(),
              MatmulRows.rows(),
              ReduceRows.rows(),
              IndexRows.rows(),
              LossRows.rows(),
              ImageRows.rows(),
              NormRows.rows(),
              LayerRows.rows(),
              InPlaceRows.rows())
          .flatMap(List::stream)
          .toList();

  private OpTable() {}

  /** All rows. */
  public static List<OpRow> rows() {
    return ROWS;
  }

  /** All samples of all rows. */
  public static Stream<Sample> samples() {
    return ROWS.stream().flatMap(row -> row.samples().stream().map(a -> new Sample(row, a)));
  }

  /** The samples of rows with first derivatives. */
  public static Stream<Sample> differentiable() {
    return samples().filter(s -> s.row().gradient() != Gradient.NONE);
  }

  /** The samples of rows with second derivatives. */
  public static Stream<Sample> twiceDifferentiable() {
    return samples().filter(s -> s.row().gradient() == Gradient.SECOND);
  }
}
