package dev.talus.nn;

import dev.talus.Tensor;

/**
 * The mean of each window of batched images.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html">AvgPool2d</a>
 */
public final class AvgPool2d extends Module {
  private final int[] kernel;
  private final int[] stride;
  private final int[] padding;
  private final boolean ceilMode;
  private final boolean countIncludePad;

  /**
   * Square windows side by side.
   *
   * @param kernelSize height, width and distance of the windows
   */
  public AvgPool2d(int kernelSize) {
    this(kernelSize, kernelSize);
  }

  /**
   * Square windows.
   *
   * @param kernelSize height and width of the windows
   * @param stride distance of the windows
   */
  public AvgPool2d(int kernelSize, int stride) {
    this(new int[] {kernelSize}, new int[] {stride}, new int[] {0}, false, true);
  }

  /**
   * Any windows. Each array holds one number, or those of height and width.
   *
   * @param kernelSize size of the windows
   * @param stride distance of the windows
   * @param padding zeros around the images, at most half the kernel
   * @param ceilMode whether a window that reaches past the end counts
   * @param countIncludePad whether the padding counts in the mean; PyTorch's default is true
   * @throws IllegalArgumentException if a number is out of range
   */
  public AvgPool2d(
      int[] kernelSize, int[] stride, int[] padding, boolean ceilMode, boolean countIncludePad) {
    kernel = Arguments.sizes("AvgPool2d", "kernel_size", kernelSize, 1);
    this.stride = Arguments.sizes("AvgPool2d", "stride", stride, 1);
    this.padding = Arguments.sizes("AvgPool2d", "padding", padding, 0);
    this.ceilMode = ceilMode;
    this.countIncludePad = countIncludePad;
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
      return F.avgPool2d(x, kernel, stride, padding, ceilMode, countIncludePad);
    } catch (IllegalArgumentException e) {
      throw refusal(e.getMessage(), e);
    }
  }

  @Override
  protected String extraRepr() {
    return "kernel_size="
        + Arguments.python(kernel)
        + ", stride="
        + Arguments.python(stride)
        + ", padding="
        + Arguments.python(padding);
  }
}
