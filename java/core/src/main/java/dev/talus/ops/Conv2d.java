package dev.talus.ops;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.NativeNn;
import java.lang.ref.Reference;

/**
 * Two-dimensional convolution (cross-correlation) of batched images, and its adjoints. The three
 * are bilinear and each is a derivative of the others, so derivatives of any order work.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.conv2d.html">conv2d</a>
 */
public final class Conv2d {
  private Conv2d() {}

  /**
   * Slides the kernels over the images.
   *
   * @param x [N, C, H, W]
   * @param w [O, C/groups, KH, KW]
   * @param bias [O], or null
   * @param stride one number, or those of height and width; more than 0
   * @param padding zeros around the images, likewise; 0 or more
   * @param dilation distance of neighbouring kernel elements, likewise; more than 0
   * @param groups blocks of channels that do not see each other; 1 by default
   * @return [N, O, OH, OW]
   * @throws IllegalArgumentException if shapes or types do not fit together
   */
  public static Tensor apply(
      Tensor x, Tensor w, Tensor bias, int[] stride, int[] padding, int[] dilation, int groups) {
    return apply(x, w, bias, stride, padding, dilation, groups, Epilogue.NONE);
  }

  /** The convolution and an activation, computed at once: one pass over the output less. */
  public static Tensor apply(
      Tensor x,
      Tensor w,
      Tensor bias,
      int[] stride,
      int[] padding,
      int[] dilation,
      int groups,
      Epilogue epilogue) {
    Conv2dShape shape = Conv2dShape.of(x, w, bias, stride, padding, dilation, groups);
    return convolve(shape, x, w, bias, epilogue);
  }

  private static Tensor convolve(
      Conv2dShape shape, Tensor x, Tensor w, Tensor bias, Epilogue epilogue) {
    // Gradients come after a convolution.
    ConvChoice.readProperty();
    GemmChoice.readProperty(x.device());
    Tensor out = Tensor.allocate(x.dtype(), x.device(), shape.outSizes());
    if (Checks.contiguous(x, w, bias)) {
      launch(shape, x, w, bias, epilogue, out);
    } else {
      try (Scope scope = Scope.open()) {
        launch(shape, Checks.dense(x), Checks.dense(w), Checks.dense(bias), epilogue, out);
      }
    }
    if (!Autograd.records(x, w, bias)) {
      return out;
    }
    Forward node = new Forward(shape, x, w, bias);
    return epilogue == Epilogue.NONE ? node.recorded(out) : node.recordedWith(epilogue, out);
  }

  private static void launch(
      Conv2dShape shape, Tensor x, Tensor w, Tensor bias, Epilogue epilogue, Tensor out) {
    NativeNn.conv2d(
        x.device().id(),
        x.dtype().code(),
        shape.params(),
        x.address(),
        w.address(),
        bias == null ? 0 : bias.address(),
        epilogue.code(),
        out.address());
    Reference.reachabilityFence(x);
    Reference.reachabilityFence(w);
    Reference.reachabilityFence(bias);
    Reference.reachabilityFence(out);
  }

  /** The gradient of x. */
  private static Tensor forInput(Conv2dShape shape, Tensor grad, Tensor w) {
    GemmChoice.readProperty(w.device());
    Tensor out = Tensor.allocate(w.dtype(), w.device(), shape.xSizes());
    if (Checks.contiguous(grad, w, null)) {
      launchForInput(shape, grad, w, out);
    } else {
      try (Scope scope = Scope.open()) {
        launchForInput(shape, Checks.dense(grad), Checks.dense(w), out);
      }
    }
    return Autograd.records(grad, w) ? new ForInput(shape, grad, w).recorded(out) : out;
  }

  private static void launchForInput(Conv2dShape shape, Tensor grad, Tensor w, Tensor out) {
    NativeNn.conv2dBackwardInput(
        w.device().id(),
        w.dtype().code(),
        shape.params(),
        grad.address(),
        w.address(),
        out.address());
    Reference.reachabilityFence(grad);
    Reference.reachabilityFence(w);
    Reference.reachabilityFence(out);
  }

  /** The gradient of w. */
  private static Tensor forWeight(Conv2dShape shape, Tensor grad, Tensor x) {
    Tensor out = Tensor.allocate(x.dtype(), x.device(), shape.wSizes());
    if (Checks.contiguous(grad, x, null)) {
      launchForWeight(shape, grad, x, out);
    } else {
      try (Scope scope = Scope.open()) {
        launchForWeight(shape, Checks.dense(grad), Checks.dense(x), out);
      }
    }
    return Autograd.records(grad, x) ? new ForWeight(shape, grad, x).recorded(out) : out;
  }

  private static void launchForWeight(Conv2dShape shape, Tensor grad, Tensor x, Tensor out) {
    NativeNn.conv2dBackwardWeight(
        x.device().id(),
        x.dtype().code(),
        shape.params(),
        grad.address(),
        x.address(),
        out.address());
    Reference.reachabilityFence(grad);
    Reference.reachabilityFence(x);
    Reference.reachabilityFence(out);
  }

  /** The gradient of the bias, from a contiguous one. */
  private static Tensor forBias(Conv2dShape shape, Tensor grad) {
    if (Autograd.records(grad)) {
      return grad.sum(0, 2, 3);
    }
    DType type = grad.dtype();
    Tensor out = Tensor.allocate(type, grad.device(), shape.wSizes()[0]);
    NativeNn.conv2dBackwardBias(
        grad.device().id(), type.code(), shape.params(), grad.address(), out.address());
    Reference.reachabilityFence(grad);
    Reference.reachabilityFence(out);
    return out;
  }

  /** A node that keeps its two factors. */
  private abstract static class Bilinear extends Node {
    final Conv2dShape shape;

    Bilinear(Conv2dShape shape, Tensor a, Tensor b, Tensor... inputs) {
      super(inputs);
      this.shape = shape;
      save(a);
      save(b);
    }

    final Tensor recorded(Tensor out) {
      return record(out);
    }

    @Override
    public String name() {
      return "ConvolutionBackwardBackward";
    }
  }

  private static final class Forward extends Bilinear {
    Forward(Conv2dShape shape, Tensor x, Tensor w, Tensor bias) {
      super(shape, x, w, x, w, bias);
    }

    Tensor recordedWith(Epilogue epilogue, Tensor out) {
      recordUnseen();
      return epilogue.recordAfter(this, out);
    }

    @Override
    protected Tensor[] backward(Tensor grad, boolean[] needs) {
      Tensor g = grad.contiguous();
      return new Tensor[] {
        needs[0] ? forInput(shape, g, saved(1)) : null,
        needs[1] ? forWeight(shape, g, saved(0)) : null,
        needs[2] ? forBias(shape, g) : null
      };
    }

    @Override
    public String name() {
      return "ConvolutionBackward";
    }
  }

  private static final class ForInput extends Bilinear {
    ForInput(Conv2dShape shape, Tensor grad, Tensor w) {
      super(shape, grad, w, grad, w);
    }

    @Override
    protected Tensor[] backward(Tensor xGrad, boolean[] needs) {
      return new Tensor[] {
        needs[0] ? convolve(shape, xGrad, saved(1), null, Epilogue.NONE) : null,
        needs[1] ? forWeight(shape, saved(0), xGrad) : null
      };
    }
  }

  private static final class ForWeight extends Bilinear {
    ForWeight(Conv2dShape shape, Tensor grad, Tensor x) {
      super(shape, grad, x, grad, x);
    }

    @Override
    protected Tensor[] backward(Tensor wGrad, boolean[] needs) {
      return new Tensor[] {
        needs[0] ? convolve(shape, saved(1), wGrad, null, Epilogue.NONE) : null,
        needs[1] ? forInput(shape, saved(0), wGrad) : null
      };
    }
  }
}
