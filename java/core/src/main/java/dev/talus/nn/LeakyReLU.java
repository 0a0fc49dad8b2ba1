package dev.talus.nn;

import dev.talus.Tensor;

/**
 * x, or below 0 a slope times x, element by element.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.LeakyReLU.html">LeakyReLU</a>
 */
public final class LeakyReLU extends Module {
  private final double negativeSlope;

  /** With PyTorch's defaults. */
  public LeakyReLU() {
    this(0.01);
  }

  /**
   * With all options.
   *
   * @param negativeSlope the slope below 0
   */
  public LeakyReLU(double negativeSlope) {
    this.negativeSlope = negativeSlope;
  }

  @Override
  public Tensor forward(Tensor x) {
    return F.leakyRelu(x, negativeSlope);
  }

  @Override
  protected String extraRepr() {
    return "negative_slope=" + Arguments.python(negativeSlope);
  }
}
