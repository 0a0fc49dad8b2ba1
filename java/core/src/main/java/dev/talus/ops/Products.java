package dev.talus.ops;

import dev.talus.Tensor;
import java.util.Arrays;
import java.util.List;

/** The gradient of a product, which is right where factors are zero as well. */
final class Products {
  private Products() {}

  /** For each element, g times the product of the other elements of its slice. */
  static Tensor gradient(Tensor g, Tensor x, Tensor y, int[] dims, double p0) {
    if (x.eq(0).any().itemLong() == 0) {
      return g.mul(y).div(x);
    }
    return g.mul(ofOthers(x, new Dims(x, dims)));
  }

  private static Tensor ofOthers(Tensor x, Dims split) {
    if (x.dim() == 0) {
      return Tensor.onesLike(x);
    }
    Tensor ordered = x.permute(split.order());
    long[] slices = Arrays.copyOf(ordered.sizes(), split.kept() + 1);
    slices[split.kept()] = split.count();
    Tensor factors = ordered.reshape(slices);
    Tensor others = products(factors, false).mul(products(factors, true));
    int[] back = new int[x.dim()];
    for (int i = 0; i < back.length; i++) {
      back[split.order()[i]] = i;
    }
    return others.reshape(ordered.sizes()).permute(back);
  }

  /** The products of all elements before each one, or after it, along the last dimension. */
  private static Tensor products(Tensor x, boolean after) {
    long n = x.size(-1);
    Tensor one = Tensor.onesLike(x.narrow(-1, 0, 1));
    Tensor p =
        after
            ? Tensor.cat(List.of(x.narrow(-1, 1, n - 1), one), -1)
            : Tensor.cat(List.of(one, x.narrow(-1, 0, n - 1)), -1);
    // Each round doubles how many neighbours an element has taken in.
    for (long step = 1; step < n; step *= 2) {
      Tensor low = p.narrow(-1, 0, n - step);
      Tensor high = p.narrow(-1, step, n - step);
      p =
          after
              ? Tensor.cat(List.of(low.mul(high), p.narrow(-1, n - step, step)), -1)
              : Tensor.cat(List.of(p.narrow(-1, 0, step), low.mul(high)), -1);
    }
    return p;
  }
}
