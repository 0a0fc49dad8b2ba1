package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.Geometries;
import dev.talus.internal.Native;
import java.lang.ref.Reference;

/**
 * Activations whose gradient is a function of the input: a table of rows, each with its name, its
 * kernels' numbers and its derivative in recorded operations. Floating types only.
 */
public final class Activation {
  /** The derivative at x, computed by operations that are recorded. */
  private interface Derivative {
    Tensor at(Tensor x, double p0, double p1);
  }

  /** No kernel computes the gradient; one computes the derivative. */
  private static final int NO_KERNEL = -1;

  private static final double INF = Double.POSITIVE_INFINITY;

  /** x times the normal distribution function of x. */
  public static final Activation GELU =
      new Activation("gelu", "Gelu", TALUS_GELU, TALUS_GELU_BACKWARD, null);

  /** The approximation of gelu by tanh. */
  public static final Activation GELU_TANH =
      new Activation(
          "gelu",
          "Gelu",
          TALUS_GELU_TANH,
          TALUS_GELU_TANH_BACKWARD,
          (x, p, q) -> {
            // gelu is x · sigmoid(w) with w = 2√(2/π) (x + 0.044715 x³).
            double scale = 2 * Math.sqrt(2 / Math.PI);
            Tensor square = x.square().mul(0.044715);
            Tensor s = x.mul(square.add(1.0)).mul(scale).sigmoid();
            Tensor slope = square.mul(3.0).add(1.0).mul(scale);
            return s.add(x.mul(s.mul(s.rsub(1)).mul(slope)));
          });

  /** x · sigmoid(x). */
  public static final Activation SILU =
      new Activation(
          "silu",
          "Silu",
          TALUS_SILU,
          TALUS_SILU_BACKWARD,
          (x, p, q) -> {
            Tensor s = x.sigmoid();
            return s.mul(x.mul(s.rsub(1)).add(1.0));
          });

  /** x, or p0 · x below 0. */
  public static final Activation LEAKY_RELU =
      new Activation(
          "leaky_relu",
          "LeakyRelu",
          TALUS_LEAKY_RELU,
          TALUS_LEAKY_RELU_BACKWARD,
          (x, p, q) -> x.gt(0).to(x.dtype()).mul(1 - p).add(p));

  /** x, or p0 · (exp(x) - 1) below 0. */
  public static final Activation ELU =
      new Activation(
          "elu",
          "Elu",
          TALUS_ELU,
          TALUS_ELU_BACKWARD,
          (x, p, q) -> x.clamp(-INF, 0).exp().mul(p).maskedFill(x.gt(0), 1));

  /** log(1 + exp(p0 · x)) / p0, or x where p0 · x is above p1. */
  public static final Activation SOFTPLUS =
      new Activation(
          "softplus",
          "Softplus",
          TALUS_SOFTPLUS,
          NO_KERNEL,
          TALUS_SOFTPLUS_SLOPE,
          (x, p, q) -> {
            Tensor scaled = x.mul(p);
            return scaled.sigmoid().maskedFill(scaled.gt(q), 1);
          });

  /** x · min(max(x + 3, 0), 6) / 6. */
  public static final Activation HARDSWISH =
      new Activation(
          "hardswish",
          "Hardswish",
          TALUS_HARDSWISH,
          TALUS_HARDSWISH_BACKWARD,
          (x, p, q) -> x.div(3.0).add(0.5).maskedFill(x.le(-3), 0).maskedFill(x.ge(3), 1));

  /**
   * x between p0 and p1. Unlike clamp's, the gradient at the bounds is 0. It passes where x is NaN.
   */
  public static final Activation HARDTANH =
      new Activation("hardtanh", "Hardtanh", TALUS_CLAMP, NO_KERNEL, TALUS_HARDTANH_SLOPE, null);

  private final String function;
  private final String name;
  private final int code;
  private final int backwardCode;
  private final int slopeCode;
  private final Derivative derivative;

  private Activation(
      String function, String name, int code, int backwardCode, Derivative derivative) {
    this(function, name, code, backwardCode, NO_KERNEL, derivative);
  }

  private Activation(
      String function,
      String name,
      int code,
      int backwardCode,
      int slopeCode,
      Derivative derivative) {
    this.function = function;
    this.name = name;
    this.code = code;
    this.backwardCode = backwardCode;
    this.slopeCode = slopeCode;
    this.derivative = derivative;
  }

  /**
   * The activation of each element.
   *
   * @param x a floating type
   * @param p0 the first parameter, where the activation has one
   * @param p1 the second parameter
   * @throws IllegalArgumentException if x is not floating
   */
  public Tensor apply(Tensor x, double p0, double p1) {
    Checks.floating(function, x);
    Tensor y = launch(code, x, p0, p1);
    return Autograd.records(x) ? new Recorded(this, x, p0, p1).recorded(y) : y;
  }

  /** min(max(x, 0), 6). */
  public static Tensor relu6(Tensor x) {
    return HARDTANH.apply(x, 0, 6);
  }

  /**
   * Makes relu6 the history of an output, where the input came from a node and had no tensor. The
   * output tells as much: it is between the bounds where the input is.
   */
  static Tensor recordRelu6(Node input, Tensor y) {
    return new Recorded(HARDTANH, input, y, 0, 6).recorded(y);
  }

  private static Tensor launch(int code, Tensor x, double p0, double p1) {
    Tensor y = Tensor.emptyLike(x);
    Native.unary(
        x.device().id(),
        code,
        x.dtype().code(),
        x.numel(),
        Geometries.of(y, x),
        x.address(),
        p0,
        p1,
        y.address());
    Reference.reachabilityFence(x);
    return y;
  }

  private Tensor gradient(Tensor grad, Tensor x, double p0, double p1) {
    boolean records = Autograd.records(grad, x);
    if (records && this == HARDTANH) {
      return grad.maskedFill(x.le(p0).logicalOr(x.ge(p1)), 0);
    }
    if (records && derivative == null) {
      return new GeluGradient(grad, x).recorded();
    }
    if (records) {
      return grad.mul(derivative.at(x, p0, p1));
    }
    if (this == HARDTANH && p0 == 0) {
      return Binary.kernelOfGradient(TALUS_CLIPPED_RELU_BACKWARD, grad, x, p1);
    }
    if (backwardCode == NO_KERNEL) {
      Tensor slope = launch(slopeCode, x, p0, p1);
      // A choice where the slope is 0 or 1: an infinite gradient times 0 would be NaN.
      Binary.launch(this == HARDTANH ? TALUS_RELU_BACKWARD : TALUS_MUL, grad, slope, 1, slope);
      return slope;
    }
    Tensor out = Tensor.emptyLike(grad);
    Binary.launch(backwardCode, grad, x, p0, out);
    return out;
  }

  private static final class Recorded extends Node {
    private final Activation op;
    private final double p0;
    private final double p1;

    Recorded(Activation op, Tensor x, double p0, double p1) {
      super(x);
      this.op = op;
      this.p0 = p0;
      this.p1 = p1;
      save(x);
    }

    Recorded(Activation op, Node input, Tensor y, double p0, double p1) {
      super(input, y.sizes());
      this.op = op;
      this.p0 = p0;
      this.p1 = p1;
      saveOutput(y);
    }

    Tensor recorded(Tensor y) {
      return record(y);
    }

    @Override
    protected Tensor[] backward(Tensor grad, boolean[] needs) {
      return new Tensor[] {op.gradient(grad, saved(0), p0, p1)};
    }

    @Override
    public String name() {
      return op.name + "Backward";
    }
  }

  /** grad · gelu'(x) as an operation of its own: gelu''(x) is φ(x) (2 - x²). */
  private static final class GeluGradient extends Node {
    private final Tensor out;

    GeluGradient(Tensor grad, Tensor x) {
      super(grad, x);
      save(grad);
      save(x);
      out = Binary.kernel(TALUS_GELU_BACKWARD, grad, x);
    }

    Tensor recorded() {
      return record(out);
    }

    @Override
    protected Tensor[] backward(Tensor second, boolean[] needs) {
      Tensor grad = saved(0);
      Tensor x = saved(1);
      Tensor square = x.square();
      Tensor density = square.mul(-0.5).exp().mul(1 / Math.sqrt(2 * Math.PI));
      return new Tensor[] {
        needs[0] ? GELU.gradient(second, x, 0, 0) : null,
        needs[1] ? second.mul(grad).mul(density.mul(square.rsub(2))) : null
      };
    }

    @Override
    public String name() {
      return "GeluBackwardBackward";
    }
  }
}
