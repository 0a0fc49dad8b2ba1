package dev.talus.tests.ops;

import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import java.util.stream.IntStream;

/** Ways the elements of a tensor can lie in memory. */
public enum Layout {
  /** Dimensions in reverse order in memory. */
  PERMUTED {
    @Override
    Tensor arrange(Tensor x) {
      int[] reverse = IntStream.range(0, x.dim()).map(d -> x.dim() - 1 - d).toArray();
      return x.permute(reverse).contiguous().permute(reverse);
    }
  },
  /** A window in the middle of a larger tensor. */
  NARROWED {
    @Override
    Tensor arrange(Tensor x) {
      Tensor window = Tensor.full(x.dtype(), x.device(), 1, larger(x, 1, 3));
      for (int d = 0; d < x.dim(); d++) {
        window = window.narrow(d, 1, x.size(d));
      }
      return x.dim() == 0 ? copied(x, window.select(0, 2)) : copied(x, window);
    }
  },
  /** Every second element of the last dimension. */
  STEPPED {
    @Override
    Tensor arrange(Tensor x) {
      Tensor wide = Tensor.full(x.dtype(), x.device(), 1, larger(x, 2, 0));
      if (x.dim() == 0) {
        return copied(x, wide.select(0, 1));
      }
      return copied(x, wide.slice(-1, 0, wide.size(-1), 2));
    }
  },
  /** The first dimension that has several elements shows one of them again and again. */
  BROADCAST {
    @Override
    Tensor arrange(Tensor x) {
      for (int d = 0; d < x.dim(); d++) {
        if (x.size(d) > 1) {
          return x.narrow(d, 0, 1).expand(x.shape().toArray());
        }
      }
      return x;
    }
  };

  /** The shape of a tensor to cut x out of: all sizes plus more, or the last times a factor. */
  private static long[] larger(Tensor x, int factor, int more) {
    if (x.dim() == 0) {
      return new long[] {3};
    }
    long[] sizes = x.shape().toArray();
    for (int d = 0; d < sizes.length; d++) {
      sizes[d] += more;
    }
    sizes[sizes.length - 1] *= factor;
    return sizes;
  }

  private static Tensor copied(Tensor x, Tensor window) {
    window.copy_(x);
    return window;
  }

  abstract Tensor arrange(Tensor x);

  /** A leaf of the shape and device of x in this layout; but for BROADCAST, of the same values. */
  public Tensor of(Tensor x) {
    try (Autograd.GradMode mode = Autograd.noGrad()) {
      return arrange(x);
    }
  }
}
