package dev.talus.ops;

import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;

/** Two dimensions exchanged. */
public final class Transpose extends Node {
  private final int a;
  private final int b;

  private Transpose(Tensor x, int a, int b) {
    super(x);
    this.a = a;
    this.b = b;
  }

  /** Exchanges dimensions a and b. */
  public static Tensor apply(Tensor x, int a, int b) {
    Tensor out = view(x, Shape.wrapDim(a, x.dim()), Shape.wrapDim(b, x.dim()));
    return Autograd.records(x) ? new Transpose(x, a, b).record(out) : out;
  }

  static Tensor view(Tensor x, int a, int b) {
    long[] sizes = x.sizes().clone();
    long[] strides = x.strides().clone();
    if (x.dim() > 0) {
      sizes[a] = x.sizes()[b];
      sizes[b] = x.sizes()[a];
      strides[a] = x.strides()[b];
      strides[b] = x.strides()[a];
    }
    return x.asView(sizes, strides, x.geometry().offset());
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {grad.transpose(a, b)};
  }
}
