package dev.talus.internal;

import dev.talus.Tensor;

/** Packs sizes and strides the way the native kernels read them. */
public final class Geometries {
  private Geometries() {}

  /** Sizes, then the strides of each operand. */
  public static long[] of(long[] sizes, long[]... strides) {
    int rank = sizes.length;
    long[] packed = new long[rank * (strides.length + 1)];
    System.arraycopy(sizes, 0, packed, 0, rank);
    for (int i = 0; i < strides.length; i++) {
      System.arraycopy(strides[i], 0, packed, (i + 1) * rank, rank);
    }
    return packed;
  }

  /** The geometry of a new contiguous output and one input of its shape; null if both are plain. */
  public static long[] of(Tensor out, Tensor x) {
    return x.isContiguous() && out.isContiguous()
        ? null
        : of(out.sizes(), out.strides(), x.strides());
  }

  /** The geometry of an output and two inputs that broadcast to its shape. */
  public static long[] of(Tensor out, Tensor x, Tensor y) {
    return isPlain(out, x) && isPlain(out, y) && out.isContiguous()
        ? null
        : of(out.sizes(), out.strides(), broadcast(x, out), broadcast(y, out));
  }

  /** The geometry of an output and three inputs that broadcast to its shape. */
  public static long[] of(Tensor out, Tensor x, Tensor y, Tensor z) {
    return isPlain(out, x) && isPlain(out, y) && isPlain(out, z) && out.isContiguous()
        ? null
        : of(out.sizes(), out.strides(), broadcast(x, out), broadcast(y, out), broadcast(z, out));
  }

  private static boolean isPlain(Tensor out, Tensor x) {
    return x.isContiguous() && x.numel() == out.numel();
  }

  /** A tensor's strides as seen from a shape it broadcasts to: 0 where it stretches. */
  private static long[] broadcast(Tensor x, Tensor out) {
    long[] strides = new long[out.dim()];
    int extra = out.dim() - x.dim();
    for (int d = 0; d < x.dim(); d++) {
      strides[d + extra] = x.sizes()[d] == 1 ? 0 : x.strides()[d];
    }
    return strides;
  }
}
