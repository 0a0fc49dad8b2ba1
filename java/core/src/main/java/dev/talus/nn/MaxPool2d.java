package dev.talus.nn;

import dev.talus.Tensor;

/**
 * The largest element of each window of batched images.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html">MaxPool2d</a>
 */
public final class MaxPool2d extends Module {
  private final int[] kernel;
  private final int[] stride;
  private final int[] padding;
  private final int[] dilation;
  private final boolean ceilMode;

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
    kernel = Arguments.sizes("MaxPool2d", "kernel_size", kernelSize, 1);
    this.stride = Arguments.sizes("MaxPool2d", "stride", stride, 1);
    this.padding = Arguments.sizes("MaxPool2d", "padding", padding, 0);
    this.dilation = Arguments.sizes("MaxPool2d", "dilation", dilation, 1);
    this.ceilMode = ceilMode;
  }

  /**
   * Takes the largest element of each window.
   *
   * @param x [N, C, H, W]
   * @return [N, C, OH, OW]
   * @throws IllegalArgumentException naming this layer, if the shape or type does not fit
   */
  @Override
  public Tensor forward(Tensor x) {
    try {
      return F.maxPool2d(x, kernel, stride, padding, dilation, ceilMode);
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
        + Arguments.python(padding)
        + ", dilation="
        + Arguments.python(dilation)
        + ", ceil_mode="
        + Arguments.python(ceilMode);
  }
}
