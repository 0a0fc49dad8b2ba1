package dev.talus.nn;

import dev.talus.Tensor;

/**
 * The cross entropy of unnormalised scores and classes: softmax and {@link NLLLoss} in one.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html">CrossEntropyLoss</a>
 */
public final class CrossEntropyLoss extends Loss {
  private final Tensor weight;
  private final long ignoreIndex;
  private final double labelSmoothing;

  /** The mean over all targets but those equal to -100, without smoothing. */
  public CrossEntropyLoss() {
    this(null, F.IGNORE_INDEX, Reduction.MEAN, 0);
  }

  /**
   * With all options.
   *
   * @param weight one for each class, owned by this module from now on; null for 1
   * @param ignoreIndex targets of this value count nothing
   * @param reduction the weighted mean, the sum or none
   * @param labelSmoothing share of the target spread over all classes, 0 to 1
   * @throws IllegalArgumentException if labelSmoothing is outside that range
   */
  public CrossEntropyLoss(
      Tensor weight, long ignoreIndex, Reduction reduction, double labelSmoothing) {
    super(reduction);
    F.checkSmoothing(labelSmoothing);
    this.weight = weight == null ? null : registerBuffer("weight", weight);
    this.ignoreIndex = ignoreIndex;
    this.labelSmoothing = labelSmoothing;
  }

  @Override
  public Tensor forward(Tensor input, Tensor target) {
    return F.crossEntropy(input, target, weight, ignoreIndex, reduction(), labelSmoothing);
  }
}
