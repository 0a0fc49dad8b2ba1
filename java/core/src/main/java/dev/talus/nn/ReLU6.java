package dev.talus.nn;

import dev.talus.Tensor;

/**
 * min(max(x, 0), 6), element by element.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU6.html">ReLU6</a>
 */
public final class ReLU6 extends Module {
  /** The layer. */
  public ReLU6() {}

  @Override
  public Tensor forward(Tensor x) {
    return F.relu6(x);
  }
}
