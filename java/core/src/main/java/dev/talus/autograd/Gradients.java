package dev.talus.autograd;

import dev.talus.Tensor;
import java.util.Arrays;

/** What the engine does with gradients between two rules: add, un-broadcast, take over. */
final class Gradients {
  private Gradients() {}

  /** a + b, reusing a's memory where nobody else looks at it. Takes over both. */
  static Tensor add(Tensor a, Tensor b, boolean createGraph) {
    if (!createGraph && isExclusive(a)) {
      a.add_(b);
      b.close();
      return a;
    }
    if (!createGraph && isExclusive(b)) {
      b.add_(a);
      a.close();
      return b;
    }
    Tensor sum = a.add(b);
    a.close();
    b.close();
    return sum;
  }

  /** The gradient itself where it alone holds dense memory, else a copy. Takes over it. */
  static Tensor owned(Tensor grad, boolean createGraph) {
    if (createGraph || isExclusive(grad)) {
      return grad;
    }
    Tensor copy = grad.clone();
    grad.close();
    return copy;
  }

  private static boolean isExclusive(Tensor grad) {
    return grad.isContiguous() && grad.storage().references() == 1;
  }

  /**
   * Sums a gradient over the dimensions in which the forward broadcast its input.
   *
   * @param grad the gradient, of the broadcast shape
   * @param sizes the input's sizes
   */
  static Tensor sumTo(Tensor grad, long[] sizes) {
    long[] from = grad.sizes();
    if (Arrays.equals(from, sizes)) {
      return grad;
    }
    int extra = from.length - sizes.length;
    int[] dims = new int[from.length];
    int count = 0;
    for (int d = 0; d < from.length; d++) {
      if (from[d] != 1 && (d < extra || sizes[d - extra] == 1)) {
        dims[count++] = d;
      }
    }
    return count == 0 ? grad.view(sizes) : grad.sum(Arrays.copyOf(dims, count), true).view(sizes);
  }
}
