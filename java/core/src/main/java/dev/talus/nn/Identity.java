package dev.talus.nn;

import dev.talus.Tensor;

/**
 * Returns its input.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Identity.html">Identity</a>
 */
public final class Identity extends Module {
  /** The layer. */
  public Identity() {}

  @Override
  public Tensor forward(Tensor x) {
    return x;
  }
}
