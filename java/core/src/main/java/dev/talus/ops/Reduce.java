package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.DType;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.Native;
import java.lang.ref.Reference;

/**
 * The reductions over some or all dimensions: a table of rows, each with its names, its kernel's
 * number, what it saves and its gradient rule.
 */
public final class Reduce {
  /**
   * The gradient of the input; g and y have the reduced dimensions with size 1. The result may have
   * any shape that broadcasts to that of x.
   */
  private interface Rule {
    Tensor apply(Tensor g, Tensor x, Tensor y, int[] dims, double p0);
  }

  /** The sum; integers and bool sum into int64. */
  public static final Reduce SUM =
      new Reduce("sum", "Sum", "Sum", TALUS_SUM, false, (g, x, y, d, p) -> g);

  /** The mean; floating types only. */
  public static final Reduce MEAN =
      new Reduce("mean", "Mean", "Mean", TALUS_MEAN, false, (g, x, y, d, p) -> g);

  /** The product; integers and bool multiply into int64. */
  public static final Reduce PROD =
      new Reduce("prod", "Prod", "Prod", TALUS_PROD, true, Products::gradient);

  /** The largest element; ties share the gradient evenly. */
  public static final Reduce MAX = new Reduce("max", "Max", "Amax", TALUS_MAX, true, Reduce::share);

  /** The smallest element; ties share the gradient evenly. */
  public static final Reduce MIN = new Reduce("min", "Min", "Amin", TALUS_MIN, true, Reduce::share);

  /** The variance; p0 is subtracted from the divisor: 1 is the unbiased estimate. */
  public static final Reduce VAR =
      new Reduce("var", "Var", "Var", TALUS_VAR, true, Reduce::ofVariance);

  /** The square root of the variance; its gradient at 0 is 0. */
  public static final Reduce STD =
      new Reduce(
          "std",
          "Std",
          "Std",
          TALUS_VAR,
          true,
          (g, x, y, d, p) -> ofVariance(g.div(y.mul(2.0)).maskedFill(y.eq(0), 0), x, y, d, p));

  /** The Euclidean norm; its gradient at 0 is 0. */
  public static final Reduce NORM =
      new Reduce(
          "linalg_vector_norm",
          "LinalgVectorNorm",
          "LinalgVectorNorm",
          TALUS_NORM2,
          true,
          (g, x, y, d, p) -> x.mul(g.div(y).maskedFill(y.eq(0), 0)));

  /** log(sum(exp(x))) without overflow. */
  public static final Reduce LOGSUMEXP =
      new Reduce(
          "logsumexp",
          "Logsumexp",
          "Logsumexp",
          TALUS_LOGSUMEXP,
          true,
          // All of a slice -inf: y is -inf too, and exp(x - 0) is the gradient 0.
          (g, x, y, d, p) -> g.mul(x.sub(y.maskedFill(y.isInf(), 0)).exp()));

  /** Whether all elements are not 0, as bool. */
  public static final Reduce ALL = new Reduce("all", "All", "All", TALUS_ALL, false, null);

  /** Whether any element is not 0, as bool. */
  public static final Reduce ANY = new Reduce("any", "Any", "Any", TALUS_ANY, false, null);

  private final String name;
  private final String fullName;
  private final String dimName;
  private final int code;
  private final boolean saves;
  private final Rule rule;

  private Reduce(String name, String fullName, String dimName, int code, boolean saves, Rule rule) {
    this.name = name;
    this.fullName = fullName;
    this.dimName = dimName;
    this.code = code;
    this.saves = saves;
    this.rule = rule;
  }

  private static Tensor ofVariance(Tensor g, Tensor x, Tensor y, int[] dims, double correction) {
    double divisor = Math.max(0, new Dims(x, dims).count() - correction);
    return g.mul(2 / divisor).mul(x.sub(x.mean(dims, true)));
  }

  private static Tensor share(Tensor g, Tensor x, Tensor y, int[] dims, double p0) {
    // Where x has a NaN so has y, and equals nothing: NaNs then share the gradient.
    Tensor chosen = x.eq(y).logicalOr(x.isNan()).to(g.dtype());
    return g.mul(chosen.div(chosen.sum(dims, true)));
  }

  /** Over all dimensions, to a 0-d tensor. */
  public Tensor all(Tensor x) {
    return run(x, new int[0], false, 1, fullName);
  }

  /**
   * Over some dimensions.
   *
   * @param x the input
   * @param dims the dimensions, negative counts from the end; none: all
   * @param keepdim whether they stay, with size 1
   */
  public Tensor over(Tensor x, int[] dims, boolean keepdim) {
    return over(x, dims, keepdim, 1);
  }

  /**
   * Over some dimensions, with a parameter.
   *
   * @param x the input
   * @param dims the dimensions, negative counts from the end; none: all
   * @param keepdim whether they stay, with size 1
   * @param p0 the correction of {@link #VAR} and {@link #STD}
   */
  public Tensor over(Tensor x, int[] dims, boolean keepdim, double p0) {
    return run(x, dims, keepdim, p0, dimName);
  }

  private Tensor run(Tensor x, int[] dims, boolean keepdim, double p0, String node) {
    Dims split = new Dims(x, dims);
    if (code == TALUS_MAX || code == TALUS_MIN) {
      boolean all = dims.length == 0;
      split.checkNotEmpty(node.equals(fullName) ? name : "a" + name, all);
    }
    Tensor out = Tensor.allocate(outType(x), x.device(), split.sizes(keepdim));
    Native.reduce(
        x.device().id(),
        code,
        x.dtype().code(),
        split.kept(),
        split.geometry(),
        x.address(),
        p0,
        out.address(),
        0);
    Reference.reachabilityFence(x);
    if (this == STD) {
      out.sqrt_();
    }
    if (rule == null || !Autograd.records(x)) {
      return out;
    }
    return new Recorded(this, x, out, split, dims.clone(), p0, node).recorded(out);
  }

  private DType outType(Tensor x) {
    switch (code) {
      case TALUS_SUM:
      case TALUS_PROD:
        return x.dtype().isFloating() ? x.dtype() : DType.INT64;
      case TALUS_ALL:
      case TALUS_ANY:
        return DType.BOOL;
      case TALUS_MAX:
      case TALUS_MIN:
        return x.dtype();
      default:
        if (!x.dtype().isFloating()) {
          throw new IllegalArgumentException(
              name
                  + "(): could not infer output dtype. Input dtype must be a floating point dtype."
                  + " Got: "
                  + x.dtype()
                  + "; convert with to(DType.FLOAT32)");
        }
        return x.dtype();
    }
  }

  private static final class Recorded extends Node {
    private final Reduce op;
    private final int[] dims;
    private final double p0;
    private final String name;
    private final long[] keptSizes;
    private final long count;

    Recorded(Reduce op, Tensor x, Tensor y, Dims split, int[] dims, double p0, String name) {
      super(x);
      this.op = op;
      this.dims = dims;
      this.p0 = p0;
      this.name = name;
      keptSizes = split.sizes(true);
      count = split.count();
      if (op.saves) {
        saveOutput(y);
        save(x);
      }
    }

    Tensor recorded(Tensor y) {
      return record(y);
    }

    @Override
    protected Tensor[] backward(Tensor grad, boolean[] needs) {
      // A scalar broadcasts as it is.
      Tensor g = grad.dim() == 0 ? grad : grad.reshape(keptSizes);
      if (op.code == TALUS_MEAN) {
        g = g.div(count);
      }
      Tensor x = op.saves ? saved(1) : null;
      Tensor y = op.saves ? saved(0).reshape(keptSizes) : null;
      return new Tensor[] {op.rule.apply(g, x, y, dims, p0).expand(inputSizes(0))};
    }

    @Override
    public String name() {
      return name + "Backward";
    }
  }
}
