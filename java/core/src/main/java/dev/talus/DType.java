package dev.talus;

/**
 * The element types of a {@link Tensor}, with PyTorch's names and promotion order.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/tensor_attributes.html">torch.dtype</a>
 */
public enum DType {
  /** 32-bit IEEE floating point, the default. */
  FLOAT32("torch.float32", 4, 4),
  /** 64-bit IEEE floating point. */
  FLOAT64("torch.float64", 8, 5),
  /** 64-bit signed integer, the type of class labels and indices. */
  INT64("torch.int64", 8, 3),
  /** 32-bit signed integer. */
  INT32("torch.int32", 4, 2),
  /** 8-bit unsigned integer, the type of image bytes. */
  UINT8("torch.uint8", 1, 1),
  /** One byte, 0 or 1. */
  BOOL("torch.bool", 1, 0);

  private final String torchName;
  private final int bytes;
  private final int rank;

  DType(String torchName, int bytes, int rank) {
    this.torchName = torchName;
    this.bytes = bytes;
    this.rank = rank;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** The number that stands for this type at the native border. */
  public int code() {
    return ordinal();
  }

  /** Whether this is a floating-point type, the only kind that can require a gradient. */
  public boolean isFloating() {
    return rank >= 4;
  }

  /**
   * The type two operands of equal standing are computed in: the wider one, floating before
   * integer.
   *
   * @param a one operand's type
   * @param b the other's
   * @return the common type
   */
  public static DType promote(DType a, DType b) {
    return a.rank >= b.rank ? a : b;
  }

  /** PyTorch's name, such as {@code torch.float32}. */
  @Override
  public String toString() {
    return torchName;
  }
}
