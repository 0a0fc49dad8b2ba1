package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.NativeNn;
import dev.talus.nn.Reduction;
import java.util.Arrays;

/** The mean squared error. */
public final class MseLoss extends Node {
  private final Reduction reduction;

  private MseLoss(Tensor input, Tensor target, Reduction reduction) {
    super(input, target);
    this.reduction = reduction;
    save(input);
    save(target);
  }

  /**
   * (input - target)², reduced. Both broadcast and are promoted to one type.
   *
   * @param input predictions
   * @param target what they should have been
   * @param reduction the mean, the sum or none
   * @return 0-d, or of the broadcast shape without reduction
   * @throws IllegalArgumentException if the promoted type is not floating or shapes do not
   *     broadcast
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html">MSELoss</a>
   */
  public static Tensor apply(Tensor input, Tensor target, Reduction reduction) {
    Placement.same(input, target);
    DType type = Types.promote(input, target);
    Tensor x = input.to(type);
    Tensor y = target.to(type);
    Checks.floating("mse_loss", x);
    Tensor out = forward(x, y, reduction);
    return Autograd.records(x, y) ? new MseLoss(x, y, reduction).record(out) : out;
  }

  private static Tensor forward(Tensor x, Tensor y, Reduction reduction) {
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      if (reduction != Reduction.NONE && Arrays.equals(x.sizes(), y.sizes())) {
        Tensor out = Tensor.allocate(x.dtype(), x.device());
        NativeNn.mseLoss(
            x.device().id(),
            x.dtype().code(),
            x.numel(),
            x.contiguous().address(),
            y.contiguous().address(),
            reduction.code(),
            out.address());
        return scope.escape(out);
      }
      long[] sizes = Shape.broadcast(x.sizes(), y.sizes());
      Tensor squares = Tensor.allocate(x.dtype(), x.device(), sizes);
      Binary.launch(TALUS_SQUARED_DIFFERENCE, x, y, 1, squares);
      return scope.escape(
          reduction == Reduction.NONE
              ? squares
              : reduction == Reduction.MEAN ? squares.mean() : squares.sum());
    }
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    Tensor difference = saved(0).sub(saved(1));
    double scale = reduction == Reduction.MEAN ? 2.0 / difference.numel() : 2;
    Tensor g = difference.mul(grad.mul(scale));
    return new Tensor[] {needs[0] ? g : null, needs[1] ? g.neg() : null};
  }
}
