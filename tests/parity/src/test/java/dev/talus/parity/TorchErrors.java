package dev.talus.parity;

import dev.talus.nn.Reduction;
import dev.talus.tests.ops.OpRow;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** libtorch's side of the calls that must be refused. */
final class TorchErrors {
  /** Calls that libtorch accepts, and why Talus does not. */
  static final Map<String, String> ACCEPTED =
      Map.of(
          "conv2d: only mini-batches are accepted, use input.unsqueeze(0) for a single sample"
              + "[real[1, 5, 5], real[3, 1, 3, 3], real[3]]",
          "layers of images take mini-batches only",
          "max_pool2d: use input.unsqueeze(0)[real[1, 4, 4]]",
          "layers of images take mini-batches only",
          "avg_pool2d: use input.unsqueeze(0)[real[1, 4, 4]]",
          "layers of images take mini-batches only",
          "adaptive_avg_pool2d: use input.unsqueeze(0)[real[1, 4, 4]]",
          "layers of images take mini-batches only",
          "conv2d: floating point[integer[1, 1, 5, 5], integer[3, 1, 3, 3], integer[3]]",
          "there are no kernels for products of integers",
          "relu6: floating point[integer[3]]",
          "activations are for floating types",
          "hardtanh: floating point[integer[3]]",
          "activations are for floating types",
          "mm: floating point type[integer[2, 2], integer[2, 2]]",
          "there are no kernels for products of integers",
          "masked_fill: cannot be converted[integer[3], bool[3]]",
          "a fraction would be cut off");

  private static final Map<String, Function<Tensor[], Tensor>> VARIANTS = new HashMap<>();

  static {
    views();
    products();
    images();
    losses();
    layers();
    inPlace();
  }

  private TorchErrors() {}

  /** libtorch's side of a call that is not the one of the row itself. */
  static Function<Tensor[], Tensor> variant(OpRow row, String name) {
    Function<Tensor[], Tensor> call = VARIANTS.get(name);
    if (call == null) {
      throw new AssertionError("no call of libtorch is listed for " + name);
    }
    return call;
  }

  /** The names of all variants. */
  static Set<String> variants() {
    return VARIANTS.keySet();
  }

  private static void unary(String name, UnaryOperator<Tensor> call) {
    VARIANTS.put(name, t -> call.apply(t[0]));
  }

  private static void views() {
    unary("view: invalid for input of size 6", x -> x.view(5));
    unary("view: only one dimension can be inferred", x -> x.view(-1, -1));
    unary("view: invalid shape dimension -2", x -> x.view(-2, 2));
    unary("view: ambiguous", x -> x.view(-1, 0));
    unary("view: reshape", x -> x.t().view(6));
    unary("flatten: start_dim cannot come after end_dim", x -> torch.flatten(x, 1, 0));
    unary("permute: duplicate dims", x -> x.permute(0, 0));
    unary("transpose: [-2, 1], but got 2", x -> x.transpose(0, 2));
    unary("unsqueeze: [-2, 1], but got 2", x -> x.unsqueeze(2));
    unary("expand: number of sizes provided", x -> x.expand(3));
    unary("select: out of range for tensor of size [2, 3]", x -> x.select(1, 3));
    unary("select: cannot be applied to a 0-dim tensor", x -> x.select(0, 0));
    unary("slice: slice step must be positive", x -> TorchShapes.slice(x, 0, 0, 2, 0));
    VARIANTS.put("gather: index 3 at position 0 is out of range", t -> torch.gather(t[0], 0, t[1]));
    VARIANTS.put("cat: non-empty list", t -> torch.cat(new TensorVector(), 0));
    VARIANTS.put("stack: non-empty list", t -> torch.stack(new TensorVector(), 0));
  }

  private static void products() {
    unary("neg bool: not defined for bool tensors", Tensor::neg);
    unary("sum_dim -1 0: appears multiple times", x -> torch.sum(x, 1, 1));
    VARIANTS.put("mm: one dtype", t -> torch.mm(t[0], t[1].to(ScalarType.Double)));
  }

  private static void images() {
    VARIANTS.put(
        "conv2d: should be the same",
        t -> {
          Tensor[] mixed = t.clone();
          mixed[0] = t[0].to(ScalarType.Double);
          return TorchImages.conv(mixed, 1, 0, 1, 1);
        });
    String plain = "conv2d without bias: ";
    VARIANTS.put(
        plain + "stride should be greater than zero", t -> TorchImages.conv(t, 0, 1, 1, 1));
    VARIANTS.put(plain + "padding must be non-negative", t -> TorchImages.conv(t, 1, -1, 1, 1));
    VARIANTS.put(
        plain + "groups should be greater than zero", t -> TorchImages.conv(t, 1, 1, 1, 0));
    unary(
        "max_pool2d ceil: pad should be smaller than or equal to half of kernel size",
        x -> TorchImages.maxPool(x, 2, 2, 2, 1, false));
    unary(
        "max_pool2d ceil: kernel size should be greater than zero",
        x -> TorchImages.maxPool(x, 0, 2, 0, 1, false));
  }

  private static void losses() {
    for (Reduction reduction : Reduction.values()) {
      VARIANTS.put(
          "cross_entropy smoothed "
              + reduction
              + ": label_smoothing must be between 0.0 and 1.0. Got: 1.5",
          t -> TorchImages.crossEntropy(t, reduction.code(), 2, 1.5));
    }
  }

  private static void layers() {
    VARIANTS.put(
        "batch_norm training: should be the same",
        t -> TorchLayers.batchNorm(new Tensor[] {t[0].to(ScalarType.Double), t[1], t[2]}, true));
    unary(
        "batch_norm plain: running_mean and running_var must be defined",
        x -> TorchLayers.batchNorm(new Tensor[] {x}, false));
    unary("gelu: approximate argument must be", x -> torch.gelu(x, "sinh"));
    unary("layer_norm plain: at least 1-dimensional", x -> TorchLayers.layerNorm(x, new long[0]));
  }

  private static void inPlace() {
    VARIANTS.put(
        "add_: can't be cast to the desired output type torch.int64", t -> t[0].add_(t[1]));
    VARIANTS.put(
        "add_: more than one element of the written-to tensor", t -> t[0].expand(3).add_(t[1]));
    TorchInPlace.UNARY.forEach(
        (name, change) -> {
          unary(
              name + ": a leaf Variable that requires grad is being used in an in-place operation",
              x -> change.apply(leaf(x)));
          unary(
              name + ": a view of a leaf Variable that requires grad",
              x -> change.apply(leaf(x).narrow(0, 0, 1)));
        });
  }

  private static Tensor leaf(Tensor x) {
    x.set_requires_grad(true);
    return x;
  }
}
