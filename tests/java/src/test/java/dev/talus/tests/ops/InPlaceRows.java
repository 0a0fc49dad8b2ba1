package dev.talus.tests.ops;

import static dev.talus.tests.ops.Arg.integer;
import static dev.talus.tests.ops.Arg.nonzero;
import static dev.talus.tests.ops.Arg.positive;
import static dev.talus.tests.ops.Arg.real;
import static dev.talus.tests.ops.OpRow.op;

import dev.talus.Tensor;
import java.util.List;
import java.util.function.BinaryOperator;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** Ops that overwrite a tensor, applied to a copy and to a view of a copy. */
final class InPlaceRows {
  private static final Class<IllegalArgumentException> ILLEGAL = IllegalArgumentException.class;
  private static final Class<IllegalStateException> STATE = IllegalStateException.class;

  private InPlaceRows() {}

  static List<OpRow> rows() {
    return List.of(
        binary("add_", Tensor::add_, Double::sum, Arg::real)
            .fails(
                ILLEGAL,
                "can't be cast to the desired output type torch.int64",
                t -> t[0].add_(t[1]),
                integer(3),
                real(3))
            .fails(
                STATE,
                "more than one element of the written-to tensor",
                t -> t[0].expand(3).add_(t[1]),
                real(1),
                real(3)),
        binary("add_alpha_", (x, y) -> x.add_(y, 2), (x, y) -> x + 2 * y, Arg::real),
        binary("sub_", Tensor::sub_, (x, y) -> x - y, Arg::real),
        binary("sub_alpha_", (x, y) -> x.sub_(y, 2), (x, y) -> x - 2 * y, Arg::real),
        binary("mul_", Tensor::mul_, (x, y) -> x * y, Arg::real),
        binary("div_", Tensor::div_, (x, y) -> x / y, Arg::nonzero),
        binary("copy_", Tensor::copy_, (x, y) -> y, Arg::real).once(),
        unary("add_scalar_", x -> x.add_(1.5), x -> x + 1.5, Arg::real),
        unary("sub_scalar_", x -> x.sub_(1.5), x -> x - 1.5, Arg::real),
        unary("mul_scalar_", x -> x.mul_(1.5), x -> x * 1.5, Arg::real),
        unary("div_scalar_", x -> x.div_(1.5), x -> x / 1.5, Arg::real),
        unary("neg_", Tensor::neg_, x -> -x, Arg::real),
        unary("exp_", Tensor::exp_, Math::exp, Arg::real),
        unary("sqrt_", Tensor::sqrt_, Math::sqrt, Arg::positive),
        unary("relu_", Tensor::relu_, x -> Math.max(x, 0), Arg::real),
        unary("clamp_", x -> x.clamp_(-1, 0.5), x -> Math.min(Math.max(x, -1), 0.5), Arg::real),
        unary("zero_", Tensor::zero_, x -> 0, Arg::real),
        unary("fill_", x -> x.fill_(2.5), x -> 2.5, Arg::real),
        op("column of a matrix", t -> changed(t[0].mul(1.0), x -> x.select(1, 1).mul_(t[1])))
            .with(real(3, 4), real(3))
            .is(in -> Nd.fill(i -> in[0].at(i) * (i[1] == 1 ? in[1].at(i[0]) : 1), in[0].shape())),
        op(
                "window of a window",
                t -> changed(t[0].mul(1.0), x -> x.narrow(0, 1, 2).narrow(1, 0, 2).t().add_(t[1])))
            .with(real(4, 3), real(2, 2)),
        op("a view read after its base changed", InPlaceRows::viewAfterChange)
            .with(real(3, 4), real(4)),
        op("a base read after its view changed twice", InPlaceRows::twice)
            .with(nonzero(3, 3), positive(3)));
  }

  private static Tensor changed(Tensor x, UnaryOperator<Tensor> change) {
    change.apply(x);
    return x;
  }

  private static Tensor viewAfterChange(Tensor[] t) {
    Tensor base = t[0].mul(2.0);
    Tensor view = base.narrow(0, 0, 2);
    base.mul_(t[1]);
    return view.mul(t[1]);
  }

  private static Tensor twice(Tensor[] t) {
    Tensor base = t[0].mul(2.0);
    Tensor row = base.select(0, 1);
    row.mul_(t[1]);
    row.add_(t[1]);
    return base.mul(base);
  }

  private static OpRow unary(
      String name, UnaryOperator<Tensor> op, DoubleUnaryOperator f, Function<long[], Arg> kind) {
    return op(name, t -> changed(t[0].clone(), op))
        .torch(name)
        .with(kind.apply(new long[] {}))
        .with(kind.apply(new long[] {3, 7}))
        .with(kind.apply(new long[] {0}))
        .large(kind.apply(new long[] {70_001}))
        .each(f)
        .fails(
            STATE,
            "a leaf Variable that requires grad is being used in an in-place operation",
            t -> op.apply(t[0].requiresGrad_(true)),
            kind.apply(new long[] {2}))
        .fails(
            STATE,
            "a view of a leaf Variable that requires grad",
            t -> op.apply(t[0].requiresGrad_(true).narrow(0, 0, 1)),
            kind.apply(new long[] {2}));
  }

  private static OpRow binary(
      String name, BinaryOperator<Tensor> op, DoubleBinaryOperator f, Function<long[], Arg> right) {
    return op(name, t -> changed(t[0].clone(), x -> op.apply(x, t[1])))
        .torch(name)
        .with(real(), right.apply(new long[] {}))
        .with(real(3, 5), right.apply(new long[] {3, 5}))
        .with(real(3, 5), right.apply(new long[] {5}))
        .with(real(2, 3, 2), right.apply(new long[] {3, 1}))
        .with(real(0, 2), right.apply(new long[] {2}))
        .large(real(257, 301), right.apply(new long[] {301}))
        .pairs(f)
        .fails(ILLEGAL, "doesn't match the broadcast shape [2, 3]", real(3), real(2, 3))
        .fails(ILLEGAL, "must match the size", real(3), real(4));
  }
}
