package dev.talus.ops;

import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;

/** A new dimension of size 1. */
public final class Unsqueeze extends Node {
  private final int dim;

  private Unsqueeze(Tensor x, int dim) {
    super(x);
    this.dim = dim;
  }

  /** Puts a dimension of size 1 at a place in [-rank-1, rank]. */
  public static Tensor apply(Tensor x, int dim) {
    int rank = x.dim();
    int at = Shape.wrapDim(dim, rank + 1);
    long[] sizes = new long[rank + 1];
    long[] strides = new long[rank + 1];
    for (int d = 0; d < rank; d++) {
      sizes[d < at ? d : d + 1] = x.sizes()[d];
      strides[d < at ? d : d + 1] = x.strides()[d];
    }
    sizes[at] = 1;
    strides[at] = at < rank ? x.sizes()[at] * x.strides()[at] : 1;
    Tensor out = x.asView(sizes, strides, x.geometry().offset());
    return Autograd.records(x) ? new Unsqueeze(x, at).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {grad.squeeze(dim)};
  }
}
