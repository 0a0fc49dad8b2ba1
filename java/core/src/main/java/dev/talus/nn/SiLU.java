package dev.talus.nn;

import dev.talus.Tensor;

/**
 * x · sigmoid(x), element by element.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.SiLU.html">SiLU</a>
 */
public final class SiLU extends Module {
  /** The layer. */
  public SiLU() {}

  @Override
  public Tensor forward(Tensor x) {
    return F.silu(x);
  }
}
