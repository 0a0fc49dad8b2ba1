package dev.talus.nn;

import dev.talus.Tensor;
import dev.talus.ops.Epilogue;

/**
 * min(max(x, 0), 6), element by element. Behind a {@link Conv2d} or {@link Linear}, {@link
 * Sequential} computes it in the same pass.
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

  @Override
  Epilogue asEpilogue() {
    return Epilogue.RELU6;
  }
}
