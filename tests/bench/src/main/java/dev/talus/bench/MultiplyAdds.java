package dev.talus.bench;

/**
 * The multiply-adds that a network's convolutions and linear layers need for one image, counted
 * from their sizes: what the processor's multiply-add rate sets a limit to. All else is left out.
 */
final class MultiplyAdds {
  private double first;
  private double all;

  /** The tutorial's network. */
  static MultiplyAdds lenet() {
    return new MultiplyAdds()
        .convolution(1, 6, 3, 30)
        .convolution(6, 16, 3, 13)
        .linear(16 * 6 * 6, 120)
        .linear(120, 84)
        .linear(84, 10);
  }

  static MultiplyAdds mlp() {
    return new MultiplyAdds().linear(784, 1024).linear(1024, 1024).linear(1024, 10);
  }

  /** For images of 32 x 32. */
  static MultiplyAdds vgg11() {
    MultiplyAdds net = new MultiplyAdds();
    int in = 3;
    int size = 32;
    for (int out : TorchCifar.VGG_11) {
      if (out == TorchCifar.POOL) {
        size /= 2;
      } else {
        net.convolution(in, out, 3, size);
        in = out;
      }
    }
    return net.linear(in, 10);
  }

  /** For images of 32 x 32. */
  static MultiplyAdds resNet18() {
    MultiplyAdds net = new MultiplyAdds().convolution(3, 64, 3, 32);
    int in = 64;
    int size = 32;
    for (int out : new int[] {64, 128, 256, 512}) {
      if (in != out) {
        size /= 2;
        net.convolution(in, out, 1, size);
      }
      net.convolution(in, out, 3, size);
      for (int i = 0; i < 3; i++) {
        net.convolution(out, out, 3, size);
      }
      in = out;
    }
    return net.linear(in, 10);
  }

  /**
   * Adds a square convolution.
   *
   * @param size height of its output
   */
  private MultiplyAdds convolution(int in, int out, int kernel, int size) {
    return add((double) in * out * kernel * kernel * size * size);
  }

  private MultiplyAdds linear(int in, int out) {
    return add((double) in * out);
  }

  private MultiplyAdds add(double count) {
    if (all == 0) {
      first = count;
    }
    all += count;
    return this;
  }

  /** Floating-point operations of a forward pass. */
  double inference(int images) {
    return 2 * all * images;
  }

  /**
   * Floating-point operations of forward and backward. A layer's gradients of its input and of its
   * weight each need as many as its output; the images need no gradient.
   */
  double training(int images) {
    return 2 * (3 * all - first) * images;
  }
}
