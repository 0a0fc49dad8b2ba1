package dev.talus.parity;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/** libtorch's normalisation and other layers. */
final class TorchLayers {
  private static final double EPS = 1e-3;

  private TorchLayers() {}

  static void addTo(TorchOps.Table table) {
    table
        .op("batch_norm_training", t -> batchNorm(t, true))
        .op("batch_norm_plain", t -> batchNorm(t, true))
        .op(
            "batch_norm_eval",
            t -> batchNorm(t[0], some(t[3]), some(t[4]), some(t[1]), some(t[2]), false))
        .op("layer_norm", t -> layerNorm(t[0], t[1].shape(), some(t[1]), some(t[2])))
        .unary("layer_norm_plain", x -> layerNorm(x, new long[] {x.size(-1)}));
    activations(table);
    table
        .unary("adaptive_avg_pool2d_1", x -> torch.adaptive_avg_pool2d(x, 1, 1))
        .unary("adaptive_avg_pool2d_2_3", x -> torch.adaptive_avg_pool2d(x, 2, 3))
        .unary("adaptive_avg_pool2d_7", x -> torch.adaptive_avg_pool2d(x, 7, 7))
        .binary("embedding", (w, i) -> torch.embedding(w, i))
        .binary("embedding_padding_1", (w, i) -> torch.embedding(w, i, 1, false, false));
  }

  private static void activations(TorchOps.Table table) {
    Scalar one = new Scalar(1.0);
    table
        .unary("gelu", x -> torch.gelu(x))
        .unary("gelu_tanh", x -> torch.gelu(x, "tanh"))
        .unary("silu", torch::silu)
        .unary("leaky_relu", x -> torch.leaky_relu(x, new Scalar(0.1)))
        .unary("elu", x -> torch.elu(x, new Scalar(0.7), one, one))
        .unary("softplus", x -> torch.softplus(x, new Scalar(2.0), new Scalar(1.5)))
        .unary("hardswish", torch::hardswish)
        .unary("relu6", torch::relu6)
        .unary("hardtanh", x -> torch.hardtanh(x, new Scalar(-0.5), new Scalar(0.75)));
  }

  private static TensorOptional some(Tensor x) {
    return new TensorOptional(x);
  }

  private static TensorOptional none() {
    return new TensorOptional();
  }

  /** Of t[0] with the weight t[1] and bias t[2], where they are given; without running values. */
  static Tensor batchNorm(Tensor[] t, boolean training) {
    boolean affine = t.length > 1;
    if (training && t[0].dim() > 1 && t[0].numel() == t[0].size(1)) {
      throw new RuntimeException("torch.nn.functional, not the C++ function, refuses one value");
    }
    return batchNorm(
        t[0], affine ? some(t[1]) : none(), affine ? some(t[2]) : none(), none(), none(), training);
  }

  private static Tensor batchNorm(
      Tensor x,
      TensorOptional weight,
      TensorOptional bias,
      TensorOptional mean,
      TensorOptional variance,
      boolean training) {
    return torch.batch_norm(x, weight, bias, mean, variance, training, 0.1, EPS, false);
  }

  static Tensor layerNorm(Tensor x, long[] shape) {
    return layerNorm(x, shape, none(), none());
  }

  private static Tensor layerNorm(
      Tensor x, long[] shape, TensorOptional weight, TensorOptional bias) {
    return torch.layer_norm(x, shape, weight, bias, EPS, false);
  }
}
