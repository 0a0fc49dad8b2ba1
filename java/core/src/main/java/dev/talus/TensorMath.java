package dev.talus;

import dev.talus.ops.Binary;
import dev.talus.ops.Compare;
import dev.talus.ops.MaskedFill;
import dev.talus.ops.Predicate;
import dev.talus.ops.Unary;
import dev.talus.ops.Where;

/**
 * Element-wise arithmetic and comparisons. Binary operations broadcast and promote types as PyTorch
 * does.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/notes/broadcasting.html">Broadcasting</a>
 */
abstract class TensorMath extends TensorViews {
  TensorMath() {}

  // ------------------------------------------------------------- element-wise

  /** this + other. */
  public final Tensor add(Tensor other) {
    return Binary.ADD.apply(self(), other);
  }

  /** this + alpha · other. */
  public final Tensor add(Tensor other, double alpha) {
    return Binary.ADD.apply(self(), other, alpha);
  }

  /** this + value. */
  public final Tensor add(double value) {
    return Unary.addScalar(self(), value);
  }

  /** this + value, exact for integer tensors. */
  public final Tensor add(long value) {
    return Binary.ADD.withInteger(self(), value);
  }

  /** this - other. */
  public final Tensor sub(Tensor other) {
    return Binary.SUB.apply(self(), other);
  }

  /** this - alpha · other. */
  public final Tensor sub(Tensor other, double alpha) {
    return Binary.SUB.apply(self(), other, alpha);
  }

  /** this - value. */
  public final Tensor sub(double value) {
    return Unary.subScalar(self(), value);
  }

  /** this - value, exact for integer tensors. */
  public final Tensor sub(long value) {
    return Binary.SUB.withInteger(self(), value);
  }

  /** value - this. */
  public final Tensor rsub(double value) {
    return Unary.rsubScalar(self(), value);
  }

  /** this · other, element by element. */
  public final Tensor mul(Tensor other) {
    return Binary.MUL.apply(self(), other);
  }

  /** this · value. */
  public final Tensor mul(double value) {
    return Unary.mulScalar(self(), value);
  }

  /** this · value, exact for integer tensors. */
  public final Tensor mul(long value) {
    return Binary.MUL.withInteger(self(), value);
  }

  /** this / other; integers are divided as float32. */
  public final Tensor div(Tensor other) {
    return Binary.DIV.apply(self(), other);
  }

  /** this / value; integers are divided as float32. */
  public final Tensor div(double value) {
    return Binary.DIV.withScalar(self(), value);
  }

  /**
   * this / other rounded towards minus infinity; not differentiable.
   *
   * @throws IllegalArgumentException for an integer divided by zero, on a GPU from the next
   *     operation that waits for it
   */
  public final Tensor floorDivide(Tensor other) {
    return Compare.floorDivide(self(), other);
  }

  /**
   * The remainder of this / other with the sign of other, as in Python.
   *
   * @throws IllegalArgumentException for an integer divided by zero, on a GPU from the next
   *     operation that waits for it
   */
  public final Tensor remainder(Tensor other) {
    return Binary.REMAINDER.apply(self(), other);
  }

  /** this raised to other. */
  public final Tensor pow(Tensor other) {
    return Binary.POW.apply(self(), other);
  }

  /** this raised to an exponent. */
  public final Tensor pow(double exponent) {
    return Unary.powScalar(self(), exponent);
  }

  /** The larger of both, NaN if one is NaN. */
  public final Tensor maximum(Tensor other) {
    return Binary.MAXIMUM.apply(self(), other);
  }

  /** The smaller of both, NaN if one is NaN. */
  public final Tensor minimum(Tensor other) {
    return Binary.MINIMUM.apply(self(), other);
  }

  /** -this. */
  public final Tensor neg() {
    return Unary.NEG.apply(self());
  }

  /** |this|. */
  public final Tensor abs() {
    return Unary.ABS.apply(self());
  }

  /** -1, 0 or 1. */
  public final Tensor sign() {
    return Unary.SIGN.apply(self());
  }

  /** this · this. */
  public final Tensor square() {
    return Unary.SQUARE.apply(self());
  }

  /** e to the power of this. */
  public final Tensor exp() {
    return Unary.EXP.apply(self());
  }

  /** Natural logarithm. */
  public final Tensor log() {
    return Unary.LOG.apply(self());
  }

  /** log(1 + this), exact near 0. */
  public final Tensor log1p() {
    return Unary.LOG1P.apply(self());
  }

  /** Square root. */
  public final Tensor sqrt() {
    return Unary.SQRT.apply(self());
  }

  /** 1 / sqrt(this). */
  public final Tensor rsqrt() {
    return Unary.RSQRT.apply(self());
  }

  /** 1 / this. */
  public final Tensor reciprocal() {
    return Unary.RECIPROCAL.apply(self());
  }

  /** Sine of radians. */
  public final Tensor sin() {
    return Unary.SIN.apply(self());
  }

  /** Cosine of radians. */
  public final Tensor cos() {
    return Unary.COS.apply(self());
  }

  /** Hyperbolic tangent. */
  public final Tensor tanh() {
    return Unary.TANH.apply(self());
  }

  /** 1 / (1 + exp(-this)). */
  public final Tensor sigmoid() {
    return Unary.SIGMOID.apply(self());
  }

  /** max(this, 0). */
  public final Tensor relu() {
    return Unary.RELU.apply(self());
  }

  /** The largest integer not above. */
  public final Tensor floor() {
    return Unary.FLOOR.apply(self());
  }

  /** The smallest integer not below. */
  public final Tensor ceil() {
    return Unary.CEIL.apply(self());
  }

  /** The nearest integer, halves to even. */
  public final Tensor round() {
    return Unary.ROUND.apply(self());
  }

  /** min(max(this, low), high). */
  public final Tensor clamp(double low, double high) {
    return Unary.clamp(self(), low, high);
  }

  // -------------------------------------------------------------- comparisons

  /** Where this == other, as bool. */
  public final Tensor eq(Tensor other) {
    return Compare.eq(self(), other);
  }

  /** Where this == value. */
  public final Tensor eq(double value) {
    return Compare.eq(self(), value);
  }

  /** Where this != other. */
  public final Tensor ne(Tensor other) {
    return Compare.ne(self(), other);
  }

  /** Where this != value. */
  public final Tensor ne(double value) {
    return Compare.ne(self(), value);
  }

  /** Where this &lt; other. */
  public final Tensor lt(Tensor other) {
    return Compare.lt(self(), other);
  }

  /** Where this &lt; value. */
  public final Tensor lt(double value) {
    return Compare.lt(self(), value);
  }

  /** Where this ≤ other. */
  public final Tensor le(Tensor other) {
    return Compare.le(self(), other);
  }

  /** Where this ≤ value. */
  public final Tensor le(double value) {
    return Compare.le(self(), value);
  }

  /** Where this &gt; other. */
  public final Tensor gt(Tensor other) {
    return Compare.gt(self(), other);
  }

  /** Where this &gt; value. */
  public final Tensor gt(double value) {
    return Compare.gt(self(), value);
  }

  /** Where this ≥ other. */
  public final Tensor ge(Tensor other) {
    return Compare.ge(self(), other);
  }

  /** Where this ≥ value. */
  public final Tensor ge(double value) {
    return Compare.ge(self(), value);
  }

  /** Where both are not 0. */
  public final Tensor logicalAnd(Tensor other) {
    return Compare.logicalAnd(self(), other);
  }

  /** Where one is not 0. */
  public final Tensor logicalOr(Tensor other) {
    return Compare.logicalOr(self(), other);
  }

  /** Where this is 0. */
  public final Tensor logicalNot() {
    return Predicate.logicalNot(self());
  }

  /** Where this is NaN. */
  public final Tensor isNan() {
    return Predicate.isNan(self());
  }

  /** Where this is infinite. */
  public final Tensor isInf() {
    return Predicate.isInf(self());
  }

  /**
   * Whether all values agree: |this - other| ≤ atol + rtol · |other|; NaN never does.
   *
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.allclose.html">allclose</a>
   */
  public final boolean allclose(Tensor other, double rtol, double atol) {
    return Compare.allclose(self(), other, rtol, atol);
  }

  /**
   * Where the condition holds this, elsewhere other; this is {@code torch.where(c, this, other)}.
   */
  public final Tensor where(Tensor condition, Tensor other) {
    return Where.apply(condition, self(), other);
  }

  /** This, with one value wherever the bool mask, broadcast to this shape, holds. */
  public final Tensor maskedFill(Tensor mask, double value) {
    return MaskedFill.apply(self(), mask, value);
  }
}
