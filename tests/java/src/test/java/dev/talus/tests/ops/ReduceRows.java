package dev.talus.tests.ops;

import static dev.talus.tests.ops.Arg.bool;
import static dev.talus.tests.ops.Arg.fixed;
import static dev.talus.tests.ops.Arg.integer;
import static dev.talus.tests.ops.Arg.real;
import static dev.talus.tests.ops.OpRow.op;

import dev.talus.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.function.UnaryOperator;
import java.util.stream.DoubleStream;

/** Reductions, softmax, and positions of extremes. */
final class ReduceRows {
  private static final Class<IllegalArgumentException> ILLEGAL = IllegalArgumentException.class;
  private static final Class<IndexOutOfBoundsException> OUTSIDE = IndexOutOfBoundsException.class;

  private ReduceRows() {}

  static List<OpRow> rows() {
    return List.of(
        all("sum", Tensor::sum, v -> DoubleStream.of(v).sum()).with(real(0)),
        all("mean", Tensor::mean, v -> DoubleStream.of(v).average().orElse(Double.NaN))
            .fails(ILLEGAL, "floating point", integer(3)),
        all("prod", Tensor::prod, v -> DoubleStream.of(v).reduce(1, (x, y) -> x * y)),
        all("max", Tensor::max, v -> DoubleStream.of(v).max().getAsDouble())
            .fails(ILLEGAL, "input.numel() == 0", real(0)),
        all("min", Tensor::min, v -> DoubleStream.of(v).min().getAsDouble())
            .fails(ILLEGAL, "input.numel() == 0", real(0)),
        all("norm", Tensor::norm, v -> Math.sqrt(DoubleStream.of(v).map(x -> x * x).sum())),
        severalOf("var", Tensor::var, ReduceRows::variance),
        severalOf("std", Tensor::std, v -> Math.sqrt(variance(v))),
        all("argmax", Tensor::argmax, v -> best(v, 1)).constant(),
        all("argmin", Tensor::argmin, v -> best(v, -1)).constant(),
        over("sum_dim", x -> x.sum(1)).fails(OUTSIDE, "Dimension out of range", real(3)),
        over("sum_dim -1 0", x -> x.sum(-1, 0))
            .fails(ILLEGAL, "appears multiple times", x -> x[0].sum(1, 1), real(2, 3)),
        over("sum_keepdim", x -> x.sum(new int[] {1}, true)),
        over("mean_dim", x -> x.mean(1)),
        over("mean_keepdim", x -> x.mean(new int[] {0, 1}, true)),
        over("prod_dim", x -> x.prod(1)),
        over("amax", x -> x.amax(1)).fails(OUTSIDE, "non-zero size", real(2, 0)),
        over("amin", x -> x.amin(-1)),
        over("max_dim", x -> x.max(1).values()).fails(OUTSIDE, "non-zero size", real(2, 0)),
        over("min_dim", x -> x.min(-1).values()),
        over("max_dim_indices", x -> x.max(1).indices()).constant(),
        over("argmax_dim", x -> x.argmax(1)).constant(),
        over("argmin_dim", x -> x.argmin(1)).constant(),
        over("var_dim", x -> x.var(1)),
        over("var_correction", x -> x.var(new int[] {1}, 0, true)),
        over("std_dim", x -> x.std(1)),
        over("norm_dim", x -> x.norm(new int[] {1}, false)),
        over("logsumexp", x -> x.logsumexp(new int[] {1}, false)),
        op("prod with zeros", t -> t[0].prod())
            .torch("prod")
            .with(fixed(1.5, 0, -2, 3))
            .with(fixed(0, 2, 0, 3))
            .once(),
        op("amax over two", t -> t[0].amax(0, -1)).torch("amax_0_-1").with(real(3, 2, 4)),
        op("max of equal values", t -> t[0].max(0).values())
            .with(Arg.indices(3, 1, 3, 3))
            .constant(),
        op("sum int64", t -> t[0].sum())
            .torch("sum")
            .with(integer(5, 3))
            .with(bool(9))
            .is(in -> References.scalar(DoubleStream.of(in[0].values()).sum()))
            .constant(),
        op("all", t -> t[0].all())
            .torch("all")
            .with(bool(3))
            .with(real(2, 2))
            .with(bool(0))
            .is(in -> truth(Arrays.stream(in[0].values()).allMatch(x -> x != 0)))
            .constant(),
        op("any", t -> t[0].any())
            .torch("any")
            .with(bool(3))
            .with(real(2, 2))
            .with(bool(0))
            .is(in -> truth(Arrays.stream(in[0].values()).anyMatch(x -> x != 0)))
            .constant(),
        op("softmax", t -> t[0].softmax(1))
            .torch("softmax_1")
            .with(real(3, 7))
            .with(real(2, 5, 3))
            .with(real(1, 1))
            .with(real(0, 4))
            .large(real(301, 257))
            .fails(OUTSIDE, "Dimension out of range", real(3))
            .fails(ILLEGAL, "floating point", integer(2, 3)),
        op("softmax first", t -> t[0].softmax(0)).torch("softmax_0").with(real(3, 4)).with(real()),
        op("log_softmax", t -> t[0].logSoftmax(-1))
            .torch("log_softmax_-1")
            .with(real(3, 7))
            .with(real(1, 10))
            .large(real(301, 257))
            .is(in -> References.logSoftmax(in[0])),
        op("log_softmax of large values", t -> t[0].mul(1000.0).logSoftmax(0))
            .with(real(5))
            .with(real(3, 4))
            .constant());
  }

  private static OpRow all(String name, UnaryOperator<Tensor> op, ToDoubleFunction<double[]> f) {
    return severalOf(name, op, f).with(real()).with(real(1));
  }

  private static OpRow severalOf(
      String name, UnaryOperator<Tensor> op, ToDoubleFunction<double[]> f) {
    return op(name, t -> op.apply(t[0]))
        .torch(name)
        .with(real(11))
        .with(real(3, 5))
        .with(real(2, 1, 4))
        .large(real(137, 301))
        .tolerance(1e-4)
        .is(in -> References.scalar(f.applyAsDouble(in[0].values())));
  }

  private static OpRow over(String name, UnaryOperator<Tensor> op) {
    return op(name, t -> op.apply(t[0]))
        .torch(name)
        .with(real(3, 5))
        .with(real(2, 4, 3))
        .with(real(0, 3))
        .large(real(259, 301))
        .tolerance(1e-4);
  }

  private static double variance(double[] v) {
    double mean = DoubleStream.of(v).average().orElse(0);
    return DoubleStream.of(v).map(x -> (x - mean) * (x - mean)).sum() / (v.length - 1);
  }

  private static double best(double[] v, int sign) {
    int best = 0;
    for (int i = 1; i < v.length; i++) {
      best = sign * v[i] > sign * v[best] ? i : best;
    }
    return best;
  }

  private static Nd truth(boolean value) {
    return References.scalar(value ? 1 : 0);
  }
}
