package dev.talus.nn;

import dev.talus.Tensor;

/**
 * x · min(max(x + 3, 0), 6) / 6, element by element.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardswish.html">Hardswish</a>
 */
public final class Hardswish extends Module {
  /** The layer. */
  public Hardswish() {}

  @Override
  public Tensor forward(Tensor x) {
    return F.hardswish(x);
  }
}
