package dev.talus.nn;

import dev.talus.Tensor;

/**
 * The logistic function 1 / (1 + exp(-x)), element by element.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Sigmoid.html">Sigmoid</a>
 */
public final class Sigmoid extends Module {
  /** The layer. */
  public Sigmoid() {}

  @Override
  public Tensor forward(Tensor x) {
    return x.sigmoid();
  }
}
