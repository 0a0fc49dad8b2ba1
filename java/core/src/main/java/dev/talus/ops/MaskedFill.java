package dev.talus.ops;

import dev.talus.Scope;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;

/** Replaces the elements a mask selects by one value. */
public final class MaskedFill extends Node {
  private MaskedFill(Tensor x, Tensor mask) {
    super(x);
    save(mask);
  }

  /**
   * A copy of x with the value wherever the mask holds.
   *
   * @param x any type
   * @param mask a bool tensor; both broadcast
   * @param value converted to the type of x
   * @throws IllegalArgumentException if the mask is not bool, shapes do not broadcast, or an
   *     integer type cannot hold the value
   */
  public static Tensor apply(Tensor x, Tensor mask, double value) {
    Placement.same(x, mask);
    Checks.bool("masked_fill", "mask", mask);
    if (!Checks.holds(x.dtype(), value)) {
      throw new IllegalArgumentException(
          "masked_fill(): value " + value + " cannot be converted to type " + x.dtype());
    }
    Tensor out = Tensor.allocate(x.dtype(), x.device(), Shape.broadcast(x.sizes(), mask.sizes()));
    try (Scope scope = Scope.open()) {
      Where.launch(mask, Tensor.scalar(value, x.dtype(), x.device()), x, out);
    }
    return Autograd.records(x) ? new MaskedFill(x, mask).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {grad.maskedFill(saved(0), 0)};
  }
}
