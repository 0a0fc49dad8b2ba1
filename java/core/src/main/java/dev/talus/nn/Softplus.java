package dev.talus.nn;

import dev.talus.Tensor;

/**
 * log(1 + exp(beta · x)) / beta, element by element.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Softplus.html">Softplus</a>
 */
public final class Softplus extends Module {
  private final double beta;
  private final double threshold;

  /** With PyTorch's defaults. */
  public Softplus() {
    this(1, 20);
  }

  /**
   * With all options.
   *
   * @param beta the steepness
   * @param threshold from where beta · x counts as x itself
   */
  public Softplus(double beta, double threshold) {
    this.beta = beta;
    this.threshold = threshold;
  }

  @Override
  public Tensor forward(Tensor x) {
    return F.softplus(x, beta, threshold);
  }

  @Override
  protected String extraRepr() {
    return "beta=" + Arguments.python(beta) + ", threshold=" + Arguments.python(threshold);
  }
}
