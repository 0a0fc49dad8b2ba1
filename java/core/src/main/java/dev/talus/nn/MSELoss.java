package dev.talus.nn;

import dev.talus.Tensor;

/**
 * The squared difference of input and target, by default its mean.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.MSELoss.html">MSELoss</a>
 */
public final class MSELoss extends Loss {
  /** The mean. */
  public MSELoss() {
    this(Reduction.MEAN);
  }

  /**
   * With a reduction.
   *
   * @param reduction the mean, the sum or none
   */
  public MSELoss(Reduction reduction) {
    super(reduction);
  }

  @Override
  public Tensor forward(Tensor input, Tensor target) {
    return F.mseLoss(input, target, reduction());
  }
}
