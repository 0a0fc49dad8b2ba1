package dev.talus.ops;

import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import java.util.Arrays;

/** {@code view}, {@code reshape} and {@code flatten}: the same elements in another shape. */
public final class Reshape extends Node {
  private Reshape(Tensor x) {
    super(x);
  }

  /** The values in another shape, without a copy. */
  public static Tensor view(Tensor x, long... shape) {
    long[] sizes = resolve(x, shape);
    long[] strides = stridesFor(x, sizes);
    if (strides == null) {
      throw new IllegalArgumentException(
          "view size is not compatible with input tensor's size and stride (at least one dimension"
              + " spans across two contiguous subspaces): cannot view shape "
              + x.shape()
              + ", strides "
              + Arrays.toString(x.strides())
              + " as "
              + Arrays.toString(sizes)
              + ". Use reshape(...) instead");
    }
    return viewAs(x, sizes, strides);
  }

  /** The values in another shape, copied only if the layout asks for it. */
  public static Tensor reshape(Tensor x, long... shape) {
    long[] sizes = resolve(x, shape);
    long[] strides = stridesFor(x, sizes);
    return strides == null ? view(x.clone(), sizes) : viewAs(x, sizes, strides);
  }

  /** Dimensions start to end as one. */
  public static Tensor flatten(Tensor x, int start, int end) {
    int first = Shape.wrapDim(start, x.dim());
    int last = Shape.wrapDim(end, x.dim());
    if (first > last) {
      throw new IllegalArgumentException(
          "flatten() has invalid args: start_dim cannot come after end_dim: " + start + ", " + end);
    }
    if (x.dim() == 0) {
      return reshape(x, 1);
    }
    if (first == last) {
      return x;
    }
    long[] sizes = new long[x.dim() - (last - first)];
    long merged = 1;
    for (int d = first; d <= last; d++) {
      merged *= x.sizes()[d];
    }
    System.arraycopy(x.sizes(), 0, sizes, 0, first);
    sizes[first] = merged;
    System.arraycopy(x.sizes(), last + 1, sizes, first + 1, x.dim() - last - 1);
    return reshape(x, sizes);
  }

  private static Tensor viewAs(Tensor x, long[] sizes, long[] strides) {
    Tensor out = x.asView(sizes, strides, x.geometry().offset());
    return Autograd.records(x) ? new Reshape(x).record(out) : out;
  }

  /** Replaces a size of -1 by what is left over. */
  private static long[] resolve(Tensor x, long[] shape) {
    long[] sizes = shape.clone();
    int unknown = -1;
    long known = 1;
    for (int d = 0; d < sizes.length; d++) {
      if (sizes[d] == -1 && unknown < 0) {
        unknown = d;
      } else if (sizes[d] < 0) {
        throw new IllegalArgumentException(
            (sizes[d] == -1
                    ? "only one dimension can be inferred"
                    : "invalid shape dimension " + sizes[d])
                + " in shape "
                + Arrays.toString(shape));
      } else {
        known = Math.multiplyExact(known, sizes[d]);
      }
    }
    if (unknown >= 0 && known == 0) {
      throw new IllegalArgumentException(
          "cannot reshape tensor of "
              + x.numel()
              + " elements into shape "
              + Arrays.toString(shape)
              + " because the unspecified dimension size -1 can be any value and is ambiguous");
    }
    if (unknown >= 0 && x.numel() % known == 0) {
      sizes[unknown] = x.numel() / known;
    } else if (unknown >= 0 || known != x.numel()) {
      throw new IllegalArgumentException(
          "shape '"
              + Arrays.toString(shape)
              + "' is invalid for input of size "
              + x.numel()
              + " (a tensor of shape "
              + x.shape()
              + ")");
    }
    return sizes;
  }

  /**
   * The strides that show the same elements in the new shape, or null if there are none. The old
   * dimensions are cut into runs that are contiguous in memory; each run must be used up by whole
   * new dimensions.
   */
  private static long[] stridesFor(Tensor x, long[] sizes) {
    if (x.isContiguous()) {
      return Shape.contiguousStrides(sizes);
    }
    long[] strides = new long[sizes.length];
    int next = sizes.length - 1;
    long run = 1;
    long step = x.strides()[x.dim() - 1];
    for (int d = x.dim() - 1; d >= 0; d--) {
      run *= x.sizes()[d];
      boolean runEnds = d == 0 || (x.sizes()[d - 1] != 1 && x.strides()[d - 1] != run * step);
      if (!runEnds) {
        continue;
      }
      long used = 1;
      while (next >= 0 && (used < run || sizes[next] == 1)) {
        strides[next] = used * step;
        used *= sizes[next--];
      }
      if (used != run) {
        return null;
      }
      if (d > 0) {
        run = 1;
        step = x.strides()[d - 1];
      }
    }
    return next == -1 ? strides : null;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {grad.reshape(inputSizes(0))};
  }

  @Override
  public String name() {
    return "ViewBackward";
  }
}
