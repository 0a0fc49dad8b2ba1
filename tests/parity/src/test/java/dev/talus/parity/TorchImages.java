package dev.talus.parity;

import static dev.talus.parity.Torch.scalar;

import dev.talus.nn.Reduction;
import java.util.Locale;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** libtorch's convolution, pooling and losses. */
final class TorchImages {
  private static final long NO_CLASS = -100;

  private TorchImages() {}

  static void addTo(TorchOps.Table table) {
    convolutions(table);
    pooling(table);
    for (Reduction reduction : Reduction.values()) {
      losses(table, reduction.code(), "_" + reduction.name().toLowerCase(Locale.ROOT));
    }
  }

  private static void convolutions(TorchOps.Table table) {
    table
        .op("conv2d_1_0_1_1", t -> conv(t, 1, 0, 1, 1))
        .op("conv2d_2_0_1_1", t -> conv(t, 2, 0, 1, 1))
        .op("conv2d_1_2_1_1", t -> conv(t, 1, 2, 1, 1))
        .op("conv2d_1_1_2_1", t -> conv(t, 1, 1, 2, 1))
        .op("conv2d_1_1_1_2", t -> conv(t, 1, 1, 1, 2))
        .op("conv2d_2_2_2_3", t -> conv(t, 2, 2, 2, 3))
        .op("conv2d_no_bias_padding_1", t -> conv(t, 1, 1, 1, 1))
        .op("conv2d relu", t -> torch.relu(doubledConv(t)))
        .op("conv2d relu6", t -> torch.relu6(doubledConv(t)));
  }

  private static Tensor doubledConv(Tensor[] t) {
    Tensor[] doubled = {t[0].mul(scalar(2)), t[1], t[2].mul(scalar(2))};
    return conv(doubled, 1, 1, 1, t[0].size(1) / t[1].size(1));
  }

  /** Convolution of t[0] with the weight t[1] and, where there is one, the bias t[2]. */
  static Tensor conv(Tensor[] t, long stride, long padding, long dilation, long groups) {
    TensorOptional bias = t.length > 2 ? new TensorOptional(t[2]) : new TensorOptional();
    return torch.conv2d(t[0], t[1], bias, both(stride), both(padding), both(dilation), groups);
  }

  private static long[] both(long size) {
    return new long[] {size, size};
  }

  private static void pooling(TorchOps.Table table) {
    table
        .unary("max_pool2d_2_2_0_1", x -> maxPool(x, 2, 2, 0, 1, false))
        .unary("max_pool2d_3_1_1_1", x -> maxPool(x, 3, 1, 1, 1, false))
        .unary("max_pool2d_2_2_0_2", x -> maxPool(x, 2, 2, 0, 2, false))
        .unary("max_pool2d_17_1_1_1", x -> maxPool(x, 17, 1, 1, 1, false))
        .unary("max_pool2d_3_2_1_1_ceil", x -> maxPool(x, 3, 2, 1, 1, true))
        .unary("avg_pool2d_2_2_0", x -> avgPool(x, 2, 2, 0, false, true))
        .unary("avg_pool2d_3_2_1", x -> avgPool(x, 3, 2, 1, false, true))
        .unary("avg_pool2d_3_2_1_ceil_nopad", x -> avgPool(x, 3, 2, 1, true, false));
  }

  static Tensor maxPool(
      Tensor x, long kernel, long stride, long padding, long dilation, boolean ceil) {
    return torch.max_pool2d(x, both(kernel), both(stride), both(padding), both(dilation), ceil);
  }

  private static Tensor avgPool(
      Tensor x, long kernel, long stride, long padding, boolean ceil, boolean countPadding) {
    LongOptional divisor = new LongOptional();
    return torch.avg_pool2d(
        x, both(kernel), both(stride), both(padding), ceil, countPadding, divisor);
  }

  /** Broadcasts before, as Python does: the C++ function divides by the size of one input. */
  private static Tensor meanSquares(Tensor x, Tensor y, int reduction) {
    TensorVector both = torch.broadcast_tensors(new TensorVector(x, y));
    return torch.mse_loss(both.get(0), both.get(1), reduction);
  }

  private static void losses(TorchOps.Table table, int reduction, String suffix) {
    table
        .binary("mse_loss" + suffix, (x, y) -> meanSquares(x, y, reduction))
        .binary(
            "nll_loss" + suffix,
            (x, y) -> torch.nll_loss_nd(x, y, new TensorOptional(), reduction, NO_CLASS))
        .op(
            "nll_loss_weight" + suffix,
            t -> torch.nll_loss_nd(t[0], t[1], new TensorOptional(t[2]), reduction, 1))
        .op("cross_entropy" + suffix, t -> crossEntropy(t, reduction, NO_CLASS, 0))
        .op("cross_entropy_weight" + suffix, t -> crossEntropy(t, reduction, 1, 0))
        .op("cross_entropy_smoothed" + suffix, t -> crossEntropy(t, reduction, 2, 0.1))
        .op("cross_entropy_probabilities" + suffix, t -> crossEntropy(t, reduction, NO_CLASS, 0.2));
  }

  /** The loss of t[0] with the target t[1] and, where there are some, the weights t[2]. */
  static Tensor crossEntropy(Tensor[] t, int reduction, long ignored, double smoothing) {
    TensorOptional weight = t.length > 2 ? new TensorOptional(t[2]) : new TensorOptional();
    return torch.cross_entropy_loss(t[0], t[1], weight, reduction, ignored, smoothing);
  }
}
