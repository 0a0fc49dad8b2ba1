package dev.talus.nn;

import dev.talus.Tensor;
import dev.talus.ops.Epilogue;

/**
 * max(x, 0), element by element.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.ReLU.html">ReLU</a>
 */
public final class ReLU extends Module {
  /** The layer. */
  public ReLU() {}

  @Override
  public Tensor forward(Tensor x) {
    return x.relu();
  }

  @Override
  Epilogue asEpilogue() {
    return Epilogue.RELU;
  }
}
