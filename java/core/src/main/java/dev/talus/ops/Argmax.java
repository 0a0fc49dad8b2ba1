package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.Tensor;
import dev.talus.ValuesAndIndices;

/** The int64 positions of the largest or smallest elements; of equal ones the first. */
public final class Argmax {
  private Argmax() {}

  /**
   * The position of the largest element in row-major order.
   *
   * @throws IllegalArgumentException if there are no elements
   */
  public static Tensor max(Tensor x) {
    return indices(MaxDim.find("argmax", TALUS_MAX, x, false));
  }

  /**
   * The positions of the largest elements along a dimension.
   *
   * @param x any type
   * @param dim the dimension to reduce
   * @param keepdim whether it stays, with size 1
   * @throws IndexOutOfBoundsException if the dimension has size 0
   */
  public static Tensor max(Tensor x, int dim, boolean keepdim) {
    return indices(MaxDim.find("argmax", TALUS_MAX, x, keepdim, dim));
  }

  /** The position of the smallest element in row-major order; see {@link #max(Tensor)}. */
  public static Tensor min(Tensor x) {
    return indices(MaxDim.find("argmin", TALUS_MIN, x, false));
  }

  /** The positions of the smallest elements; see {@link #max(Tensor, int, boolean)}. */
  public static Tensor min(Tensor x, int dim, boolean keepdim) {
    return indices(MaxDim.find("argmin", TALUS_MIN, x, keepdim, dim));
  }

  private static Tensor indices(ValuesAndIndices found) {
    found.values().close();
    return found.indices();
  }
}
