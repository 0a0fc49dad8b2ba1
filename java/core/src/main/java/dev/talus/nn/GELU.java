package dev.talus.nn;

import dev.talus.Tensor;

/**
 * x times the normal distribution function of x, element by element.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.GELU.html">GELU</a>
 */
public final class GELU extends Module {
  private final String approximate;

  /** With PyTorch's defaults. */
  public GELU() {
    this("none");
  }

  /**
   * With all options.
   *
   * @param approximate {@code "none"} or {@code "tanh"}
   */
  public GELU(String approximate) {
    Arguments.approximation(approximate);
    this.approximate = approximate;
  }

  @Override
  public Tensor forward(Tensor x) {
    return F.gelu(x, approximate);
  }

  @Override
  protected String extraRepr() {
    return "approximate='" + approximate + "'";
  }
}
