package dev.talus;

import java.util.Arrays;

/** The immutable sizes of a tensor's dimensions; prints as {@code [6, 1, 3, 3]}. */
public final class Shape {
  private final long[] sizes;

  private Shape(long[] sizes) {
    this.sizes = sizes;
  }

  /**
   * A shape of the given sizes.
   *
   * @param sizes the size of each dimension, none for a scalar
   * @return the shape
   * @throws IllegalArgumentException if a size is negative
   */
  public static Shape of(long... sizes) {
    for (long size : sizes) {
      if (size < 0) {
        throw new IllegalArgumentException(
            "negative size in shape " + Arrays.toString(sizes) + "; sizes must be 0 or more");
      }
    }
    return new Shape(sizes.clone());
  }

  /** Wraps an array that nobody will change. */
  static Shape wrap(long[] sizes) {
    return new Shape(sizes);
  }

  /** The number of dimensions. */
  public int dim() {
    return sizes.length;
  }

  /**
   * The size of one dimension.
   *
   * @param dim dimension; negative counts from the end
   * @throws IndexOutOfBoundsException if there is no such dimension
   */
  public long get(int dim) {
    return sizes[wrapDim(dim, sizes.length)];
  }

  /** The number of elements: the product of the sizes. */
  public long numel() {
    return numel(sizes);
  }

  /** A copy of the sizes. */
  public long[] toArray() {
    return sizes.clone();
  }

  /**
   * The number of elements of a tensor with these sizes.
   *
   * @throws ArithmeticException if it does not fit 64 bits
   */
  public static long numel(long[] sizes) {
    long n = 1;
    for (long size : sizes) {
      n = Math.multiplyExact(n, size);
    }
    return n;
  }

  /** The row-major strides, in elements, of a contiguous tensor with these sizes. */
  public static long[] contiguousStrides(long[] sizes) {
    long[] strides = new long[sizes.length];
    long step = 1;
    for (int d = sizes.length - 1; d >= 0; d--) {
      strides[d] = step;
      step *= Math.max(sizes[d], 1);
    }
    return strides;
  }

  /**
   * Turns a dimension that may count from the end into an index.
   *
   * @param dim dimension in [-rank, rank)
   * @param rank the number of dimensions; 0 is treated as 1, as PyTorch does for scalars
   * @throws IndexOutOfBoundsException if it is outside that range
   */
  public static int wrapDim(int dim, int rank) {
    int range = Math.max(rank, 1);
    if (dim < -range || dim >= range) {
      throw new IndexOutOfBoundsException(
          "Dimension out of range (expected to be in range of ["
              + -range
              + ", "
              + (range - 1)
              + "], but got "
              + dim
              + ")");
    }
    return dim < 0 ? dim + range : dim;
  }

  /**
   * The shape two operands broadcast to: trailing dimensions are matched, a size of 1 stretches.
   *
   * @throws IllegalArgumentException if two sizes differ and neither is 1
   * @see <a href="https://docs.pytorch.org/docs/stable/notes/broadcasting.html">Broadcasting
   *     semantics</a>
   */
  public static long[] broadcast(long[] a, long[] b) {
    if (Arrays.equals(a, b)) {
      return a;
    }
    long[] out = new long[Math.max(a.length, b.length)];
    for (int i = 1; i <= out.length; i++) {
      long x = i <= a.length ? a[a.length - i] : 1;
      long y = i <= b.length ? b[b.length - i] : 1;
      if (x != y && x != 1 && y != 1) {
        throw new IllegalArgumentException(
            "The size of tensor a ("
                + x
                + ") must match the size of tensor b ("
                + y
                + ") at non-singleton dimension "
                + (out.length - i)
                + ": shapes "
                + Arrays.toString(a)
                + " and "
                + Arrays.toString(b));
      }
      out[out.length - i] = x == 1 ? y : x;
    }
    return out;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape && Arrays.equals(sizes, ((Shape) other).sizes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(sizes);
  }

  @Override
  public String toString() {
    return Arrays.toString(sizes);
  }
}
