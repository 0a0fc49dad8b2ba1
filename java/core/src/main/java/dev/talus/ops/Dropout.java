package dev.talus.ops;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.NativeNn;
import java.lang.ref.Reference;

/** Sets random elements to 0 and scales the others up, so that sums keep their expected value. */
public final class Dropout extends Node {
  private final double keep;

  private Dropout(Tensor x, Tensor kept, double keep) {
    super(x);
    this.keep = keep;
    save(kept);
  }

  /**
   * Zeros elements with a probability; PyTorch's elements for the same seed.
   *
   * @param x floating
   * @param p the probability, 0 to 1
   * @param training false: x itself is returned
   * @return the shape of x
   * @throws IllegalArgumentException if p is out of range, or x is not floating in training
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html">dropout</a>
   */
  public static Tensor apply(Tensor x, double p, boolean training) {
    return apply("dropout", x, p, training, x.sizes());
  }

  /**
   * Zeros whole channels with a probability.
   *
   * @param x [N, C, d1, …]
   * @param p the probability, 0 to 1
   * @param training false: x itself is returned
   * @throws IllegalArgumentException if p is out of range, or x has fewer than two dimensions
   */
  public static Tensor ofChannels(Tensor x, double p, boolean training) {
    if (x.dim() < 2) {
      throw new IllegalArgumentException(
          "Feature dropout requires at least 2 dimensions in the input, got " + x.shape());
    }
    long[] sizes = new long[x.dim()];
    java.util.Arrays.fill(sizes, 1);
    sizes[0] = x.size(0);
    sizes[1] = x.size(1);
    return apply("feature_dropout", x, p, training, sizes);
  }

  /** One number is drawn for each element of the mask, in which channels have the size 1. */
  private static Tensor apply(String op, Tensor x, double p, boolean training, long[] maskSizes) {
    if (!(p >= 0 && p <= 1)) {
      throw new IllegalArgumentException(
          "dropout probability has to be between 0 and 1, but got " + p);
    }
    if (p == 0 || !training || x.numel() == 0) {
      return x;
    }
    Checks.floating(op, x);
    if (p == 1) {
      return x.mul(0.0);
    }
    try (Tensor kept = Tensor.allocate(DType.BOOL, x.device(), maskSizes)) {
      kept.bernoulli_(1 - p);
      Tensor out = scaled(x, kept, 1 - p);
      return Autograd.records(x) ? new Dropout(x, kept, 1 - p).record(out) : out;
    }
  }

  /** x / keep where it was kept, and x times 0 elsewhere. */
  private static Tensor scaled(Tensor x, Tensor kept, double keep) {
    Tensor out = Tensor.allocate(x.dtype(), x.device(), x.sizes());
    launch(x, kept, keep, out);
    return out;
  }

  private static void launch(Tensor x, Tensor kept, double keep, Tensor out) {
    if (!x.isContiguous()) {
      try (Scope scope = Scope.open()) {
        launch(Checks.dense(x), kept, keep, out);
      }
      return;
    }
    long rows = kept.numel();
    NativeNn.dropout(
        x.device().id(),
        x.dtype().code(),
        rows,
        x.numel() / rows,
        x.address(),
        kept.address(),
        keep,
        out.address());
    Reference.reachabilityFence(x);
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    Tensor kept = saved(0);
    if (Autograd.records(grad)) {
      // Made of recorded operations.
      return new Tensor[] {grad.mul(kept.to(grad.dtype()).div(keep))};
    }
    return new Tensor[] {scaled(grad, kept, keep)};
  }

  @Override
  public String name() {
    return "MulBackward";
  }
}
