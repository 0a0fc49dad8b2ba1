package dev.talus.ops;

import dev.talus.Shape;
import dev.talus.Tensor;
import java.util.Arrays;

/** The dimensions of a tensor split into those a reduction keeps and those it reduces. */
final class Dims {
  private final Tensor x;
  private final boolean[] reduced;
  private final int[] order;
  private final int kept;

  /**
   * A split; no dims means all of them.
   *
   * @throws IllegalArgumentException if a dimension is listed twice
   * @throws IndexOutOfBoundsException if there is no such dimension
   */
  Dims(Tensor x, int... dims) {
    this.x = x;
    int rank = x.dim();
    reduced = new boolean[Math.max(rank, 1)];
    Arrays.fill(reduced, dims.length == 0);
    for (int dim : dims) {
      int d = Shape.wrapDim(dim, rank);
      if (reduced[d]) {
        throw new IllegalArgumentException(
            "dim " + d + " appears multiple times in the list of dims");
      }
      reduced[d] = true;
    }
    order = new int[rank];
    int next = 0;
    for (int d = 0; d < rank; d++) {
      if (!reduced[d]) {
        order[next++] = d;
      }
    }
    kept = next;
    for (int d = 0; d < rank; d++) {
      if (reduced[d]) {
        order[next++] = d;
      }
    }
  }

  /** The dimensions from one on to before another. */
  static int[] range(int from, int to) {
    int[] dims = new int[to - from];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = from + i;
    }
    return dims;
  }

  /** The number of dimensions that are kept; they come first in {@link #order}. */
  int kept() {
    return kept;
  }

  /** All dimensions, the kept ones first. */
  int[] order() {
    return order;
  }

  /** The number of elements that become one. */
  long count() {
    long n = 1;
    for (int i = kept; i < order.length; i++) {
      n *= x.sizes()[order[i]];
    }
    return n;
  }

  /** The result's sizes: reduced dimensions have size 1, or are left out. */
  long[] sizes(boolean keepdim) {
    long[] out = new long[keepdim ? order.length : kept];
    int next = 0;
    for (int d = 0; d < order.length; d++) {
      if (!reduced[d]) {
        out[next++] = x.sizes()[d];
      } else if (keepdim) {
        out[next++] = 1;
      }
    }
    return out;
  }

  /** Sizes and strides as the native reductions read them. */
  long[] geometry() {
    int rank = order.length;
    long[] geometry = new long[2 * rank];
    for (int i = 0; i < rank; i++) {
      geometry[i] = x.sizes()[order[i]];
      geometry[rank + i] = x.strides()[order[i]];
    }
    return geometry;
  }

  /** Refuses reductions that have no value for no elements. */
  void checkNotEmpty(String name, boolean all) {
    if (all && x.numel() == 0) {
      throw new IllegalArgumentException(
          name
              + "(): Expected reduction dim to be specified for input.numel() == 0. Specify the"
              + " reduction dim with the 'dim' argument; the input has shape "
              + x.shape());
    }
    for (int i = kept; i < order.length; i++) {
      if (x.sizes()[order[i]] == 0) {
        throw new IndexOutOfBoundsException(
            name
                + "(): Expected reduction dim "
                + order[i]
                + " to have non-zero size; the input has shape "
                + x.shape());
      }
    }
  }
}
