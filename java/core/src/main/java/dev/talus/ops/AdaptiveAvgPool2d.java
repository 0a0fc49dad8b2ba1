package dev.talus.ops;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.NativeNn;

/** The means of as many windows as the output has elements, which cover batched images. */
public final class AdaptiveAvgPool2d extends Node {
  private final long[] xSizes;

  private AdaptiveAvgPool2d(Tensor x) {
    super(x);
    xSizes = x.sizes();
  }

  /**
   * The mean of each window: window i of an axis covers [floor(i · in / out), ceil((i + 1) · in /
   * out)).
   *
   * @param x [N, C, H, W], floating, H and W at least 1
   * @param height of the output, at least 1
   * @param width of the output, at least 1
   * @return [N, C, height, width]
   * @throws IllegalArgumentException if x is none of these
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html">
   *     AdaptiveAvgPool2d</a>
   */
  public static Tensor apply(Tensor x, int height, int width) {
    if (x.dim() != 4 || !x.dtype().isFloating() || x.size(2) == 0 || x.size(3) == 0) {
      throw new IllegalArgumentException(
          "adaptive_avg_pool2d(): Expected floating point images [N, C, H, W], use"
              + " input.unsqueeze(0) for a single sample, but got "
              + x.geometry().describe());
    }
    return pool(x, height, width);
  }

  private static Tensor pool(Tensor x, long height, long width) {
    Tensor out = Tensor.allocate(x.dtype(), x.device(), x.size(0), x.size(1), height, width);
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      NativeNn.adaptiveAvgPool2d(
          x.device().id(),
          x.dtype().code(),
          x.size(0) * x.size(1),
          x.size(2),
          x.size(3),
          height,
          width,
          x.contiguous().address(),
          out.address());
    }
    return Autograd.records(x) ? new AdaptiveAvgPool2d(x).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {Spread.apply(grad, xSizes)};
  }

  @Override
  public String name() {
    return "AdaptiveAvgPool2DBackward";
  }

  /** The adjoint: each window's gradient is shared by its elements. */
  private static final class Spread extends Node {
    private final long height;
    private final long width;

    private Spread(Tensor grad) {
      super(grad);
      height = grad.size(2);
      width = grad.size(3);
    }

    static Tensor apply(Tensor grad, long[] xSizes) {
      Tensor out = Tensor.allocate(grad.dtype(), grad.device(), xSizes);
      try (Scope scope = Scope.open();
          Autograd.GradMode mode = Autograd.noGrad()) {
        NativeNn.adaptiveAvgPool2dBackward(
            grad.device().id(),
            grad.dtype().code(),
            xSizes[0] * xSizes[1],
            xSizes[2],
            xSizes[3],
            grad.size(2),
            grad.size(3),
            grad.contiguous().address(),
            out.address());
      }
      return Autograd.records(grad) ? new Spread(grad).record(out) : out;
    }

    @Override
    protected Tensor[] backward(Tensor xGrad, boolean[] needs) {
      return new Tensor[] {pool(xGrad, height, width)};
    }

    @Override
    public String name() {
      return "AdaptiveAvgPool2DBackwardBackward";
    }
  }
}
