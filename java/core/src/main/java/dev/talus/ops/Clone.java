package dev.talus.ops;

import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;

/** A contiguous copy. */
public final class Clone extends Node {
  private Clone(Tensor x) {
    super(x);
  }

  /** Copies the values. */
  public static Tensor apply(Tensor x) {
    Tensor out = Tensor.emptyLike(x);
    InPlace.copyValues(x, out);
    return Autograd.records(x) ? new Clone(x).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {grad};
  }
}
