package dev.talus.ops;

import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import java.util.stream.IntStream;

/** Dimensions of size 1 dropped. */
public final class Squeeze extends Node {
  private Squeeze(Tensor x) {
    super(x);
  }

  /** Drops every dimension of size 1. */
  public static Tensor all(Tensor x) {
    return keeping(x, IntStream.range(0, x.dim()).filter(d -> x.sizes()[d] != 1).toArray());
  }

  /** Drops one dimension if its size is 1. */
  public static Tensor one(Tensor x, int dim) {
    int dropped = Shape.wrapDim(dim, x.dim());
    return keeping(
        x, IntStream.range(0, x.dim()).filter(d -> d != dropped || x.sizes()[d] != 1).toArray());
  }

  private static Tensor keeping(Tensor x, int[] dims) {
    long[] sizes = IntStream.of(dims).mapToLong(d -> x.sizes()[d]).toArray();
    long[] strides = IntStream.of(dims).mapToLong(d -> x.strides()[d]).toArray();
    Tensor out = x.asView(sizes, strides, x.geometry().offset());
    return Autograd.records(x) ? new Squeeze(x).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {grad.reshape(inputSizes(0))};
  }
}
