package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.DType;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.Geometries;
import dev.talus.internal.Native;
import java.lang.ref.Reference;

/**
 * The element-wise operations of one input: a table of rows, each with its name, its kernel's
 * number, what it saves and its gradient rule.
 */
public final class Unary {
  /** The gradient of the input from that of the output; x and y are null unless saved. */
  private interface Rule {
    Tensor apply(Tensor grad, Tensor x, Tensor y, double p0, double p1);
  }

  private enum Saves {
    NOTHING,
    INPUT,
    OUTPUT
  }

  public static final Unary NEG =
      new Unary("Neg", TALUS_NEG, Saves.NOTHING, (g, x, y, p, q) -> g.neg());
  public static final Unary ABS =
      new Unary("Abs", TALUS_ABS, Saves.INPUT, (g, x, y, p, q) -> g.mul(x.sign()));
  public static final Unary SIGN =
      new Unary("Sign", TALUS_SIGN, Saves.NOTHING, (g, x, y, p, q) -> Tensor.zerosLike(g));
  public static final Unary SQUARE =
      new Unary("Pow", TALUS_SQUARE, Saves.INPUT, (g, x, y, p, q) -> g.mul(x.mul(2.0)));
  public static final Unary EXP =
      new Unary("Exp", TALUS_EXP, Saves.OUTPUT, (g, x, y, p, q) -> g.mul(y));
  public static final Unary LOG =
      new Unary("Log", TALUS_LOG, Saves.INPUT, (g, x, y, p, q) -> g.div(x));
  public static final Unary LOG1P =
      new Unary("Log1P", TALUS_LOG1P, Saves.INPUT, (g, x, y, p, q) -> g.div(x.add(1.0)));
  public static final Unary SQRT =
      new Unary("Sqrt", TALUS_SQRT, Saves.OUTPUT, (g, x, y, p, q) -> g.div(y.mul(2.0)));
  public static final Unary RSQRT =
      new Unary("Rsqrt", TALUS_RSQRT, Saves.OUTPUT, (g, x, y, p, q) -> g.mul(y.pow(3)).mul(-0.5));
  public static final Unary RECIPROCAL =
      new Unary(
          "Reciprocal", TALUS_RECIPROCAL, Saves.OUTPUT, (g, x, y, p, q) -> g.mul(y.square()).neg());
  public static final Unary SIN =
      new Unary("Sin", TALUS_SIN, Saves.INPUT, (g, x, y, p, q) -> g.mul(x.cos()));
  public static final Unary COS =
      new Unary("Cos", TALUS_COS, Saves.INPUT, (g, x, y, p, q) -> g.mul(x.sin()).neg());
  public static final Unary TANH =
      new Unary(
          "Tanh",
          TALUS_TANH,
          Saves.OUTPUT,
          (g, x, y, p, q) ->
              Autograd.records(g, y)
                  ? g.mul(y.square().rsub(1))
                  : Binary.kernel(TALUS_TANH_BACKWARD, g, y));
  public static final Unary SIGMOID =
      new Unary(
          "Sigmoid",
          TALUS_SIGMOID,
          Saves.OUTPUT,
          (g, x, y, p, q) ->
              Autograd.records(g, y)
                  ? g.mul(y).mul(y.rsub(1))
                  : Binary.kernel(TALUS_SIGMOID_BACKWARD, g, y));
  public static final Unary RELU =
      new Unary(
          "Relu",
          TALUS_RELU,
          Saves.OUTPUT,
          (g, x, y, p, q) ->
              Autograd.records(g, y)
                  ? g.maskedFill(y.le(0), 0)
                  : Binary.kernelOfGradient(TALUS_RELU_BACKWARD, g, y, 1));
  public static final Unary FLOOR =
      new Unary("Floor", TALUS_FLOOR, Saves.NOTHING, (g, x, y, p, q) -> Tensor.zerosLike(g));
  public static final Unary CEIL =
      new Unary("Ceil", TALUS_CEIL, Saves.NOTHING, (g, x, y, p, q) -> Tensor.zerosLike(g));
  public static final Unary ROUND =
      new Unary("Round", TALUS_ROUND, Saves.NOTHING, (g, x, y, p, q) -> Tensor.zerosLike(g));
  public static final Unary ADD_SCALAR =
      new Unary("Add", TALUS_ADD_SCALAR, Saves.NOTHING, (g, x, y, p, q) -> g);
  public static final Unary MUL_SCALAR =
      new Unary("Mul", TALUS_MUL_SCALAR, Saves.NOTHING, (g, x, y, p, q) -> g.mul(p));
  public static final Unary POW_SCALAR =
      new Unary(
          "Pow",
          TALUS_POW_SCALAR,
          Saves.INPUT,
          (g, x, y, p, q) -> p == 0 ? Tensor.zerosLike(g) : g.mul(x.pow(p - 1).mul(p)));
  public static final Unary CLAMP =
      new Unary(
          "Clamp",
          TALUS_CLAMP,
          Saves.INPUT,
          (g, x, y, p, q) -> g.mul(x.ge(p).logicalAnd(x.le(q)).to(g.dtype())));
  private static final Unary SUB_SCALAR =
      new Unary("Sub", TALUS_ADD_SCALAR, Saves.NOTHING, (g, x, y, p, q) -> g);
  private static final Unary RSUB_SCALAR =
      new Unary("Rsub", TALUS_RSUB_SCALAR, Saves.NOTHING, (g, x, y, p, q) -> g.neg());

  private final String name;
  private final int code;
  private final Saves saves;
  private final Rule rule;

  private Unary(String name, int code, Saves saves, Rule rule) {
    this.name = name;
    this.code = code;
    this.saves = saves;
    this.rule = rule;
  }

  /** Whether integers stay integers here; elsewhere they are computed as float32. */
  private boolean keepsIntegers(double p0, double p1) {
    switch (code) {
      case TALUS_NEG:
      case TALUS_ABS:
      case TALUS_SIGN:
      case TALUS_SQUARE:
      case TALUS_RELU:
      case TALUS_FLOOR:
      case TALUS_CEIL:
      case TALUS_ROUND:
        return true;
      case TALUS_CLAMP:
        return whole(p0, p1);
      default:
        return false;
    }
  }

  private static boolean whole(double p0, double p1) {
    return p0 == Math.rint(p0) && p1 == Math.rint(p1);
  }

  /** Whether the rule will read the input's values. */
  boolean keepsInput() {
    return saves == Saves.INPUT;
  }

  /** Whether an integer tensor can hold the result. */
  boolean isExactForIntegers(double p0, double p1) {
    return keepsIntegers(p0, p1)
        || (whole(p0, p1) && (code == TALUS_ADD_SCALAR || code == TALUS_MUL_SCALAR));
  }

  /** The operation without parameters. */
  public Tensor apply(Tensor x) {
    return apply(x, 0, 0);
  }

  Tensor apply(Tensor input, double p0, double p1) {
    Tensor x = prepared(input, p0, p1);
    Tensor y = Tensor.emptyLike(x);
    run(x, y, p0, p1);
    if (!Autograd.records(x)) {
      return y;
    }
    return new Recorded(this, x, y, p0, p1).recorded(y);
  }

  private Tensor prepared(Tensor x, double p0, double p1) {
    if (x.dtype().isFloating()) {
      return x;
    }
    boolean keepsIntegers = keepsIntegers(p0, p1);
    if (x.dtype() == DType.BOOL && (keepsIntegers || this == SUB_SCALAR || this == RSUB_SCALAR)) {
      throw new IllegalArgumentException(
          name.toLowerCase(java.util.Locale.ROOT)
              + " is not defined for bool tensors; convert with to(DType.INT64) first");
    }
    return keepsIntegers ? x : x.to(DType.FLOAT32);
  }

  /** Computes into an existing tensor of the same shape, which may be x itself. */
  void run(Tensor x, Tensor out, double p0, double p1) {
    boolean rounding = code == TALUS_FLOOR || code == TALUS_CEIL || code == TALUS_ROUND;
    if (rounding && !x.dtype().isFloating()) {
      InPlace.copyValues(x, out);
      return;
    }
    Native.unary(
        x.device().id(),
        code,
        x.dtype().code(),
        x.numel(),
        Geometries.of(out, x),
        x.address(),
        p0,
        p1,
        out.address());
    Reference.reachabilityFence(x);
    Reference.reachabilityFence(out);
  }

  /** Whether a node, or null, is relu's. */
  static boolean isRelu(Node node) {
    return node instanceof Recorded && ((Recorded) node).op == RELU;
  }

  /** Makes relu the history of an output, where the input came from a node and had no tensor. */
  static Tensor recordRelu(Node input, Tensor y) {
    return new Recorded(RELU, input, y).recorded(y);
  }

  public static Tensor addScalar(Tensor x, double value) {
    return ADD_SCALAR.apply(x, value, 0);
  }

  public static Tensor subScalar(Tensor x, double value) {
    return SUB_SCALAR.apply(x, -value, 0);
  }

  public static Tensor rsubScalar(Tensor x, double value) {
    return RSUB_SCALAR.apply(x, value, 0);
  }

  public static Tensor mulScalar(Tensor x, double value) {
    return MUL_SCALAR.apply(x, value, 0);
  }

  public static Tensor powScalar(Tensor x, double exponent) {
    return POW_SCALAR.apply(x, exponent, 0);
  }

  public static Tensor clamp(Tensor x, double low, double high) {
    return CLAMP.apply(x, low, high);
  }

  private static final class Recorded extends Node {
    private final Unary op;
    private final double p0;
    private final double p1;

    Recorded(Unary op, Tensor x, Tensor y, double p0, double p1) {
      super(x);
      this.op = op;
      this.p0 = p0;
      this.p1 = p1;
      if (op.saves == Saves.INPUT) {
        save(x);
      } else if (op.saves == Saves.OUTPUT) {
        saveOutput(y);
      }
    }

    private Recorded(Unary op, Node input, Tensor y) {
      super(input, y.sizes());
      this.op = op;
      p0 = 0;
      p1 = 0;
      saveOutput(y);
    }

    Tensor recorded(Tensor y) {
      return record(y);
    }

    @Override
    protected Tensor[] backward(Tensor grad, boolean[] needs) {
      Tensor x = op.saves == Saves.INPUT ? saved(0) : null;
      Tensor y = op.saves == Saves.OUTPUT ? saved(0) : null;
      return new Tensor[] {op.rule.apply(grad, x, y, p0, p1)};
    }

    @Override
    public String name() {
      return op.name + "Backward";
    }
  }
}
