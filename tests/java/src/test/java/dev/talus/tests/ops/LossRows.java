package dev.talus.tests.ops;

import static dev.talus.tests.ops.Arg.index;
import static dev.talus.tests.ops.Arg.indices;
import static dev.talus.tests.ops.Arg.integer;
import static dev.talus.tests.ops.Arg.real;
import static dev.talus.tests.ops.Arg.weight;
import static dev.talus.tests.ops.OpRow.op;

import dev.talus.nn.F;
import dev.talus.nn.Reduction;
import dev.talus.ops.MseLoss;
import dev.talus.ops.NllLoss;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;

/** Losses, with every reduction. */
final class LossRows {
  private static final Class<IllegalArgumentException> ILLEGAL = IllegalArgumentException.class;
  private static final long NO_CLASS = -100;

  private LossRows() {}

  static List<OpRow> rows() {
    List<OpRow> rows = new ArrayList<>();
    for (Reduction reduction : Reduction.values()) {
      String suffix = "_" + reduction.name().toLowerCase(Locale.ROOT);
      rows.add(mse(reduction).torch("mse_loss" + suffix));
      rows.add(nll(reduction).torch("nll_loss" + suffix));
      rows.add(weighted(reduction).torch("nll_loss_weight" + suffix));
      rows.add(crossEntropy(reduction).torch("cross_entropy" + suffix));
      rows.add(weightedCrossEntropy(reduction).torch("cross_entropy_weight" + suffix));
      rows.add(smoothed(reduction).torch("cross_entropy_smoothed" + suffix));
      rows.add(probabilities(reduction).torch("cross_entropy_probabilities" + suffix));
    }
    return rows;
  }

  private static OpRow mse(Reduction reduction) {
    return op("mse_loss " + reduction, t -> MseLoss.apply(t[0], t[1], reduction))
        .with(real(3, 5), real(3, 5))
        .with(real(1, 10), real(1, 10))
        .with(real(), real())
        .with(real(2, 3), real(3))
        .large(real(64, 1001), real(64, 1001))
        .tolerance(1e-4)
        .is(in -> reduced(reduction, in[0].zip(in[1], (x, y) -> (x - y) * (x - y))))
        .fails(ILLEGAL, "must match the size", real(2, 3), real(2, 4))
        .fails(ILLEGAL, "floating point", integer(3), integer(3));
  }

  private static OpRow nll(Reduction reduction) {
    return op("nll_loss " + reduction, t -> NllLoss.apply(t[0], t[1], null, NO_CLASS, reduction))
        .with(real(4, 5), index(5, 4))
        .with(real(1, 3), index(3, 1))
        .with(real(4, 3), indices(0, -100, 2, -100))
        .with(real(5), index(5))
        .with(real(2, 3, 4), index(3, 2, 4))
        .large(real(4099, 10), index(10, 4099))
        .tolerance(1e-4)
        .fails(ILLEGAL, "to match target batch_size (3)", real(2, 5), index(5, 3))
        .fails(ILLEGAL, "expected target of type torch.int64", real(2, 5), real(2))
        .fails(IndexOutOfBoundsException.class, "5 is out of bounds", real(2, 5), indices(1, 5))
        .fails(IndexOutOfBoundsException.class, "-1 is out of bounds", real(2, 5), indices(1, -1));
  }

  private static OpRow weighted(Reduction reduction) {
    return op("nll_loss weights " + reduction, t -> NllLoss.apply(t[0], t[1], t[2], 1, reduction))
        .with(real(4, 5), indices(0, 1, 4, 2), weight(5))
        .with(real(3, 2), indices(0, 0, 1), weight(2))
        .with(real(2, 3, 4), index(3, 2, 4), weight(3))
        .fails(ILLEGAL, "weight tensor should be defined", real(2, 5), index(5, 2), weight(4));
  }

  private static OpRow crossEntropy(Reduction reduction) {
    return op(
            "cross_entropy " + reduction,
            t -> F.crossEntropy(t[0], t[1], null, NO_CLASS, reduction, 0))
        .with(real(4, 5), index(5, 4))
        .with(real(3, 10), indices(9, -100, 0))
        .with(real(19, 40), index(40, 19))
        .large(real(2051, 10), index(10, 2051))
        .tolerance(1e-4)
        .is(in -> reduced(reduction, picked(References.logSoftmax(in[0]), in[1])));
  }

  private static OpRow weightedCrossEntropy(Reduction reduction) {
    return op(
            "cross_entropy weights " + reduction,
            t -> F.crossEntropy(t[0], t[1], t[2], 1, reduction, 0))
        .with(real(4, 5), indices(0, 1, 4, 2), weight(5))
        .with(real(18, 33), index(33, 18), weight(33))
        .with(real(1), index(1), weight(1))
        .with(real(20), index(20), weight(20))
        .with(real(2, 3, 4), index(3, 2, 4), weight(3))
        .fails(ILLEGAL, "to match target batch_size (3)", real(2, 5), index(5, 3), weight(5))
        .fails(ILLEGAL, "weight tensor should be defined", real(2, 5), index(5, 2), weight(4))
        .fails(ILLEGAL, "log_softmax", integer(2, 5), index(5, 2), weight(5))
        .fails(
            IndexOutOfBoundsException.class,
            "5 is out of bounds",
            real(2, 5),
            indices(1, 5),
            weight(5));
  }

  private static OpRow smoothed(Reduction reduction) {
    return op(
            "cross_entropy smoothed " + reduction,
            t -> F.crossEntropy(t[0], t[1], t[2], 2, reduction, 0.1))
        .with(real(4, 5), index(5, 4), weight(5))
        .with(real(3, 4), indices(2, 0, 3), weight(4))
        .with(real(2, 3, 2), index(3, 2, 2), weight(3))
        .fails(
            ILLEGAL,
            "label_smoothing must be between 0.0 and 1.0. Got: 1.5",
            t -> F.crossEntropy(t[0], t[1], null, 2, reduction, 1.5),
            real(4, 5),
            index(5, 4))
        .fails(ILLEGAL, "at least one dimension", real(), index(1), weight(1));
  }

  private static OpRow probabilities(Reduction reduction) {
    return op(
            "cross_entropy probabilities " + reduction,
            t -> F.crossEntropy(t[0], t[1], t[2], NO_CLASS, reduction, 0.2))
        .with(real(4, 5), weight(4, 5), weight(5))
        .with(real(2, 3, 2), weight(2, 3, 2), weight(3));
  }

  /** The losses; NaN for those to be ignored. */
  private static Nd picked(Nd logs, Nd target) {
    return Nd.fill(
        i -> target.at(i) == NO_CLASS ? Double.NaN : -logs.at(i[0], (int) target.at(i)),
        target.shape());
  }

  private static Nd reduced(Reduction reduction, Nd losses) {
    if (reduction == Reduction.NONE) {
      return losses.map(x -> Double.isNaN(x) ? 0 : x);
    }
    double[] counted = DoubleStream.of(losses.values()).filter(x -> !Double.isNaN(x)).toArray();
    double sum = DoubleStream.of(counted).sum();
    return References.scalar(reduction == Reduction.SUM ? sum : sum / counted.length);
  }
}
