package dev.talus.nn;

import dev.talus.Tensor;

/**
 * Zeros random channels in training and divides the others by 1 - p; evaluation leaves all as it
 * is. The default generator draws PyTorch's numbers.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout2d.html">Dropout2d</a>
 */
public final class Dropout2d extends DropoutNd {
  /** With p = 0.5. */
  public Dropout2d() {
    this(0.5);
  }

  /**
   * With a probability.
   *
   * @param p the probability of a zero, 0 to 1
   * @throws IllegalArgumentException if p is out of range
   */
  public Dropout2d(double p) {
    super(p);
  }

  @Override
  public Tensor forward(Tensor x) {
    return F.dropout2d(x, p, isTraining());
  }
}
