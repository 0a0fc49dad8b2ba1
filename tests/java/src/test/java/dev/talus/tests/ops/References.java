package dev.talus.tests.ops;

/** The larger ops as plain loops, straight from their definitions. */
final class References {
  private References() {}

  static Nd mm(Nd a, Nd b) {
    return Nd.fill(
        i -> {
          double sum = 0;
          for (int k = 0; k < a.size(1); k++) {
            sum += a.at(i[0], k) * b.at(k, i[1]);
          }
          return sum;
        },
        a.size(0),
        b.size(1));
  }

  static Nd bmm(Nd a, Nd b) {
    return Nd.fill(
        i -> {
          double sum = 0;
          for (int k = 0; k < a.size(2); k++) {
            sum += a.at(i[0], i[1], k) * b.at(i[0], k, i[2]);
          }
          return sum;
        },
        a.size(0),
        a.size(1),
        b.size(2));
  }

  static int outSize(int in, int kernel, int stride, int padding, int dilation) {
    return (in + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
  }

  /**
   * Cross-correlation: out[n,o,y,x] = bias[o] + sum over c,u,v of w[o,c,u,v] · the padded input.
   */
  static Nd conv2d(Nd x, Nd w, Nd bias, int stride, int padding, int dilation, int groups) {
    int perGroup = w.size(0) / groups;
    return Nd.fill(
        i -> {
          double sum = bias == null ? 0 : bias.at(i[1]);
          for (int c = 0; c < w.size(1); c++) {
            for (int u = 0; u < w.size(2); u++) {
              for (int v = 0; v < w.size(3); v++) {
                int channel = i[1] / perGroup * w.size(1) + c;
                int row = i[2] * stride - padding + u * dilation;
                int column = i[3] * stride - padding + v * dilation;
                sum += w.at(i[1], c, u, v) * x.at(i[0], channel, row, column);
              }
            }
          }
          return sum;
        },
        x.size(0),
        w.size(0),
        outSize(x.size(2), w.size(2), stride, padding, dilation),
        outSize(x.size(3), w.size(3), stride, padding, dilation));
  }

  static Nd maxPool2d(Nd x, int kernel, int stride, int padding, int dilation) {
    return Nd.fill(
        i -> {
          double best = Double.NEGATIVE_INFINITY;
          for (int u = 0; u < kernel; u++) {
            for (int v = 0; v < kernel; v++) {
              int row = i[2] * stride - padding + u * dilation;
              int column = i[3] * stride - padding + v * dilation;
              if (row >= 0 && row < x.size(2) && column >= 0 && column < x.size(3)) {
                best = Math.max(best, x.at(i[0], i[1], row, column));
              }
            }
          }
          return best;
        },
        x.size(0),
        x.size(1),
        outSize(x.size(2), kernel, stride, padding, dilation),
        outSize(x.size(3), kernel, stride, padding, dilation));
  }

  /** Padding counts as zeros. */
  static Nd avgPool2d(Nd x, int kernel, int stride, int padding) {
    return Nd.fill(
        i -> {
          double sum = 0;
          for (int u = 0; u < kernel; u++) {
            for (int v = 0; v < kernel; v++) {
              sum += x.at(i[0], i[1], i[2] * stride - padding + u, i[3] * stride - padding + v);
            }
          }
          return sum / (kernel * kernel);
        },
        x.size(0),
        x.size(1),
        outSize(x.size(2), kernel, stride, padding, 1),
        outSize(x.size(3), kernel, stride, padding, 1));
  }

  /** Along the last dimension of a matrix. */
  static Nd logSoftmax(Nd x) {
    return Nd.fill(
        i -> {
          double sum = 0;
          for (int c = 0; c < x.size(1); c++) {
            sum += Math.exp(x.at(i[0], c));
          }
          return x.at(i) - Math.log(sum);
        },
        x.shape());
  }

  static Nd scalar(double value) {
    return new Nd(new double[] {value}, new long[0]);
  }
}
