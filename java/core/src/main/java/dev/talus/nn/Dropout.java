package dev.talus.nn;

import dev.talus.Tensor;

/**
 * Zeros random elements in training and divides the others by 1 - p; evaluation leaves all as it
 * is. The default generator draws PyTorch's numbers.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html">Dropout</a>
 */
public final class Dropout extends DropoutNd {
  /** With p = 0.5. */
  public Dropout() {
    this(0.5);
  }

  /**
   * With a probability.
   *
   * @param p the probability of a zero, 0 to 1
   * @throws IllegalArgumentException if p is out of range
   */
  public Dropout(double p) {
    super(p);
  }

  @Override
  public Tensor forward(Tensor x) {
    return F.dropout(x, p, isTraining());
  }
}
