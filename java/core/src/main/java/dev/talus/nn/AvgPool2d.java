package dev.talus.nn;

import dev.talus.Tensor;

/**
 * The mean of each window of batched images.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html">AvgPool2d</a>
 */
public final class AvgPool2d extends Pool2d {
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
    super("AvgPool2d", kernelSize, stride, padding, ceilMode);
    this.countIncludePad = countIncludePad;
  }

  @Override
  Tensor pool(Tensor x) {
    return F.avgPool2d(x, kernel, stride, padding, ceilMode, countIncludePad);
  }
}
