package dev.talus.nn;

import dev.talus.Tensor;

/** The distance of an output from its target, as a module: {@code loss.forward(output, target)}. */
public abstract class Loss extends Module {
  private final Reduction reduction;

  /**
   * With a reduction.
   *
   * @param reduction the mean, the sum or none
   */
  protected Loss(Reduction reduction) {
    if (reduction == null) {
      throw new IllegalArgumentException("reduction is null; use MEAN, SUM or NONE");
    }
    this.reduction = reduction;
  }

  /** How the losses of single elements become one number. */
  public final Reduction reduction() {
    return reduction;
  }

  /**
   * Computes the loss.
   *
   * @param input what the network put out
   * @param target what it should have put out
   * @return 0-d, or one loss for each element without reduction
   */
  public abstract Tensor forward(Tensor input, Tensor target);

  /**
   * A loss needs a target.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public final Tensor forward(Tensor input) {
    throw new UnsupportedOperationException(
        "a loss compares two tensors; call forward(input, target)");
  }
}
