package dev.talus.ops;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.NativeNn;

/** The mean of each window of batched images. */
public final class AvgPool2d extends Node {
  private static final int[] DENSE = {1};

  private final Pool2dShape shape;

  private AvgPool2d(Pool2dShape shape, Tensor x) {
    super(x);
    this.shape = shape;
  }

  /**
   * The mean of each window.
   *
   * @param x [N, C, H, W], floating
   * @param kernel the windows' size: one number, or height and width
   * @param stride distance of the windows, likewise; null: the kernel's size
   * @param padding zeros around the images, at most half the kernel
   * @param ceilMode whether a window that reaches past the end counts
   * @param countIncludePad whether the padding counts in the mean; PyTorch's default is true
   * @param divisorOverride divides the sums instead of the window's size; null: none, never 0
   * @return [N, C, OH, OW]
   * @throws IllegalArgumentException if the arguments do not fit the shape of x
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html">
   *     AvgPool2d</a>
   */
  public static Tensor apply(
      Tensor x,
      int[] kernel,
      int[] stride,
      int[] padding,
      boolean ceilMode,
      boolean countIncludePad,
      Integer divisorOverride) {
    if (divisorOverride != null && divisorOverride == 0) {
      throw new IllegalArgumentException("avg_pool2d(): divisor must be not zero");
    }
    Pool2dShape shape =
        Pool2dShape.of("avg_pool2d", x, kernel, stride, padding, DENSE, ceilMode)
            .averaging(countIncludePad, divisorOverride == null ? 0 : divisorOverride);
    return pool(shape, x);
  }

  private static Tensor pool(Pool2dShape shape, Tensor x) {
    Tensor out = Tensor.allocate(x.dtype(), x.device(), shape.outSizes());
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      NativeNn.avgPool2d(
          x.device().id(),
          x.dtype().code(),
          shape.params(),
          x.contiguous().address(),
          out.address());
    }
    return Autograd.records(x) ? new AvgPool2d(shape, x).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {Spread.apply(shape, grad)};
  }

  @Override
  public String name() {
    return "AvgPool2DBackward";
  }

  /** The adjoint: each window's gradient is shared by its elements. */
  private static final class Spread extends Node {
    private final Pool2dShape shape;

    private Spread(Pool2dShape shape, Tensor grad) {
      super(grad);
      this.shape = shape;
    }

    static Tensor apply(Pool2dShape shape, Tensor grad) {
      Tensor out = Tensor.allocate(grad.dtype(), grad.device(), shape.xSizes());
      try (Scope scope = Scope.open();
          Autograd.GradMode mode = Autograd.noGrad()) {
        NativeNn.avgPool2dBackward(
            grad.device().id(),
            grad.dtype().code(),
            shape.params(),
            grad.contiguous().address(),
            out.address());
      }
      return Autograd.records(grad) ? new Spread(shape, grad).record(out) : out;
    }

    @Override
    protected Tensor[] backward(Tensor xGrad, boolean[] needs) {
      return new Tensor[] {pool(shape, xGrad)};
    }

    @Override
    public String name() {
      return "AvgPool2DBackwardBackward";
    }
  }
}
