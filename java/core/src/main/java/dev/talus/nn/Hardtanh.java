package dev.talus.nn;

import dev.talus.Tensor;
import dev.talus.ops.Epilogue;

/**
 * x between two bounds, element by element.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Hardtanh.html">Hardtanh</a>
 */
public final class Hardtanh extends Module {
  private final double minVal;
  private final double maxVal;

  /** With PyTorch's defaults. */
  public Hardtanh() {
    this(-1, 1);
  }

  /**
   * With all options.
   *
   * @param minVal the lower bound
   * @param maxVal the upper bound
   */
  public Hardtanh(double minVal, double maxVal) {
    this.minVal = minVal;
    this.maxVal = maxVal;
  }

  @Override
  public Tensor forward(Tensor x) {
    return F.hardtanh(x, minVal, maxVal);
  }

  @Override
  Epilogue asEpilogue() {
    return minVal == 0 && maxVal == 6 ? Epilogue.RELU6 : null;
  }

  @Override
  protected String extraRepr() {
    return "min_val=" + Arguments.python(minVal) + ", max_val=" + Arguments.python(maxVal);
  }
}
