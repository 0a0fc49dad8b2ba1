package dev.talus.ops;

import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;

/** A matrix transposed. */
public final class T extends Node {
  private T(Tensor x) {
    super(x);
  }

  /**
   * Exchanges the dimensions of a matrix; vectors and scalars stay as they are.
   *
   * @throws IllegalArgumentException for more than two dimensions
   */
  public static Tensor apply(Tensor x) {
    if (x.dim() > 2) {
      throw new IllegalArgumentException(
          "t() expects a tensor with <= 2 dimensions, but self is " + x.dim() + "D");
    }
    Tensor out = x.dim() == 2 ? Transpose.view(x, 0, 1) : x.alias();
    return Autograd.records(x) && x.dim() == 2 ? new T(x).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {grad.t()};
  }
}
