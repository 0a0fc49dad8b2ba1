package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.NativeNn;
import java.lang.ref.Reference;

/** The largest element of each window of batched images. */
public final class MaxPool2d extends Node {
  private final Pool2dShape shape;

  // After relu: the output tells where relu lets the gradient pass, too.
  private final boolean keepsOutput;

  private MaxPool2d(Pool2dShape shape, Tensor x, Tensor out, Tensor taps) {
    super(x);
    this.shape = shape;
    keepsOutput = Unary.isRelu(x.gradFn());
    if (keepsOutput) {
      saveOutput(out);
    }
    save(taps);
  }

  /**
   * The largest element of each window; the first of equal ones gets the gradient.
   *
   * @param x [N, C, H, W], floating
   * @param kernel the windows' size: one number, or height and width
   * @param stride distance of the windows, likewise; null: the kernel's size
   * @param padding rows and columns around the images that no window chooses, at most half the
   *     kernel
   * @param dilation distance of neighbouring window elements
   * @param ceilMode whether a window that reaches past the end counts
   * @return [N, C, OH, OW]
   * @throws IllegalArgumentException if the arguments do not fit the shape of x
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html">
   *     MaxPool2d</a>
   */
  public static Tensor apply(
      Tensor x, int[] kernel, int[] stride, int[] padding, int[] dilation, boolean ceilMode) {
    Pool2dShape shape =
        Pool2dShape.of("max_pool2d", x, kernel, stride, padding, dilation, ceilMode);
    Tensor out = Tensor.allocate(x.dtype(), x.device(), shape.outSizes());
    if (!Autograd.records(x)) {
      launch(shape, x, out, 0);
      return out;
    }
    try (Tensor taps = Tensor.allocate(shape.tapType(), x.device(), shape.outSizes())) {
      launch(shape, x, out, taps.address());
      return new MaxPool2d(shape, x, out, taps).record(out);
    }
  }

  private static void launch(Pool2dShape shape, Tensor input, Tensor out, long taps) {
    Tensor x = Checks.dense(input);
    NativeNn.maxPool2d(
        x.device().id(), x.dtype().code(), shape.params(), x.address(), out.address(), taps);
    Reference.reachabilityFence(input);
    Reference.reachabilityFence(out);
    if (x != input) {
      x.close();
    }
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {Spread.apply(shape, grad, taps())};
  }

  /**
   * A gradient goes to an element that equals the window's output, so that relu can be asked there:
   * a pass over the outputs instead of one over the inputs.
   */
  @Override
  protected Tensor backwardThrough(Tensor grad, Node previous) {
    if (!keepsOutput || !isIntact(0) || !Unary.isRelu(previous)) {
      return null;
    }
    return Spread.apply(
        shape, Binary.kernelOfGradient(TALUS_RELU_BACKWARD, grad, saved(0), 1), taps());
  }

  private Tensor taps() {
    return saved(keepsOutput ? 1 : 0);
  }

  @Override
  public String name() {
    return "MaxPool2DWithIndicesBackward";
  }

  /** The adjoint: each window's gradient goes to the element it chose. */
  private static final class Spread extends Node {
    private final Pool2dShape shape;

    private Spread(Pool2dShape shape, Tensor grad, Tensor taps) {
      super(grad);
      this.shape = shape;
      save(taps);
    }

    static Tensor apply(Pool2dShape shape, Tensor grad, Tensor taps) {
      Tensor out = Tensor.allocate(grad.dtype(), grad.device(), shape.xSizes());
      Tensor g = Checks.dense(grad);
      NativeNn.maxPool2dBackward(
          g.device().id(),
          g.dtype().code(),
          shape.params(),
          g.address(),
          taps.address(),
          out.address());
      Reference.reachabilityFence(grad);
      Reference.reachabilityFence(taps);
      if (g != grad) {
        g.close();
      }
      return Autograd.records(grad) ? new Spread(shape, grad, taps).record(out) : out;
    }

    @Override
    protected Tensor[] backward(Tensor xGrad, boolean[] needs) {
      Tensor places = shape.places(saved(0)).flatten(2, 3);
      return new Tensor[] {xGrad.flatten(2, 3).gather(2, places).reshape(shape.outSizes())};
    }

    @Override
    public String name() {
      return "MaxPool2DWithIndicesBackwardBackward";
    }
  }
}
