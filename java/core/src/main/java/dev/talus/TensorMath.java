package dev.talus;

import dev.talus.ops.Argmax;
import dev.talus.ops.Binary;
import dev.talus.ops.Compare;
import dev.talus.ops.Gather;
import dev.talus.ops.InPlace;
import dev.talus.ops.IndexSelect;
import dev.talus.ops.MaskedFill;
import dev.talus.ops.Matmul;
import dev.talus.ops.MaxDim;
import dev.talus.ops.Predicate;
import dev.talus.ops.Reduce;
import dev.talus.ops.ScatterAdd;
import dev.talus.ops.Softmax;
import dev.talus.ops.Unary;
import dev.talus.ops.Where;

/**
 * Arithmetic, matrix products, reductions and in-place changes. Binary operations broadcast and
 * promote types as PyTorch does.
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

  /** this / other rounded towards minus infinity; not differentiable. */
  public final Tensor floorDivide(Tensor other) {
    return Compare.floorDivide(self(), other);
  }

  /** The remainder of this / other with the sign of other, as in Python; not differentiable. */
  public final Tensor remainder(Tensor other) {
    return Compare.remainder(self(), other);
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
    return Compare.eq(self(), Compare.scalarFor(self(), value));
  }

  /** Where this != other. */
  public final Tensor ne(Tensor other) {
    return Compare.ne(self(), other);
  }

  /** Where this != value. */
  public final Tensor ne(double value) {
    return Compare.ne(self(), Compare.scalarFor(self(), value));
  }

  /** Where this &lt; other. */
  public final Tensor lt(Tensor other) {
    return Compare.lt(self(), other);
  }

  /** Where this &lt; value. */
  public final Tensor lt(double value) {
    return Compare.lt(self(), Compare.scalarFor(self(), value));
  }

  /** Where this ≤ other. */
  public final Tensor le(Tensor other) {
    return Compare.le(self(), other);
  }

  /** Where this ≤ value. */
  public final Tensor le(double value) {
    return Compare.le(self(), Compare.scalarFor(self(), value));
  }

  /** Where this &gt; other. */
  public final Tensor gt(Tensor other) {
    return Compare.gt(self(), other);
  }

  /** Where this &gt; value. */
  public final Tensor gt(double value) {
    return Compare.gt(self(), Compare.scalarFor(self(), value));
  }

  /** Where this ≥ other. */
  public final Tensor ge(Tensor other) {
    return Compare.ge(self(), other);
  }

  /** Where this ≥ value. */
  public final Tensor ge(double value) {
    return Compare.ge(self(), Compare.scalarFor(self(), value));
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

  // ----------------------------------------------------------- matrix products

  /**
   * The matrix product by PyTorch's rules: dot product, matrix-vector, matrix-matrix, or batched
   * with broadcasting, depending on the dimensions.
   *
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.matmul.html">matmul</a>
   */
  public final Tensor matmul(Tensor other) {
    return Matmul.matmul(self(), other);
  }

  /** [n, k] times [k, m]. */
  public final Tensor mm(Tensor other) {
    return Matmul.mm(self(), other);
  }

  /** [b, n, k] times [b, k, m]. */
  public final Tensor bmm(Tensor other) {
    return Matmul.bmm(self(), other);
  }

  /** [n, k] times [k]. */
  public final Tensor mv(Tensor vector) {
    return Matmul.mv(self(), vector);
  }

  /** The inner product of two vectors. */
  public final Tensor dot(Tensor other) {
    return Matmul.dot(self(), other);
  }

  /** this + a b, for this of a shape that broadcasts to the product's. */
  public final Tensor addmm(Tensor a, Tensor b) {
    return Matmul.addmm(self(), a, b);
  }

  // ---------------------------------------------------------------- reductions

  /** The sum of all elements; integers and bool sum into int64. */
  public final Tensor sum() {
    return Reduce.SUM.all(self());
  }

  /** The sum over some dimensions. */
  public final Tensor sum(int... dims) {
    return Reduce.SUM.over(self(), dims, false);
  }

  /** The sum over some dimensions, which stay with size 1 if keepdim. */
  public final Tensor sum(int[] dims, boolean keepdim) {
    return Reduce.SUM.over(self(), dims, keepdim);
  }

  /** The mean of all elements. */
  public final Tensor mean() {
    return Reduce.MEAN.all(self());
  }

  /** The mean over some dimensions. */
  public final Tensor mean(int... dims) {
    return Reduce.MEAN.over(self(), dims, false);
  }

  /** The mean over some dimensions, which stay with size 1 if keepdim. */
  public final Tensor mean(int[] dims, boolean keepdim) {
    return Reduce.MEAN.over(self(), dims, keepdim);
  }

  /** The product of all elements. */
  public final Tensor prod() {
    return Reduce.PROD.all(self());
  }

  /** The product over one dimension. */
  public final Tensor prod(int dim) {
    return Reduce.PROD.over(self(), new int[] {dim}, false);
  }

  /** The largest element; ties share the gradient. */
  public final Tensor max() {
    return Reduce.MAX.all(self());
  }

  /** The smallest element; ties share the gradient. */
  public final Tensor min() {
    return Reduce.MIN.all(self());
  }

  /** The largest elements along a dimension, and where they are. */
  public final ValuesAndIndices max(int dim) {
    return MaxDim.max(self(), dim, false);
  }

  /** The smallest elements along a dimension, and where they are. */
  public final ValuesAndIndices min(int dim) {
    return MaxDim.min(self(), dim, false);
  }

  /** The largest elements over some dimensions; ties share the gradient. */
  public final Tensor amax(int... dims) {
    return Reduce.MAX.over(self(), dims, false);
  }

  /** The smallest elements over some dimensions; ties share the gradient. */
  public final Tensor amin(int... dims) {
    return Reduce.MIN.over(self(), dims, false);
  }

  /** The position of the largest element in row-major order, int64. */
  public final Tensor argmax() {
    return Argmax.max(self());
  }

  /** The positions of the largest elements along a dimension, int64. */
  public final Tensor argmax(int dim) {
    return Argmax.max(self(), dim, false);
  }

  /** The position of the smallest element in row-major order, int64. */
  public final Tensor argmin() {
    return Argmax.min(self());
  }

  /** The positions of the smallest elements along a dimension, int64. */
  public final Tensor argmin(int dim) {
    return Argmax.min(self(), dim, false);
  }

  /** The unbiased variance of all elements. */
  public final Tensor var() {
    return Reduce.VAR.all(self());
  }

  /** The unbiased variance over some dimensions. */
  public final Tensor var(int... dims) {
    return Reduce.VAR.over(self(), dims, false);
  }

  /** The variance over some dimensions with n - correction as divisor. */
  public final Tensor var(int[] dims, double correction, boolean keepdim) {
    return Reduce.VAR.over(self(), dims, keepdim, correction);
  }

  /** The square root of the unbiased variance of all elements. */
  public final Tensor std() {
    return var().sqrt();
  }

  /** The square root of the unbiased variance over some dimensions. */
  public final Tensor std(int... dims) {
    return var(dims).sqrt();
  }

  /** The Euclidean norm of all elements. */
  public final Tensor norm() {
    return Reduce.NORM.all(self());
  }

  /** The Euclidean norm over some dimensions. */
  public final Tensor norm(int[] dims, boolean keepdim) {
    return Reduce.NORM.over(self(), dims, keepdim);
  }

  /** log(sum(exp(this))) over some dimensions, without overflow. */
  public final Tensor logsumexp(int[] dims, boolean keepdim) {
    return Reduce.LOGSUMEXP.over(self(), dims, keepdim);
  }

  /** Whether all elements are not 0. */
  public final Tensor all() {
    return Reduce.ALL.all(self());
  }

  /** Whether any element is not 0. */
  public final Tensor any() {
    return Reduce.ANY.all(self());
  }

  /** exp(this) over its sum along a dimension. */
  public final Tensor softmax(int dim) {
    return Softmax.softmax(self(), dim);
  }

  /** The logarithm of {@link #softmax}. */
  public final Tensor logSoftmax(int dim) {
    return Softmax.logSoftmax(self(), dim);
  }

  // ------------------------------------------------------------------ indexing

  /** The slices of a dimension that an int64 vector lists. */
  public final Tensor indexSelect(int dim, Tensor index) {
    return IndexSelect.apply(self(), dim, index);
  }

  /**
   * For each place of an int64 index, the element whose position along a dimension it holds.
   *
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.gather.html">gather</a>
   */
  public final Tensor gather(int dim, Tensor index) {
    return Gather.apply(self(), dim, index);
  }

  /** A copy with the source's elements added at the places an int64 index holds. */
  public final Tensor scatterAdd(int dim, Tensor index, Tensor source) {
    return ScatterAdd.apply(self(), dim, index, source);
  }

  // ------------------------------------------------------------------ in place

  /** Adds a tensor. Recorded by autograd; refused on a leaf that requires a gradient. */
  public final Tensor add_(Tensor other) {
    return InPlace.binary(Binary.ADD, self(), other, 1);
  }

  /** Adds alpha times a tensor. */
  public final Tensor add_(Tensor other, double alpha) {
    return InPlace.binary(Binary.ADD, self(), other, alpha);
  }

  /** Adds a number. */
  public final Tensor add_(double value) {
    return InPlace.unary(Unary.ADD_SCALAR, self(), value, 0);
  }

  /** Subtracts a tensor. */
  public final Tensor sub_(Tensor other) {
    return InPlace.binary(Binary.SUB, self(), other, 1);
  }

  /** Subtracts alpha times a tensor. */
  public final Tensor sub_(Tensor other, double alpha) {
    return InPlace.binary(Binary.SUB, self(), other, alpha);
  }

  /** Subtracts a number. */
  public final Tensor sub_(double value) {
    return InPlace.unary(Unary.ADD_SCALAR, self(), -value, 0);
  }

  /** Multiplies by a tensor. */
  public final Tensor mul_(Tensor other) {
    return InPlace.binary(Binary.MUL, self(), other, 1);
  }

  /** Multiplies by a number. */
  public final Tensor mul_(double value) {
    return InPlace.unary(Unary.MUL_SCALAR, self(), value, 0);
  }

  /** Divides by a tensor. */
  public final Tensor div_(Tensor other) {
    return InPlace.binary(Binary.DIV, self(), other, 1);
  }

  /** Divides by a number. */
  public final Tensor div_(double value) {
    return InPlace.divide(self(), value);
  }

  /** Negates. */
  public final Tensor neg_() {
    return InPlace.unary(Unary.NEG, self(), 0, 0);
  }

  /** Takes e to the power. */
  public final Tensor exp_() {
    return InPlace.unary(Unary.EXP, self(), 0, 0);
  }

  /** Takes the square root. */
  public final Tensor sqrt_() {
    return InPlace.unary(Unary.SQRT, self(), 0, 0);
  }

  /** Sets negative elements to 0. */
  public final Tensor relu_() {
    return InPlace.unary(Unary.RELU, self(), 0, 0);
  }

  /** Bounds the elements. */
  public final Tensor clamp_(double low, double high) {
    return InPlace.unary(Unary.CLAMP, self(), low, high);
  }

  /** Sets all elements to 0. */
  public final Tensor zero_() {
    return fill_(0);
  }

  /** Sets all elements to one value. */
  public final Tensor fill_(double value) {
    return InPlace.fill(self(), value);
  }

  /** Copies another tensor's values, converted and broadcast; gradients flow to the source. */
  public final Tensor copy_(Tensor source) {
    return InPlace.copy(self(), source);
  }

  /** Fills with uniform numbers in [from, to). */
  public final Tensor uniform_(double from, double to) {
    return uniform_(from, to, Generator.defaultGenerator());
  }

  /** Fills with uniform numbers in [from, to) from a generator of one's own. */
  public final Tensor uniform_(double from, double to, Generator generator) {
    return InPlace.random(self(), out -> TensorCreation.uniform(out, from, to, generator));
  }

  /** Fills with normal numbers. */
  public final Tensor normal_(double mean, double std) {
    return normal_(mean, std, Generator.defaultGenerator());
  }

  /** Fills with normal numbers from a generator of one's own. */
  public final Tensor normal_(double mean, double std, Generator generator) {
    return InPlace.random(self(), out -> TensorCreation.normal(out, mean, std, generator));
  }

  /** Sets each element to 1 with probability p, else to 0. */
  public final Tensor bernoulli_(double p) {
    return InPlace.random(self(), out -> Generator.defaultGenerator().bernoulli(out, p));
  }
}
