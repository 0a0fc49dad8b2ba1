package dev.talus.tests.ops;

import static dev.talus.tests.ops.Arg.bool;
import static dev.talus.tests.ops.Arg.fixed;
import static dev.talus.tests.ops.Arg.integer;
import static dev.talus.tests.ops.Arg.real;
import static dev.talus.tests.ops.OpRow.op;

import dev.talus.Tensor;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.DoubleBinaryOperator;
import java.util.function.Function;

/** Element-wise ops of two and three tensors: arithmetic, comparisons, choice. */
final class BinaryRows {
  private BinaryRows() {}

  static List<OpRow> rows() {
    return List.of(
        arithmetic("add", Tensor::add, (x, y) -> x + y, Arg::real, Arg::real),
        arithmetic("sub", Tensor::sub, (x, y) -> x - y, Arg::real, Arg::real),
        arithmetic("mul", Tensor::mul, (x, y) -> x * y, Arg::real, Arg::real),
        arithmetic("div", Tensor::div, (x, y) -> x / y, Arg::real, Arg::nonzero),
        arithmetic("pow", Tensor::pow, Math::pow, Arg::positive, Arg::real),
        arithmetic("maximum", Tensor::maximum, Math::max, Arg::real, Arg::real),
        arithmetic("minimum", Tensor::minimum, Math::min, Arg::real, Arg::real),
        arithmetic("add_alpha", (x, y) -> x.add(y, -2), (x, y) -> x - 2 * y, Arg::real, Arg::real),
        arithmetic("sub_alpha", (x, y) -> x.sub(y, 3), (x, y) -> x - 3 * y, Arg::real, Arg::real),
        arithmetic(
                "floor_divide",
                Tensor::floorDivide,
                (x, y) -> Math.floor(x / y),
                Arg::real,
                Arg::nonzero)
            .constant(),
        arithmetic("remainder", Tensor::remainder, BinaryRows::modulo, Arg::real, Arg::nonzero),
        extreme("maximum", Tensor::maximum, Math::max),
        extreme("minimum", Tensor::minimum, Math::min),
        comparison("eq", Tensor::eq, (x, y) -> x == y ? 1 : 0),
        comparison("ne", Tensor::ne, (x, y) -> x != y ? 1 : 0),
        comparison("lt", Tensor::lt, (x, y) -> x < y ? 1 : 0),
        comparison("le", Tensor::le, (x, y) -> x <= y ? 1 : 0),
        comparison("gt", Tensor::gt, (x, y) -> x > y ? 1 : 0),
        comparison("ge", Tensor::ge, (x, y) -> x >= y ? 1 : 0),
        comparison("logical_and", Tensor::logicalAnd, (x, y) -> x != 0 && y != 0 ? 1 : 0),
        comparison("logical_or", Tensor::logicalOr, (x, y) -> x != 0 || y != 0 ? 1 : 0),
        op("lt_scalar", t -> t[0].lt(0.25)).with(real(9)).each(x -> x < 0.25 ? 1 : 0).constant(),
        op("eq_scalar int64", t -> t[0].eq(0.5)).with(integer(9)).each(x -> 0).constant(),
        op("add int64", t -> t[0].add(t[1]))
            .torch("add")
            .with(integer(3, 4), integer(4))
            .pairs(Double::sum)
            .constant(),
        op("div int64", t -> t[0].div(t[1]))
            .torch("div")
            .with(integer(4), fixed(1, 2, 4, 8))
            .with(integer(4), Arg.indices(1, 2, 4, 8))
            .pairs((x, y) -> x / y)
            .constant(),
        ofIntegers("floor_divide", Tensor::floorDivide, (x, y) -> Math.floor(x / y)),
        ofIntegers("remainder", Tensor::remainder, BinaryRows::modulo),
        op("add int64 and float", t -> t[0].add(t[1]))
            .torch("add")
            .with(integer(3, 4), real(4))
            .pairs(Double::sum),
        op("where", t -> t[1].where(t[0], t[2]))
            .torch("where")
            .with(bool(3, 5), real(3, 5), real(3, 5))
            .with(bool(5), real(3, 1), real())
            .with(bool(), real(2), real(1))
            .with(bool(0), real(0), real(1))
            .large(bool(300, 301), real(300, 301), real(301))
            .is(in -> chosen(in[0], in[1], in[2]))
            .fails(
                IllegalArgumentException.class,
                "expected condition to be a boolean tensor",
                real(2),
                real(2),
                real(2)),
        op("masked_fill", t -> t[0].maskedFill(t[1], -7.5))
            .torch("masked_fill")
            .with(real(3, 5), bool(3, 5))
            .with(real(2, 3, 4), bool(3, 1))
            .with(real(), bool())
            .with(real(0, 2), bool(2))
            .pairs((x, m) -> m != 0 ? -7.5 : x)
            .fails(IllegalArgumentException.class, "boolean tensor", real(3), real(3))
            .fails(IllegalArgumentException.class, "must match the size", real(3), bool(2))
            .fails(IllegalArgumentException.class, "cannot be converted", integer(3), bool(3)));
  }

  private static double modulo(double x, double y) {
    return x - y * Math.floor(x / y);
  }

  private static Nd chosen(Nd condition, Nd x, Nd y) {
    Nd left = condition.zip(x, (c, v) -> c != 0 ? v : Double.NaN);
    Nd both = left.zip(y, (v, w) -> v);
    Nd right = condition.zip(y, (c, w) -> c == 0 ? w : Double.NaN).zip(x, (w, v) -> w);
    return both.zip(right, (v, w) -> Double.isNaN(v) ? w : v);
  }

  private static OpRow arithmetic(
      String name,
      BinaryOperator<Tensor> op,
      DoubleBinaryOperator f,
      Function<long[], Arg> left,
      Function<long[], Arg> right) {
    return broadcasting(name, op, f, left, right)
        .large(left.apply(new long[] {257, 301}), right.apply(new long[] {301}));
  }

  /** Values outside the ordinary and ties; no gradient is checked there against differences. */
  private static OpRow extreme(String name, BinaryOperator<Tensor> op, DoubleBinaryOperator f) {
    double inf = Double.POSITIVE_INFINITY;
    double nan = Double.NaN;
    return op(name + " special values", t -> op.apply(t[0], t[1]))
        .torch(name)
        .with(fixed(nan, 1, nan, inf, -inf, 2, 0), fixed(1, nan, nan, inf, 3, 2, inf))
        .pairs(f)
        .constant();
  }

  private static OpRow comparison(String name, BinaryOperator<Tensor> op, DoubleBinaryOperator f) {
    return broadcasting(name, op, f, Arg::real, Arg::real)
        .with(integer(4, 9), integer(9))
        .with(fixed(Double.NaN, 1, 0, -0.0), fixed(Double.NaN, Double.NaN, -0.0, 0))
        .constant();
  }

  /** Divisions of integers, of which the one by zero is an error. */
  private static OpRow ofIntegers(String name, BinaryOperator<Tensor> op, DoubleBinaryOperator f) {
    return op(name + " int64", t -> op.apply(t[0], t[1]))
        .torch(name)
        .with(integer(3, 4), Arg.indices(1, -2, 3, -4))
        .with(integer(2, 3), Arg.indices(-5))
        .pairs(f)
        .constant()
        .fails(
            IllegalArgumentException.class,
            "ZeroDivisionError: an integer tensor is divided by zero",
            integer(3),
            Arg.indices(2, 0, 1));
  }

  private static OpRow broadcasting(
      String name,
      BinaryOperator<Tensor> op,
      DoubleBinaryOperator f,
      Function<long[], Arg> left,
      Function<long[], Arg> right) {
    OpRow row = op(name, t -> op.apply(t[0], t[1])).torch(name).pairs(f);
    long[][][] shapes = {
      {{}, {}},
      {{19}, {19}},
      {{3, 5}, {5}},
      {{3, 1}, {1, 5}},
      {{2, 1, 4}, {3, 1}},
      {{}, {2, 3}},
      {{2, 3}, {}},
      {{2, 0}, {1}},
      {{0}, {}}
    };
    for (long[][] pair : shapes) {
      row.with(left.apply(pair[0]), right.apply(pair[1]));
    }
    return row.fails(
            IllegalArgumentException.class,
            "The size of tensor a (3) must match the size of tensor b (4) at non-singleton"
                + " dimension 1",
            real(2, 3),
            real(2, 4))
        .fails(IllegalArgumentException.class, "must match the size", real(2), real(0));
  }
}
