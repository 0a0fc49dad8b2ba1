package dev.talus.nn;

import dev.talus.Tensor;

/**
 * x, or below 0 alpha · (exp(x) - 1), element by element.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.ELU.html">ELU</a>
 */
public final class ELU extends Module {
  private final double alpha;

  /** With PyTorch's defaults. */
  public ELU() {
    this(1);
  }

  /**
   * With all options.
   *
   * @param alpha the limit below 0, negated
   */
  public ELU(double alpha) {
    this.alpha = alpha;
  }

  @Override
  public Tensor forward(Tensor x) {
    return F.elu(x, alpha);
  }

  @Override
  protected String extraRepr() {
    return "alpha=" + Arguments.python(alpha);
  }
}
