package dev.talus.ops;

import dev.talus.DType;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.Geometries;
import dev.talus.internal.Native;

/** Chooses between two tensors, element by element. */
public final class Where extends Node {
  private Where(Tensor condition, Tensor x, Tensor y) {
    super(x, y);
    save(condition);
  }

  /**
   * {@code condition ? x : y}; the three broadcast, x and y are promoted to one type.
   *
   * @param condition a bool tensor
   * @param first taken where the condition holds
   * @param second taken elsewhere
   * @throws IllegalArgumentException if the condition is not bool, or shapes do not broadcast
   */
  public static Tensor apply(Tensor condition, Tensor first, Tensor second) {
    Checks.bool("where", "condition", condition);
    DType type = Types.promote(first, second);
    Tensor x = Placement.beside(first, condition).to(type);
    Tensor y = Placement.beside(second, condition).to(type);
    Placement.same(condition, x, y);
    long[] sizes = Shape.broadcast(condition.sizes(), Shape.broadcast(x.sizes(), y.sizes()));
    Tensor out = Tensor.allocate(type, x.device(), sizes);
    launch(condition, x, y, out);
    return Autograd.records(x, y) ? new Where(condition, x, y).record(out) : out;
  }

  /** The kernel alone; x and y have the type of out. */
  static void launch(Tensor condition, Tensor x, Tensor y, Tensor out) {
    Native.where(
        out.device().id(),
        out.dtype().code(),
        out.numel(),
        Geometries.of(out, condition, x, y),
        condition.address(),
        x.address(),
        y.address(),
        out.address());
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    Tensor condition = saved(0);
    Tensor zero = Tensor.scalar(0, grad.dtype(), grad.device());
    return new Tensor[] {
      needs[0] ? apply(condition, grad, zero) : null, needs[1] ? apply(condition, zero, grad) : null
    };
  }
}
