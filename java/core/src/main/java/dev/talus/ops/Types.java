package dev.talus.ops;

import dev.talus.DType;
import dev.talus.Tensor;

/** PyTorch's type promotion. */
final class Types {
  private Types() {}

  /**
   * The type two operands are computed in. A 0-d tensor counts only where its category (bool,
   * integer, floating) is above the other's.
   *
   * @see <a href="https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc">
   *     Type promotion</a>
   */
  static DType promote(Tensor a, Tensor b) {
    DType x = a.dtype();
    DType y = b.dtype();
    if (x == y || (a.dim() == 0) == (b.dim() == 0)) {
      return DType.promote(x, y);
    }
    DType full = a.dim() == 0 ? y : x;
    DType scalar = a.dim() == 0 ? x : y;
    return category(scalar) > category(full) ? scalar : full;
  }

  /** Whether a result of one type may be written into a tensor of another. */
  static boolean canCast(DType from, DType to) {
    return category(from) <= category(to);
  }

  private static int category(DType type) {
    return type == DType.BOOL ? 0 : type.isFloating() ? 2 : 1;
  }
}
