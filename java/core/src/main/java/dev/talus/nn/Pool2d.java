package dev.talus.nn;

import dev.talus.Tensor;

/** What poolings of batched images share: windows, and errors that name the layer. */
abstract class Pool2d extends Module {
  final int[] kernel;
  final int[] stride;
  final int[] padding;
  final boolean ceilMode;

  /** Each array holds one number, or those of height and width; PyTorch's names in errors. */
  Pool2d(String layer, int[] kernelSize, int[] stride, int[] padding, boolean ceilMode) {
    kernel = Arguments.sizes(layer, "kernel_size", kernelSize, 1);
    this.stride = Arguments.sizes(layer, "stride", stride, 1);
    this.padding = Arguments.sizes(layer, "padding", padding, 0);
    this.ceilMode = ceilMode;
  }

  /** The value of each window of x. */
  abstract Tensor pool(Tensor x);

  /**
   * Pools each window.
   *
   * @param x [N, C, H, W]
   * @return [N, C, OH, OW]
   * @throws IllegalArgumentException naming this layer, if the shape or type does not fit
   */
  @Override
  public final Tensor forward(Tensor x) {
    try {
      return pool(x);
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
