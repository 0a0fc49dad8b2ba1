package dev.talus.nn;

import dev.talus.Tensor;

/**
 * The means of as many windows as the output has elements, which cover batched images.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html">AdaptiveAvgPool2d</a>
 */
public final class AdaptiveAvgPool2d extends Module {
  private final int[] outputSize;

  /**
   * For an output of a size.
   *
   * @param outputSize one number, or height and width of the output
   * @throws IllegalArgumentException if a number is less than 1
   */
  public AdaptiveAvgPool2d(int... outputSize) {
    this.outputSize = Arguments.sizes("AdaptiveAvgPool2d", "output_size", outputSize, 1);
  }

  /**
   * Takes the mean of each window.
   *
   * @param x [N, C, H, W]
   * @return [N, C, OH, OW]
   * @throws IllegalArgumentException naming this layer, if the shape or type does not fit
   */
  @Override
  public Tensor forward(Tensor x) {
    try {
      return pool(x, outputSize);
    } catch (IllegalArgumentException e) {
      throw refusal(e.getMessage(), e);
    }
  }

  static Tensor pool(Tensor x, int[] outputSize) {
    int[] out =
        Arguments.pair(Arguments.sizes("adaptive_avg_pool2d", "output_size", outputSize, 1));
    return dev.talus.ops.AdaptiveAvgPool2d.apply(x, out[0], out[1]);
  }

  @Override
  protected String extraRepr() {
    return "output_size=" + Arguments.python(outputSize);
  }
}
