package dev.talus.tests.ops;

import static dev.talus.tests.ops.Arg.bool;
import static dev.talus.tests.ops.Arg.fixed;
import static dev.talus.tests.ops.Arg.integer;
import static dev.talus.tests.ops.Arg.nonzero;
import static dev.talus.tests.ops.Arg.positive;
import static dev.talus.tests.ops.Arg.real;
import static dev.talus.tests.ops.OpRow.op;

import dev.talus.DType;
import dev.talus.Tensor;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** Element-wise ops of one tensor, with and without numbers beside it. */
final class ElementwiseRows {
  private static final double INF = Double.POSITIVE_INFINITY;
  private static final double NAN = Double.NaN;

  private ElementwiseRows() {}

  static List<OpRow> rows() {
    return List.of(
        smooth("neg", Tensor::neg, x -> -x),
        smooth("abs", Tensor::abs, Math::abs),
        smooth("sign", Tensor::sign, Math::signum),
        smooth("square", Tensor::square, x -> x * x),
        smooth("exp", Tensor::exp, Math::exp).with(fixed(-1, 0, 1, 5, -5, 3.25, 7)),
        smooth("sin", Tensor::sin, Math::sin),
        smooth("cos", Tensor::cos, Math::cos),
        smooth("tanh", Tensor::tanh, Math::tanh).with(fixed(-3, 3, 0.125)),
        smooth("sigmoid", Tensor::sigmoid, x -> 1 / (1 + Math.exp(-x))).with(fixed(-3, 3, 0)),
        smooth("relu", Tensor::relu, x -> Math.max(x, 0)),
        smooth("floor", Tensor::floor, Math::floor),
        smooth("ceil", Tensor::ceil, Math::ceil),
        smooth("round", Tensor::round, Math::rint),
        op("round halves", t -> t[0].round())
            .torch("round")
            .with(fixed(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5))
            .each(Math::rint)
            .constant(),
        ofPositive("log", Tensor::log, Math::log),
        ofPositive("log1p", Tensor::log1p, Math::log1p),
        ofPositive("sqrt", Tensor::sqrt, Math::sqrt),
        ofPositive("rsqrt", Tensor::rsqrt, x -> 1 / Math.sqrt(x)),
        unary("reciprocal", Tensor::reciprocal, x -> 1 / x, Arg::nonzero),
        smooth("add_scalar", x -> x.add(1.5), x -> x + 1.5),
        smooth("sub_scalar", x -> x.sub(1.5), x -> x - 1.5),
        smooth("rsub_scalar", x -> x.rsub(1.5), x -> 1.5 - x),
        smooth("mul_scalar", x -> x.mul(-2.5), x -> x * -2.5),
        smooth("div_scalar", x -> x.div(-2.5), x -> x / -2.5),
        smooth("clamp", x -> x.clamp(-0.5, 0.75), x -> Math.min(Math.max(x, -0.5), 0.75)),
        ofPositive("pow_scalar", x -> x.pow(2.5), x -> Math.pow(x, 2.5)),
        smooth("pow_scalar 3", x -> x.pow(3), x -> x * x * x).torch("pow_scalar_3"),
        smooth("pow_scalar 0", x -> x.pow(0), x -> 1).torch("pow_scalar_0"),
        special("sign", Tensor::sign, x -> x > 0 ? 1 : x < 0 ? -1 : 0),
        special("exp", Tensor::exp, Math::exp),
        special("log", Tensor::log, Math::log),
        special("sqrt", Tensor::sqrt, Math::sqrt),
        special("tanh", Tensor::tanh, Math::tanh),
        special("sigmoid", Tensor::sigmoid, x -> 1 / (1 + Math.exp(-x))),
        special("abs", Tensor::abs, Math::abs),
        special("floor", Tensor::floor, Math::floor),
        special("relu", Tensor::relu, x -> Math.max(x, 0)),
        question("isnan", Tensor::isNan, x -> Double.isNaN(x) ? 1 : 0),
        question("isinf", Tensor::isInf, x -> Double.isInfinite(x) ? 1 : 0),
        question("logical_not", Tensor::logicalNot, x -> x == 0 ? 1 : 0),
        op("neg int64", t -> t[0].neg()).torch("neg").with(integer(3, 5)).each(x -> -x).constant(),
        op("abs int64", t -> t[0].abs()).torch("abs").with(integer(7)).each(Math::abs).constant(),
        op("exp int64", t -> t[0].exp()).torch("exp").with(integer(7)).constant(),
        op("add_scalar int64", t -> t[0].add(3L)).with(integer(7)).each(x -> x + 3).constant(),
        op("mul_scalar int64", t -> t[0].mul(3L)).with(integer(7)).each(x -> x * 3).constant(),
        op("neg bool", t -> t[0].logicalNot())
            .with(bool(4))
            .each(x -> 1 - x)
            .constant()
            .fails(
                IllegalArgumentException.class,
                "not defined for bool tensors",
                t -> t[0].neg(),
                bool(4)),
        op("to", t -> t[0].to(DType.FLOAT64)).with(real(3, 4)).with(real()).each(x -> x),
        op("clone", t -> t[0].clone()).torch("clone").with(real(2, 3)).with(real()).each(x -> x));
  }

  private static OpRow smooth(String name, UnaryOperator<Tensor> op, DoubleUnaryOperator f) {
    return unary(name, op, f, Arg::real);
  }

  private static OpRow ofPositive(String name, UnaryOperator<Tensor> op, DoubleUnaryOperator f) {
    return unary(name, op, f, Arg::positive);
  }

  /** Over shapes that miss every vector width, with several dimensions, none, and no elements. */
  private static OpRow unary(
      String name, UnaryOperator<Tensor> op, DoubleUnaryOperator f, Function<long[], Arg> kind) {
    return op(name, t -> op.apply(t[0]))
        .torch(name)
        .with(kind.apply(new long[] {}))
        .with(kind.apply(new long[] {1}))
        .with(kind.apply(new long[] {19}))
        .with(kind.apply(new long[] {3, 1, 7}))
        .with(kind.apply(new long[] {2, 0, 3}))
        .large(kind.apply(new long[] {70_003}))
        .each(f);
  }

  /** Values outside the ordinary; no gradient is asked for there. */
  private static OpRow special(String name, UnaryOperator<Tensor> op, DoubleUnaryOperator f) {
    return op(name + " special values", t -> op.apply(t[0]))
        .torch(name)
        .with(fixed(NAN, INF, -INF, 0.0, -0.0, 1e30, -1e30, 1e-30, 1, -1, 88, -88, 0.5))
        .each(f)
        .constant();
  }

  private static OpRow question(String name, UnaryOperator<Tensor> op, DoubleUnaryOperator f) {
    return op(name, t -> op.apply(t[0]))
        .torch(name)
        .with(fixed(NAN, INF, -INF, 0.0, -0.0, 2))
        .with(real(3, 5))
        .with(nonzero())
        .with(positive(0))
        .with(integer(5))
        .each(f)
        .constant();
  }
}
