package dev.talus.ops;

import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import java.util.Arrays;

/** The dimensions in another order. */
public final class Permute extends Node {
  private final int[] inverse;

  private Permute(Tensor x, int[] inverse) {
    super(x);
    this.inverse = inverse;
  }

  /**
   * Puts dimension {@code dims[i]} at place i.
   *
   * @throws IllegalArgumentException unless dims names each dimension once
   */
  public static Tensor apply(Tensor x, int... dims) {
    int rank = x.dim();
    if (dims.length != rank) {
      throw new IllegalArgumentException(
          "permute(dims): number of dimensions in the tensor input does not match the length of the"
              + " desired ordering of dimensions, input.dim() = "
              + rank
              + " is not equal to len(dims) = "
              + dims.length);
    }
    long[] sizes = new long[rank];
    long[] strides = new long[rank];
    int[] inverse = new int[rank];
    Arrays.fill(inverse, -1);
    for (int i = 0; i < rank; i++) {
      int d = Shape.wrapDim(dims[i], rank);
      if (inverse[d] >= 0) {
        throw new IllegalArgumentException(
            "permute(): duplicate dims are not allowed: " + Arrays.toString(dims));
      }
      inverse[d] = i;
      sizes[i] = x.sizes()[d];
      strides[i] = x.strides()[d];
    }
    Tensor out = x.asView(sizes, strides, x.geometry().offset());
    return Autograd.records(x) ? new Permute(x, inverse).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {grad.permute(inverse)};
  }
}
