package dev.talus.ops;

import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import java.util.Arrays;

/** Dimensions of size 1 dropped. */
public final class Squeeze extends Node {
  private Squeeze(Tensor x) {
    super(x);
  }

  /** Drops every dimension of size 1. */
  public static Tensor all(Tensor x) {
    return between(x, 0, x.dim());
  }

  /** Drops one dimension if its size is 1. */
  public static Tensor one(Tensor x, int dim) {
    int dropped = Shape.wrapDim(dim, x.dim());
    return between(x, dropped, dropped + 1);
  }

  /** Drops dimensions of size 1 from one on to before another; the rest stays. */
  private static Tensor between(Tensor x, int from, int to) {
    long[] sizes = new long[x.dim()];
    long[] strides = new long[x.dim()];
    int kept = 0;
    for (int d = 0; d < x.dim(); d++) {
      if (d < from || d >= to || x.sizes()[d] != 1) {
        sizes[kept] = x.sizes()[d];
        strides[kept++] = x.strides()[d];
      }
    }
    Tensor out =
        x.asView(Arrays.copyOf(sizes, kept), Arrays.copyOf(strides, kept), x.geometry().offset());
    return Autograd.records(x) ? new Squeeze(x).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {grad.reshape(inputSizes(0))};
  }
}
