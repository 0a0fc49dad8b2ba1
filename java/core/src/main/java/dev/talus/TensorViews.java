package dev.talus;

import dev.talus.autograd.Node;
import dev.talus.ops.AsStrided;
import dev.talus.ops.Clone;
import dev.talus.ops.Expand;
import dev.talus.ops.Permute;
import dev.talus.ops.Reshape;
import dev.talus.ops.Select;
import dev.talus.ops.Slice;
import dev.talus.ops.Squeeze;
import dev.talus.ops.T;
import dev.talus.ops.ToCopy;
import dev.talus.ops.Transpose;
import dev.talus.ops.Unsqueeze;

/** The methods that look at the same values in another shape, and those that copy them. */
abstract class TensorViews extends TensorCreation {
  TensorViews() {}

  /**
   * The same values in another shape, without a copy.
   *
   * @param shape the new sizes; one may be -1 and is then computed
   * @throws IllegalArgumentException if the number of elements differs, or the layout needs a copy
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.Tensor.view.html">view</a>
   */
  public final Tensor view(long... shape) {
    return Reshape.view(self(), shape);
  }

  /** The same values in another shape, as a view where possible and else as a copy. */
  public final Tensor reshape(long... shape) {
    return Reshape.reshape(self(), shape);
  }

  /** All dimensions as one. */
  public final Tensor flatten() {
    return flatten(0, -1);
  }

  /**
   * The dimensions from start to end, both included, as one.
   *
   * @param start first dimension; negative counts from the end
   * @param end last dimension; negative counts from the end
   */
  public final Tensor flatten(int start, int end) {
    return Reshape.flatten(self(), start, end);
  }

  /** The dimensions in another order. */
  public final Tensor permute(int... dims) {
    return Permute.apply(self(), dims);
  }

  /** Two dimensions exchanged. */
  public final Tensor transpose(int a, int b) {
    return Transpose.apply(self(), a, b);
  }

  /** A matrix transposed; tensors of less than two dimensions are returned as they are. */
  public final Tensor t() {
    return T.apply(self());
  }

  /** Without the dimensions of size 1. */
  public final Tensor squeeze() {
    return Squeeze.all(self());
  }

  /** Without one dimension, if its size is 1; else unchanged. */
  public final Tensor squeeze(int dim) {
    return Squeeze.one(self(), dim);
  }

  /**
   * With a new dimension of size 1.
   *
   * @param dim where it goes, in [-dim()-1, dim()]
   */
  public final Tensor unsqueeze(int dim) {
    return Unsqueeze.apply(self(), dim);
  }

  /**
   * Dimensions of size 1 stretched without a copy; new ones may be put in front.
   *
   * @param shape the new sizes; -1 keeps a size
   */
  public final Tensor expand(long... shape) {
    return Expand.apply(self(), shape);
  }

  /** {@link #expand} to another tensor's shape. */
  public final Tensor expandAs(Tensor like) {
    return expand(like.sizes());
  }

  /** One index of one dimension, which disappears. */
  public final Tensor select(int dim, long index) {
    return Select.apply(self(), dim, index);
  }

  /** {@link #select} in the first dimension: PyTorch's {@code x[index]}. */
  public final Tensor get(long index) {
    return Select.apply(self(), 0, index);
  }

  /**
   * A stretch of one dimension.
   *
   * @param dim dimension
   * @param start first index; negative counts from the end
   * @param length how many
   */
  public final Tensor narrow(int dim, long start, long length) {
    return Slice.narrow(self(), dim, start, length);
  }

  /**
   * Every step-th index of one dimension: PyTorch's {@code x[start:end:step]}.
   *
   * @param dim dimension
   * @param start first index; negative counts from the end, clamped to the size
   * @param end after the last index; negative counts from the end, clamped to the size
   * @param step more than 0
   */
  public final Tensor slice(int dim, long start, long end, long step) {
    return Slice.apply(self(), dim, start, end, step);
  }

  /** This tensor if it is contiguous, else a contiguous copy. */
  public final Tensor contiguous() {
    return self().isContiguous() ? self() : clone();
  }

  /** A contiguous copy; gradients flow through. */
  @Override
  public final Tensor clone() {
    return Clone.apply(self());
  }

  /** This tensor if it has the type, else a converted copy; gradients flow through. */
  public final Tensor to(DType dtype) {
    return to(self().device(), dtype);
  }

  /**
   * This tensor if it lives on the device, else a copy there; gradients flow through.
   *
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.Tensor.to.html">to</a>
   */
  public final Tensor to(Device device) {
    return to(device, self().dtype());
  }

  /** This tensor if it lives on the device and has the type, else a copy that does. */
  public final Tensor to(Device device, DType dtype) {
    return self().dtype() == dtype && self().device() == device
        ? self()
        : ToCopy.apply(self(), device, dtype);
  }

  /** {@code to(Device.CPU)}. */
  public final Tensor cpu() {
    return to(Device.CPU);
  }

  /**
   * {@code to(Device.cuda())}, the first GPU.
   *
   * @throws UnsupportedOperationException if no GPU can be used, saying why
   */
  public final Tensor cuda() {
    return to(Device.cuda());
  }

  /** {@code to(DType.FLOAT64)}. */
  public final Tensor toDouble() {
    return to(DType.FLOAT64);
  }

  /** The history of this view, read anew from what its base is now. */
  final Node viewHistory(Tensor base) {
    return AsStrided.history(self(), base);
  }
}
