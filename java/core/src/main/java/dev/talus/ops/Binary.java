package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.DType;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.Geometries;
import dev.talus.internal.Native;
import java.lang.ref.Reference;

/**
 * The differentiable element-wise operations of two inputs: a table of rows. Inputs broadcast; the
 * engine sums the gradients down again.
 */
public final class Binary {
  /** One input's gradient from that of the output. */
  private interface Rule {
    Tensor apply(Tensor grad, Tensor x, Tensor y, double alpha);
  }

  // Which inputs a rule reads.
  private static final int NONE = 0;
  private static final int X = 1;
  private static final int Y = 2;

  public static final Binary ADD =
      new Binary(
          "Add", TALUS_ADD, NONE, (g, x, y, a) -> g, NONE, (g, x, y, a) -> a == 1 ? g : g.mul(a));
  public static final Binary SUB =
      new Binary(
          "Sub",
          TALUS_SUB,
          NONE,
          (g, x, y, a) -> g,
          NONE,
          (g, x, y, a) -> a == 1 ? g.neg() : g.mul(-a));
  public static final Binary MUL =
      new Binary("Mul", TALUS_MUL, Y, (g, x, y, a) -> g.mul(y), X, (g, x, y, a) -> g.mul(x));
  public static final Binary DIV =
      new Binary(
          "Div",
          TALUS_DIV,
          Y,
          (g, x, y, a) -> g.div(y),
          X | Y,
          (g, x, y, a) -> g.neg().mul(x.div(y).div(y)));
  public static final Binary POW =
      new Binary(
          "Pow",
          TALUS_POW,
          X | Y,
          (g, x, y, a) -> g.mul(y).mul(x.pow(y.sub(1.0))).maskedFill(y.eq(0), 0),
          X | Y,
          // x^y log(x), which is 0 where x is 0 and y is not negative.
          (g, x, y, a) -> g.mul(x.pow(y).mul(x.log())).maskedFill(x.eq(0).logicalAnd(y.ge(0)), 0));
  public static final Binary MAXIMUM =
      new Binary(
          "Maximum",
          TALUS_MAXIMUM,
          X | Y,
          (g, x, y, a) -> share(g, x.lt(y), x.eq(y)),
          X | Y,
          (g, x, y, a) -> share(g, y.lt(x), x.eq(y)));
  public static final Binary MINIMUM =
      new Binary(
          "Minimum",
          TALUS_MINIMUM,
          X | Y,
          (g, x, y, a) -> share(g, x.gt(y), x.eq(y)),
          X | Y,
          (g, x, y, a) -> share(g, y.gt(x), x.eq(y)));

  /** The remainder with the sign of the divisor: x - floor(x / y) y. */
  public static final Binary REMAINDER =
      new Binary(
          "Remainder",
          TALUS_REMAINDER,
          NONE,
          (g, x, y, a) -> g,
          X | Y,
          (g, x, y, a) -> g.neg().mul(x.floorDivide(y)));

  private final String name;
  private final int code;
  private final int leftReads;
  private final int rightReads;
  private final Rule left;
  private final Rule right;

  private Binary(String name, int code, int leftReads, Rule left, int rightReads, Rule right) {
    this.name = name;
    this.code = code;
    this.leftReads = leftReads;
    this.left = left;
    this.rightReads = rightReads;
    this.right = right;
  }

  /** The gradient where this side has not lost; a tie gives each side half, NaN both sides all. */
  private static Tensor share(Tensor grad, Tensor lost, Tensor tie) {
    Tensor weight = tie.to(grad.dtype()).mul(-0.5).add(1.0);
    return grad.mul(weight).maskedFill(lost, 0);
  }

  public Tensor apply(Tensor x, Tensor y) {
    return apply(x, y, 1);
  }

  public Tensor apply(Tensor first, Tensor second, double alpha) {
    DType type = resultType(first, second);
    Tensor x = Placement.beside(first, second).to(type);
    Tensor y = Placement.beside(second, first).to(type);
    Placement.same(x, y);
    long[] sizes = Shape.broadcast(x.sizes(), y.sizes());
    Tensor out =
        sizes == x.sizes() ? Tensor.allocateLike(x) : Tensor.allocate(type, x.device(), sizes);
    run(x, y, alpha, out);
    if (!Autograd.records(x, y)) {
      return out;
    }
    return new Recorded(this, x, y, alpha).recorded(out);
  }

  /** With an integer that stays exact for integer tensors. */
  public Tensor withInteger(Tensor x, long value) {
    if (x.dtype().isFloating()) {
      return withScalar(x, value);
    }
    DType type = x.dtype() == DType.BOOL ? DType.INT64 : x.dtype();
    try (Tensor scalar = Tensor.scalar(value, type, x.device())) {
      return apply(x, scalar);
    }
  }

  /** With a number of the tensor's type, or float32 beside integers. */
  public Tensor withScalar(Tensor x, double value) {
    DType type = x.dtype().isFloating() ? x.dtype() : DType.FLOAT32;
    try (Tensor scalar = Tensor.scalar(value, type, x.device())) {
      return apply(x, scalar);
    }
  }

  DType resultType(Tensor x, Tensor y) {
    DType type = Types.promote(x, y);
    if (code == TALUS_DIV && !type.isFloating()) {
      return DType.FLOAT32;
    }
    if (code == TALUS_SUB && (x.dtype() == DType.BOOL || y.dtype() == DType.BOOL)) {
      throw new IllegalArgumentException(
          "Subtraction, the `-` operator, with a bool tensor is not supported; use logicalNot to"
              + " invert a mask, or convert it");
    }
    if (type == DType.BOOL && code != TALUS_MUL) {
      throw new IllegalArgumentException(
          name.toLowerCase(java.util.Locale.ROOT)
              + " is not defined for two bool tensors; use logicalAnd, logicalOr or convert one");
    }
    if (code == TALUS_POW && !type.isFloating()) {
      throw new IllegalArgumentException(
          "pow needs a floating point type, got " + type + "; convert with to(DType.FLOAT32)");
    }
    return type;
  }

  /** Whether a rule will read the first input's values. */
  boolean keepsFirst(Tensor x, Tensor y) {
    int reads = (x.requiresGrad() ? leftReads : NONE) | (y.requiresGrad() ? rightReads : NONE);
    return (reads & X) != 0;
  }

  /** Computes into an existing tensor of the broadcast shape, which may be x or y itself. */
  void run(Tensor x, Tensor y, double alpha, Tensor out) {
    launch(code, x, y, alpha, out);
  }

  /** An element-wise kernel of two tensors of one shape, for gradient rules. */
  static Tensor kernel(int code, Tensor x, Tensor y) {
    Tensor out = Tensor.emptyLike(x);
    launch(code, x, y, 1, out);
    return out;
  }

  /**
   * {@link #kernel} of a gradient that the engine gave to a rule: computed in place, one array less
   * to fetch and to write, where nothing else refers to its memory.
   */
  static Tensor kernelOfGradient(int code, Tensor grad, Tensor y, double alpha) {
    boolean ours = grad.storage().references() == 1 && grad.isContiguous();
    Tensor out = ours ? grad : Tensor.emptyLike(grad);
    launch(code, grad, y, alpha, out);
    return out;
  }

  static void launch(int code, Tensor x, Tensor y, double alpha, Tensor out) {
    Native.binary(
        x.device().id(),
        code,
        x.dtype().code(),
        out.numel(),
        Geometries.of(out, x, y),
        x.address(),
        y.address(),
        alpha,
        out.address());
    Reference.reachabilityFence(x);
    Reference.reachabilityFence(y);
    Reference.reachabilityFence(out);
  }

  private static final class Recorded extends Node {
    private final Binary op;
    private final double alpha;

    Recorded(Binary op, Tensor x, Tensor y, double alpha) {
      super(x, y);
      this.op = op;
      this.alpha = alpha;
      int reads =
          (x.requiresGrad() ? op.leftReads : NONE) | (y.requiresGrad() ? op.rightReads : NONE);
      save((reads & X) != 0 ? x : null);
      save((reads & Y) != 0 ? y : null);
    }

    Tensor recorded(Tensor out) {
      return record(out);
    }

    @Override
    protected Tensor[] backward(Tensor grad, boolean[] needs) {
      Tensor x = saved(0);
      Tensor y = saved(1);
      return new Tensor[] {
        needs[0] ? op.left.apply(grad, x, y, alpha) : null,
        needs[1] ? op.right.apply(grad, x, y, alpha) : null
      };
    }

    @Override
    public String name() {
      return op.name + "Backward";
    }
  }
}
