package dev.talus.parity;

import static dev.talus.parity.Torch.scalar;

import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;

/** libtorch's functions that overwrite a tensor, applied to a copy. */
final class TorchInPlace {
  /** Changes of a tensor by itself, by name. */
  static final Map<String, UnaryOperator<Tensor>> UNARY =
      Map.ofEntries(
          Map.entry("add_scalar_", x -> x.add_(scalar(1.5))),
          Map.entry("sub_scalar_", x -> x.sub_(scalar(1.5))),
          Map.entry("mul_scalar_", x -> x.mul_(scalar(1.5))),
          Map.entry("div_scalar_", x -> x.div_(scalar(1.5))),
          Map.entry("neg_", Tensor::neg_),
          Map.entry("exp_", Tensor::exp_),
          Map.entry("sqrt_", Tensor::sqrt_),
          Map.entry("relu_", Tensor::relu_),
          Map.entry("clamp_", TorchInPlace::clamp),
          Map.entry("zero_", Tensor::zero_),
          Map.entry("fill_", x -> x.fill_(scalar(2.5))));

  private static final Map<String, BinaryOperator<Tensor>> BINARY =
      Map.of(
          "add_", (x, y) -> x.add_(y),
          "add_alpha_", (x, y) -> x.add_(y, scalar(2)),
          "sub_", (x, y) -> x.sub_(y),
          "sub_alpha_", (x, y) -> x.sub_(y, scalar(2)),
          "mul_", (x, y) -> x.mul_(y),
          "div_", (x, y) -> x.div_(y),
          "copy_", (x, y) -> x.copy_(y));

  private TorchInPlace() {}

  static void addTo(TorchOps.Table table) {
    UNARY.forEach((name, change) -> table.unary(name, x -> change.apply(x.clone())));
    BINARY.forEach((name, change) -> table.binary(name, (x, y) -> change.apply(x.clone(), y)));
    table
        .binary("column of a matrix", TorchInPlace::column)
        .binary("window of a window", TorchInPlace::window)
        .binary("a view read after its base changed", TorchInPlace::viewAfterChange)
        .binary("a base read after its view changed twice", TorchInPlace::twice);
  }

  private static Tensor clamp(Tensor x) {
    return x.clamp_(new ScalarOptional(scalar(-1)), new ScalarOptional(scalar(0.5)));
  }

  private static Tensor column(Tensor x, Tensor y) {
    Tensor changed = x.clone();
    changed.select(1, 1).mul_(y);
    return changed;
  }

  private static Tensor window(Tensor x, Tensor y) {
    Tensor changed = x.clone();
    changed.narrow(0, 1, 2).narrow(1, 0, 2).t().add_(y);
    return changed;
  }

  private static Tensor viewAfterChange(Tensor x, Tensor y) {
    Tensor base = x.mul(scalar(2));
    Tensor view = base.narrow(0, 0, 2);
    base.mul_(y);
    return view.mul(y);
  }

  private static Tensor twice(Tensor x, Tensor y) {
    Tensor base = x.mul(scalar(2));
    Tensor row = base.select(0, 1);
    row.mul_(y);
    row.add_(y);
    return base.mul(base);
  }
}
