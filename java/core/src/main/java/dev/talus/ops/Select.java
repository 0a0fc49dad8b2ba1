package dev.talus.ops;

import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;

/** One index of one dimension. */
public final class Select extends Node {
  private final int dim;
  private final long index;

  private Select(Tensor x, int dim, long index) {
    super(x);
    this.dim = dim;
    this.index = index;
  }

  /**
   * Takes one index; negative counts from the end.
   *
   * @throws IndexOutOfBoundsException if there is no such index
   */
  public static Tensor apply(Tensor x, int dim, long index) {
    if (x.dim() == 0) {
      throw new IndexOutOfBoundsException("select() cannot be applied to a 0-dim tensor.");
    }
    int d = Shape.wrapDim(dim, x.dim());
    long size = x.sizes()[d];
    if (index < -size || index >= size) {
      throw new IndexOutOfBoundsException(
          "select(): index "
              + index
              + " out of range for tensor of size "
              + x.shape()
              + " at dimension "
              + dim);
    }
    long i = index < 0 ? index + size : index;
    Tensor out =
        x.asView(
            without(x.sizes(), d),
            without(x.strides(), d),
            x.geometry().offset() + i * x.strides()[d]);
    return Autograd.records(x) ? new Select(x, d, i).record(out) : out;
  }

  private static long[] without(long[] values, int place) {
    long[] rest = new long[values.length - 1];
    System.arraycopy(values, 0, rest, 0, place);
    System.arraycopy(values, place + 1, rest, place, rest.length - place);
    return rest;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {Slice.embed(grad.unsqueeze(dim), inputSizes(0), dim, index, index + 1, 1)};
  }
}
