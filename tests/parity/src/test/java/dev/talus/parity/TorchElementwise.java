package dev.talus.parity;

import static dev.talus.parity.Torch.scalar;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** libtorch's element-wise functions. */
final class TorchElementwise {
  private TorchElementwise() {}

  static void addTo(TorchOps.Table table) {
    ofOneTensor(table);
    withNumbers(table);
    ofTwoTensors(table);
    comparisons(table);
  }

  private static void ofOneTensor(TorchOps.Table table) {
    table
        .unary("neg", Tensor::neg)
        .unary("abs", Tensor::abs)
        .unary("sign", Tensor::sign)
        .unary("square", Tensor::square)
        .unary("exp", Tensor::exp)
        .unary("sin", Tensor::sin)
        .unary("cos", Tensor::cos)
        .unary("tanh", Tensor::tanh)
        .unary("sigmoid", Tensor::sigmoid)
        .unary("relu", Tensor::relu)
        .unary("floor", Tensor::floor)
        .unary("ceil", Tensor::ceil)
        .unary("round", x -> x.round())
        .unary("log", Tensor::log)
        .unary("log1p", Tensor::log1p)
        .unary("sqrt", Tensor::sqrt)
        .unary("rsqrt", Tensor::rsqrt)
        .unary("reciprocal", Tensor::reciprocal)
        .unary("isnan", Tensor::isnan)
        .unary("isinf", Tensor::isinf)
        .unary("logical_not", Tensor::logical_not)
        .unary("neg bool", Tensor::logical_not)
        .unary("clone", x -> x.clone())
        .unary("to", x -> x.to(ScalarType.Double));
  }

  private static void withNumbers(TorchOps.Table table) {
    table
        .unary("add_scalar", x -> x.add(scalar(1.5)))
        .unary("sub_scalar", x -> x.sub(scalar(1.5)))
        .unary("rsub_scalar", x -> torch.rsub(x, scalar(1.5)))
        .unary("mul_scalar", x -> x.mul(scalar(-2.5)))
        .unary("div_scalar", x -> x.div(scalar(-2.5)))
        .unary("add_scalar int64", x -> x.add(new Scalar(3L)))
        .unary("mul_scalar int64", x -> x.mul(new Scalar(3L)))
        .unary("pow_scalar", x -> x.pow(scalar(2.5)))
        .unary("pow_scalar_3", x -> x.pow(scalar(3)))
        .unary("pow_scalar_0", x -> x.pow(scalar(0)))
        .unary(
            "clamp",
            x -> x.clamp(new ScalarOptional(scalar(-0.5)), new ScalarOptional(scalar(0.75))));
  }

  private static void ofTwoTensors(TorchOps.Table table) {
    table
        .binary("add", (x, y) -> x.add(y))
        .binary("sub", (x, y) -> x.sub(y))
        .binary("mul", (x, y) -> x.mul(y))
        .binary("div", (x, y) -> x.div(y))
        .binary("pow", (x, y) -> x.pow(y))
        .binary("maximum", Tensor::maximum)
        .binary("minimum", Tensor::minimum)
        .binary("add_alpha", (x, y) -> x.add(y, scalar(-2)))
        .binary("sub_alpha", (x, y) -> x.sub(y, scalar(3)))
        .binary("floor_divide", (x, y) -> x.floor_divide(y))
        .binary("remainder", (x, y) -> x.remainder(y))
        .op("where", t -> torch.where(t[0], t[1], t[2]))
        .binary("masked_fill", (x, mask) -> x.masked_fill(mask, scalar(-7.5)));
  }

  private static void comparisons(TorchOps.Table table) {
    table
        .binary("eq", (x, y) -> x.eq(y))
        .binary("ne", (x, y) -> x.ne(y))
        .binary("lt", (x, y) -> x.lt(y))
        .binary("le", (x, y) -> x.le(y))
        .binary("gt", (x, y) -> x.gt(y))
        .binary("ge", (x, y) -> x.ge(y))
        .binary("logical_and", Tensor::logical_and)
        .binary("logical_or", Tensor::logical_or)
        .unary("lt_scalar", x -> x.lt(scalar(0.25)))
        .unary("eq_scalar int64", x -> x.eq(scalar(0.5)));
  }
}
