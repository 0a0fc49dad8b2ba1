package dev.talus.ops;

import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import java.util.Arrays;

/** Dimensions of size 1 stretched by a stride of 0. */
public final class Expand extends Node {
  private Expand(Tensor x) {
    super(x);
  }

  /**
   * Shows x in a larger shape.
   *
   * @throws IllegalArgumentException if a size that is not 1 would change
   */
  public static Tensor apply(Tensor x, long... shape) {
    int extra = shape.length - x.dim();
    if (extra < 0) {
      throw new IllegalArgumentException(
          "expand: the number of sizes provided ("
              + shape.length
              + ") must be greater or equal to the number of dimensions in the tensor ("
              + x.dim()
              + ")");
    }
    long[] sizes = shape.clone();
    long[] strides = new long[sizes.length];
    for (int d = 0; d < sizes.length; d++) {
      long from = d < extra ? 1 : x.sizes()[d - extra];
      if (sizes[d] == -1 && d >= extra) {
        sizes[d] = from;
      }
      if (sizes[d] < 0 || (from != 1 && sizes[d] != from)) {
        throw new IllegalArgumentException(
            "The expanded size of the tensor ("
                + shape[d]
                + ") must match the existing size ("
                + from
                + ") at non-singleton dimension "
                + d
                + ". Target sizes: "
                + Arrays.toString(shape)
                + ". Tensor sizes: "
                + x.shape());
      }
      strides[d] = d < extra || (from == 1 && sizes[d] != 1) ? 0 : x.strides()[d - extra];
    }
    Tensor out = x.asView(sizes, strides, x.geometry().offset());
    return Autograd.records(x) ? new Expand(x).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    // The engine sums it down to the input's sizes.
    return new Tensor[] {grad};
  }
}
