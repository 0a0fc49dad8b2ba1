package dev.talus.nn;

import dev.talus.Tensor;

/**
 * The largest element of each window of batched images.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html">MaxPool2d</a>
 */
public final class MaxPool2d extends Pool2d {
  private final int[] dilation;

  /**
   * Square windows side by side.
   *
   * @param kernelSize height, width and distance of the windows
   */
  public MaxPool2d(int kernelSize) {
    this(kernelSize, kernelSize);
  }

  /**
   * Square windows.
   *
   * @param kernelSize height and width of the windows
   * @param stride distance of the windows
   */
  public MaxPool2d(int kernelSize, int stride) {
    this(new int[] {kernelSize}, new int[] {stride}, new int[] {0}, new int[] {1}, false);
  }

  /**
   * Any windows. Each array holds one number, or those of height and width.
   *
   * @param kernelSize size of the windows
   * @param stride distance of the windows
   * @param padding rows and columns around the images that no window chooses, at most half the
   *     kernel
   * @param dilation distance of neighbouring window elements
   * @param ceilMode whether a window that reaches past the end counts
   * @throws IllegalArgumentException if a number is out of range
   */
  public MaxPool2d(
      int[] kernelSize, int[] stride, int[] padding, int[] dilation, boolean ceilMode) {
    super("MaxPool2d", kernelSize, stride, padding, ceilMode);
    this.dilation = Arguments.sizes("MaxPool2d", "dilation", dilation, 1);
  }

  @Override
  Tensor pool(Tensor x) {
    return F.maxPool2d(x, kernel, stride, padding, dilation, ceilMode);
  }

  @Override
  protected String extraRepr() {
    return super.extraRepr()
        + ", dilation="
        + Arguments.python(dilation)
        + ", ceil_mode="
        + Arguments.python(ceilMode);
  }
}
