package dev.talus.nn;

import dev.talus.Tensor;

/**
 * The hyperbolic tangent, element by element.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Tanh.html">Tanh</a>
 */
public final class Tanh extends Module {
  /** The layer. */
  public Tanh() {}

  @Override
  public Tensor forward(Tensor x) {
    return x.tanh();
  }
}
