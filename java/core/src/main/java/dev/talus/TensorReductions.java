package dev.talus;

import dev.talus.ops.Argmax;
import dev.talus.ops.Gather;
import dev.talus.ops.IndexSelect;
import dev.talus.ops.Matmul;
import dev.talus.ops.MaxDim;
import dev.talus.ops.Reduce;
import dev.talus.ops.ScatterAdd;
import dev.talus.ops.Softmax;

/** What combines elements: matrix products, reductions, softmax, and picking by index. */
abstract class TensorReductions extends TensorMath {
  TensorReductions() {}

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
    return Reduce.STD.all(self());
  }

  /** The square root of the unbiased variance over some dimensions. */
  public final Tensor std(int... dims) {
    return Reduce.STD.over(self(), dims, false);
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
}
