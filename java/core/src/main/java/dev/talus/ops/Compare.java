package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;

/**
 * The element-wise operations of two inputs that no gradient flows through: comparisons, logic and
 * integer division. Inputs broadcast and are promoted to one type.
 */
public final class Compare {
  private Compare() {}

  /** Where x == y, as bool. */
  public static Tensor eq(Tensor x, Tensor y) {
    return compare(TALUS_EQ, x, y);
  }

  /** Where x == value, as bool; both are compared as real numbers. */
  public static Tensor eq(Tensor x, double value) {
    return compare(TALUS_EQ, x, value);
  }

  /** Where x != y, as bool. */
  public static Tensor ne(Tensor x, Tensor y) {
    return compare(TALUS_NE, x, y);
  }

  /** Where x != value, as bool; both are compared as real numbers. */
  public static Tensor ne(Tensor x, double value) {
    return compare(TALUS_NE, x, value);
  }

  /** Where x &lt; y, as bool. */
  public static Tensor lt(Tensor x, Tensor y) {
    return compare(TALUS_LT, x, y);
  }

  /** Where x &lt; value, as bool; both are compared as real numbers. */
  public static Tensor lt(Tensor x, double value) {
    return compare(TALUS_LT, x, value);
  }

  /** Where x ≤ y, as bool. */
  public static Tensor le(Tensor x, Tensor y) {
    return compare(TALUS_LE, x, y);
  }

  /** Where x ≤ value, as bool; both are compared as real numbers. */
  public static Tensor le(Tensor x, double value) {
    return compare(TALUS_LE, x, value);
  }

  /** Where x &gt; y, as bool. */
  public static Tensor gt(Tensor x, Tensor y) {
    return compare(TALUS_GT, x, y);
  }

  /** Where x &gt; value, as bool; both are compared as real numbers. */
  public static Tensor gt(Tensor x, double value) {
    return compare(TALUS_GT, x, value);
  }

  /** Where x ≥ y, as bool. */
  public static Tensor ge(Tensor x, Tensor y) {
    return compare(TALUS_GE, x, y);
  }

  /** Where x ≥ value, as bool; both are compared as real numbers. */
  public static Tensor ge(Tensor x, double value) {
    return compare(TALUS_GE, x, value);
  }

  /** Where both are not 0, as bool. */
  public static Tensor logicalAnd(Tensor x, Tensor y) {
    return compare(TALUS_LOGICAL_AND, x, y);
  }

  /** Where at least one is not 0, as bool. */
  public static Tensor logicalOr(Tensor x, Tensor y) {
    return compare(TALUS_LOGICAL_OR, x, y);
  }

  /**
   * x / y rounded towards minus infinity.
   *
   * @throws IllegalArgumentException for two bool tensors; for an integer divided by zero, on a GPU
   *     from the next operation that waits for it
   */
  public static Tensor floorDivide(Tensor x, Tensor y) {
    DType type = Types.promote(x, y);
    if (type == DType.BOOL) {
      throw new IllegalArgumentException(
          "floor_divide is not defined for two bool tensors; convert one with to(DType.INT64)");
    }
    return run(TALUS_FLOOR_DIVIDE, type, type, x, y);
  }

  /**
   * The 0-d tensor a number becomes to be compared with x: of x's type if that holds it exactly,
   * else float64, so that both sides are compared as real numbers.
   */
  public static Tensor scalarFor(Tensor x, double value) {
    return Tensor.scalar(
        value, Checks.holds(x.dtype(), value) ? x.dtype() : DType.FLOAT64, x.device());
  }

  /**
   * Whether |x - y| ≤ atol + rtol · |y| everywhere. Equal infinities are close; NaN never is.
   *
   * @throws IllegalArgumentException if types differ or shapes do not broadcast
   */
  public static boolean allclose(Tensor x, Tensor y, double rtol, double atol) {
    Placement.same(x, y);
    Checks.sameType("allclose", x, "other", y);
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      DType type = x.dtype().isFloating() ? x.dtype() : DType.FLOAT64;
      Tensor a = x.to(type);
      Tensor b = y.to(type);
      Tensor difference = a.sub(b).abs();
      Tensor near = difference.le(b.abs().mul(rtol).add(atol));
      Tensor finite = difference.isInf().logicalNot();
      return a.eq(b).logicalOr(near.logicalAnd(finite)).all().itemLong() != 0;
    }
  }

  private static Tensor compare(int code, Tensor x, double value) {
    try (Tensor scalar = scalarFor(x, value)) {
      return compare(code, x, scalar);
    }
  }

  private static Tensor compare(int code, Tensor x, Tensor y) {
    return run(code, Types.promote(x, y), DType.BOOL, x, y);
  }

  private static Tensor run(int code, DType type, DType outType, Tensor first, Tensor second) {
    Tensor x = Placement.beside(first, second);
    Tensor y = Placement.beside(second, first);
    Placement.same(x, y);
    Tensor out = Tensor.allocate(outType, x.device(), Shape.broadcast(x.sizes(), y.sizes()));
    if (x.dtype() == type && y.dtype() == type) {
      Binary.launch(code, x, y, 1, out);
      return out;
    }
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      Binary.launch(code, x.to(type), y.to(type), 1, out);
    }
    return out;
  }
}
