package dev.talus.nn;

import dev.talus.Tensor;

/**
 * The negative log-likelihood of class indices, for a network that ends in {@link LogSoftmax}.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html">NLLLoss</a>
 */
public final class NLLLoss extends Loss {
  private final Tensor weight;
  private final long ignoreIndex;

  /** The mean over all targets but those equal to -100. */
  public NLLLoss() {
    this(null, F.IGNORE_INDEX, Reduction.MEAN);
  }

  /**
   * With all options.
   *
   * @param weight one for each class, owned by this module from now on; null for 1
   * @param ignoreIndex targets of this value count nothing
   * @param reduction the weighted mean, the sum or none
   */
  public NLLLoss(Tensor weight, long ignoreIndex, Reduction reduction) {
    super(reduction);
    this.weight = weight == null ? null : registerBuffer("weight", weight);
    this.ignoreIndex = ignoreIndex;
  }

  @Override
  public Tensor forward(Tensor input, Tensor target) {
    return F.nllLoss(input, target, weight, ignoreIndex, reduction());
  }
}
