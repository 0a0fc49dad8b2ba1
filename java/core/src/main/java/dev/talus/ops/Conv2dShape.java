package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.Tensor;

/** The shapes of one convolution, checked: what its kernels are told. */
final class Conv2dShape {
  private final long[] params;

  private Conv2dShape(long[] params) {
    this.params = params;
  }

  /** Checks the arguments of a convolution in PyTorch's order and words. */
  static Conv2dShape of(
      Tensor x, Tensor w, Tensor bias, int[] stride, int[] padding, int[] dilation, int groups) {
    Checks.batchedImages("conv2d", x);
    Checks.floating("conv2d", x);
    Checks.sameType("conv2d", x, "weight", w);
    int[] s = Checks.pair("conv2d", "stride", stride, 1);
    int[] p = Checks.pair("conv2d", "padding", padding, 0);
    int[] d = Checks.pair("conv2d", "dilation", dilation, 1);
    if (w.dim() != 4) {
      throw new IllegalArgumentException(
          "conv2d(): expected a 4-dimensional weight [out channels, in channels / groups, height,"
              + " width], but got weight of size "
              + w.shape());
    }
    Placement.same(x, w, bias);
    checkChannels(x, w, groups);
    if (bias != null) {
      Checks.sameType("conv2d", x, "bias", bias);
      if (bias.dim() != 1 || bias.size(0) != w.size(0)) {
        throw new IllegalArgumentException(
            "Given weight of size "
                + w.shape()
                + ", expected bias to be 1-dimensional with "
                + w.size(0)
                + " elements, but got bias of size "
                + bias.shape()
                + " instead");
      }
    }
    long[] params = new long[TALUS_CONV_PARAMS];
    System.arraycopy(x.sizes(), 0, params, TALUS_CONV_N, 4);
    params[TALUS_CONV_O] = w.size(0);
    for (int i = 0; i < 2; i++) {
      params[TALUS_CONV_KH + i] = w.size(2 + i);
      params[TALUS_CONV_STRIDE_H + i] = s[i];
      params[TALUS_CONV_PAD_H + i] = p[i];
      params[TALUS_CONV_DILATION_H + i] = d[i];
    }
    params[TALUS_CONV_GROUPS] = groups;
    Conv2dShape shape = new Conv2dShape(params);
    shape.checkKernel();
    return shape;
  }

  private static void checkChannels(Tensor x, Tensor w, int groups) {
    if (groups <= 0) {
      throw new IllegalArgumentException(
          "conv2d(): groups should be greater than zero, but got " + groups);
    }
    String given = "Given groups=" + groups + ", ";
    long o = w.size(0);
    if (o < groups || o % groups != 0) {
      throw new IllegalArgumentException(
          given
              + "expected weight to be divisible by "
              + groups
              + " at dimension 0, but got weight of size "
              + w.shape()
              + " instead");
    }
    if (x.size(1) != w.size(1) * groups) {
      throw new IllegalArgumentException(
          given
              + "weight of size "
              + w.shape()
              + ", expected input"
              + x.shape()
              + " to have "
              + w.size(1) * groups
              + " channels, but got "
              + x.size(1)
              + " channels instead");
    }
  }

  private void checkKernel() {
    if (params[TALUS_CONV_KH] < 1 || params[TALUS_CONV_KW] < 1) {
      throw new IllegalArgumentException(
          "conv2d(): kernel size should be greater than zero, but got ("
              + params[TALUS_CONV_KH]
              + " x "
              + params[TALUS_CONV_KW]
              + ")");
    }
    if (padded(0) < span(0) || padded(1) < span(1)) {
      throw new IllegalArgumentException(
          "Calculated padded input size per channel: ("
              + padded(0)
              + " x "
              + padded(1)
              + "). Kernel size: ("
              + span(0)
              + " x "
              + span(1)
              + "). Kernel size can't be greater than actual input size");
    }
  }

  private long padded(int i) {
    return params[TALUS_CONV_H + i] + 2 * params[TALUS_CONV_PAD_H + i];
  }

  /** How far a kernel reaches, with its dilation. */
  private long span(int i) {
    return params[TALUS_CONV_DILATION_H + i] * (params[TALUS_CONV_KH + i] - 1) + 1;
  }

  private long out(int i) {
    return (padded(i) - span(i)) / params[TALUS_CONV_STRIDE_H + i] + 1;
  }

  /** In the order of the border's conv2d params; not to be changed. */
  long[] params() {
    return params;
  }

  long[] xSizes() {
    return new long[] {
      params[TALUS_CONV_N], params[TALUS_CONV_C], params[TALUS_CONV_H], params[TALUS_CONV_W]
    };
  }

  long[] wSizes() {
    return new long[] {
      params[TALUS_CONV_O],
      params[TALUS_CONV_C] / params[TALUS_CONV_GROUPS],
      params[TALUS_CONV_KH],
      params[TALUS_CONV_KW]
    };
  }

  long[] outSizes() {
    return new long[] {params[TALUS_CONV_N], params[TALUS_CONV_O], out(0), out(1)};
  }
}
