package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.DType;
import dev.talus.Tensor;

/** The shapes of one pooling, checked: what its kernels are told. */
final class Pool2dShape {
  private final long[] params;
  private final long[] xSizes;

  private Pool2dShape(long[] params, long[] xSizes) {
    this.params = params;
    this.xSizes = xSizes;
  }

  /** Checks the arguments every pooling has; stride null is the kernel's size. */
  static Pool2dShape of(
      String op,
      Tensor x,
      int[] kernel,
      int[] stride,
      int[] padding,
      int[] dilation,
      boolean ceilMode) {
    Checks.batchedImages(op, x);
    Checks.floating(op, x);
    int[] k = Checks.pair(op, "kernel size", kernel, 1);
    int[] s = stride == null || stride.length == 0 ? k : Checks.pair(op, "stride", stride, 1);
    int[] p = Checks.pair(op, "padding", padding, 0);
    int[] d = Checks.pair(op, "dilation", dilation, 1);
    long[] params = new long[TALUS_POOL_PARAMS];
    params[TALUS_POOL_PLANES] = x.size(0) * x.size(1);
    for (int i = 0; i < 2; i++) {
      if (p[i] > k[i] / 2) {
        throw new IllegalArgumentException(
            op
                + "(): pad should be smaller than or equal to half of kernel size, but got pad="
                + p[i]
                + ", kernel_size="
                + k[i]);
      }
      params[TALUS_POOL_H + i] = x.size(2 + i);
      params[TALUS_POOL_KH + i] = k[i];
      params[TALUS_POOL_STRIDE_H + i] = s[i];
      params[TALUS_POOL_PAD_H + i] = p[i];
      params[TALUS_POOL_DILATION_H + i] = d[i];
    }
    params[TALUS_POOL_CEIL_MODE] = ceilMode ? 1 : 0;
    Pool2dShape shape = new Pool2dShape(params, x.sizes());
    shape.checkOutput();
    return shape;
  }

  /** The same pooling with average pooling's options. */
  Pool2dShape averaging(boolean countIncludePad, long divisor) {
    long[] more = params.clone();
    more[TALUS_POOL_COUNT_INCLUDE_PAD] = countIncludePad ? 1 : 0;
    more[TALUS_POOL_DIVISOR] = divisor;
    return new Pool2dShape(more, xSizes);
  }

  private void checkOutput() {
    if (params[TALUS_POOL_H] < 1 || params[TALUS_POOL_W] < 1 || out(0) < 1 || out(1) < 1) {
      throw new IllegalArgumentException(
          "Given input size: ("
              + xSizes[1]
              + "x"
              + xSizes[2]
              + "x"
              + xSizes[3]
              + "). Calculated output size: ("
              + xSizes[1]
              + "x"
              + out(0)
              + "x"
              + out(1)
              + "). Output size is too small");
    }
  }

  private long out(int i) {
    long in = params[TALUS_POOL_H + i];
    long stride = params[TALUS_POOL_STRIDE_H + i];
    long pad = params[TALUS_POOL_PAD_H + i];
    long span = params[TALUS_POOL_DILATION_H + i] * (params[TALUS_POOL_KH + i] - 1) + 1;
    boolean ceil = params[TALUS_POOL_CEIL_MODE] != 0;
    long out = Math.floorDiv(in + 2 * pad - span + (ceil ? stride - 1 : 0), stride) + 1;
    // In ceil mode the last window must start inside the input or its left padding.
    return ceil && (out - 1) * stride >= in + pad ? out - 1 : out;
  }

  /** In the order of the border's pool2d params; not to be changed. */
  long[] params() {
    return params;
  }

  long[] xSizes() {
    return xSizes;
  }

  long[] outSizes() {
    return new long[] {xSizes[0], xSizes[1], out(0), out(1)};
  }

  /** What max pooling's kernels write a window's chosen position as. */
  DType tapType() {
    return params[TALUS_POOL_KH] * params[TALUS_POOL_KW] <= 256 ? DType.UINT8 : DType.INT32;
  }

  /** Where in its plane the element lies that each window chose: h*W + w, as int64. */
  Tensor places(Tensor taps) {
    Tensor tap = taps.to(DType.INT64);
    Tensor width = Tensor.scalar(params[TALUS_POOL_KW], DType.INT64, taps.device());
    Tensor h = along(0, tap.floorDivide(width), out(0), 1);
    Tensor w = along(1, tap.remainder(width), 1, out(1));
    return h.mul(params[TALUS_POOL_W]).add(w);
  }

  private Tensor along(int i, Tensor tap, long rows, long cols) {
    long first = -params[TALUS_POOL_PAD_H + i];
    long stride = params[TALUS_POOL_STRIDE_H + i];
    Tensor starts =
        Tensor.arange(first, first + stride * rows * cols, stride, tap.device())
            .reshape(rows, cols);
    return tap.mul(params[TALUS_POOL_DILATION_H + i]).add(starts);
  }
}
