package dev.talus.ops;

import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;

/** A stretch of one dimension, every step-th index of it. */
public final class Slice extends Node {
  private final int dim;
  private final long start;
  private final long end;
  private final long step;

  private Slice(Tensor x, int dim, long start, long end, long step) {
    super(x);
    this.dim = dim;
    this.start = start;
    this.end = end;
    this.step = step;
  }

  /**
   * {@code length} indices from {@code start}.
   *
   * @throws IndexOutOfBoundsException if they do not lie inside the dimension
   */
  public static Tensor narrow(Tensor x, int dim, long start, long length) {
    if (x.dim() == 0) {
      throw new IndexOutOfBoundsException("narrow() cannot be applied to a 0-dim tensor.");
    }
    int d = Shape.wrapDim(dim, x.dim());
    long size = x.sizes()[d];
    long from = start < 0 ? start + size : start;
    if (from < 0 || length < 0 || from + length > size) {
      throw new IndexOutOfBoundsException(
          "start ("
              + start
              + ") + length ("
              + length
              + ") exceeds dimension size ("
              + size
              + ") of dimension "
              + dim
              + " in narrow()");
    }
    return apply(x, d, from, from + length, 1);
  }

  /** {@code x[start:end:step]} of one dimension. */
  public static Tensor apply(Tensor x, int dim, long start, long end, long step) {
    if (x.dim() == 0) {
      throw new IndexOutOfBoundsException("slice() cannot be applied to a 0-dim tensor.");
    }
    if (step <= 0) {
      throw new IllegalArgumentException("slice step must be positive, got " + step);
    }
    int d = Shape.wrapDim(dim, x.dim());
    long size = x.sizes()[d];
    long from = clamp(start, size);
    long to = Math.max(from, clamp(end, size));
    long[] sizes = x.sizes().clone();
    long[] strides = x.strides().clone();
    sizes[d] = (to - from + step - 1) / step;
    strides[d] *= step;
    Tensor out =
        x.asView(
            sizes, strides, x.geometry().offset() + (sizes[d] == 0 ? 0 : from * x.strides()[d]));
    return Autograd.records(x) ? new Slice(x, d, from, to, step).record(out) : out;
  }

  private static long clamp(long index, long size) {
    return Math.max(0, Math.min(index < 0 ? index + size : index, size));
  }

  /** Zeros of a shape, with a tensor put at a slice of one dimension. */
  static Tensor embed(Tensor part, long[] sizes, int dim, long start, long end, long step) {
    Tensor whole = Tensor.zeros(part.dtype(), part.device(), sizes);
    whole.slice(dim, start, end, step).copy_(part);
    return whole;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {embed(grad, inputSizes(0), dim, start, end, step)};
  }
}
