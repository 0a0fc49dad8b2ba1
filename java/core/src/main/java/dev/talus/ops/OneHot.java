package dev.talus.ops;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.internal.Native;
import java.lang.ref.Reference;
import java.util.Arrays;

/** Class numbers as vectors with a single 1. */
public final class OneHot {
  private OneHot() {}

  /**
   * For each class number a vector that is 1 at its place and 0 elsewhere.
   *
   * @param index int64 of any shape, values in [0, classes)
   * @param classes the vectors' length; -1: one more than the largest index
   * @return int64, the index's shape with the vectors as last dimension
   * @throws IllegalArgumentException if the index is not int64 or classes is not positive
   * @throws IndexOutOfBoundsException if an index is outside [0, classes)
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.one_hot.html">one_hot</a>
   */
  public static Tensor apply(Tensor index, long classes) {
    if (index.dtype() != DType.INT64) {
      throw new IllegalArgumentException(
          "one_hot is only applicable to index tensor of type torch.int64, but got "
              + index.dtype());
    }
    try (Scope scope = Scope.open()) {
      long count = classes;
      if (classes == -1) {
        if (index.numel() == 0) {
          throw new IllegalArgumentException(
              "Can not infer total number of classes from empty tensor; pass the number of"
                  + " classes");
        }
        count = index.max().itemLong() + 1;
      }
      if (index.numel() > 0 && index.min().itemLong() < 0) {
        throw new IndexOutOfBoundsException(
            "Class values must be non-negative, but the smallest is " + index.min().itemLong());
      }
      if (count <= 0) {
        throw new IllegalArgumentException("num_classes should be positive, but got " + count);
      }
      if (index.numel() > 0 && index.max().itemLong() >= count) {
        throw new IndexOutOfBoundsException(
            "Class values must be smaller than num_classes ("
                + count
                + "), but the largest is "
                + index.max().itemLong());
      }
      long[] sizes = Arrays.copyOf(index.sizes(), index.dim() + 1);
      sizes[index.dim()] = count;
      Tensor out = Tensor.allocate(DType.INT64, index.device(), sizes);
      Native.oneHot(
          index.device().id(), index.numel(), count, index.contiguous().address(), out.address());
      Reference.reachabilityFence(index);
      return scope.escape(out);
    }
  }
}
