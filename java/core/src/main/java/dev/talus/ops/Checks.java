package dev.talus.ops;

import dev.talus.DType;
import dev.talus.Tensor;
import java.util.Arrays;

/** What several ops demand of their arguments, and how they say so. */
final class Checks {
  private Checks() {}

  static void floating(String op, Tensor x) {
    if (!x.dtype().isFloating()) {
      throw new IllegalArgumentException(
          op
              + "(): expected a floating point tensor, but got "
              + x.dtype()
              + "; convert with to(DType.FLOAT32)");
    }
  }

  /** That a tensor has the type of the input; what names it in the message. */
  static void sameType(String op, Tensor input, String what, Tensor other) {
    if (input.dtype() != other.dtype()) {
      throw new IllegalArgumentException(
          op
              + "(): input type ("
              + input.dtype()
              + ") and "
              + what
              + " type ("
              + other.dtype()
              + ") should be the same; convert one with to(DType)");
    }
  }

  static void bool(String op, String what, Tensor x) {
    if (x.dtype() != DType.BOOL) {
      throw new IllegalArgumentException(
          op
              + "(): expected "
              + what
              + " to be a boolean tensor, but got a tensor with dtype "
              + x.dtype()
              + "; compare it with ne(0)");
    }
  }

  /** Whether a type represents a number exactly, or, for floating types, closely. */
  static boolean holds(DType type, double value) {
    if (type.isFloating()) {
      return true;
    }
    if (value != Math.rint(value)) {
      return false;
    }
    switch (type) {
      case INT64:
        return value >= -0x1p63 && value < 0x1p63;
      case INT32:
        return value >= Integer.MIN_VALUE && value <= Integer.MAX_VALUE;
      case UINT8:
        return value >= 0 && value <= 255;
      default:
        return value == 0 || value == 1;
    }
  }

  /** An index as int64. */
  static Tensor index(String op, Tensor index) {
    if (index.dtype() != DType.INT64 && index.dtype() != DType.INT32) {
      throw new IllegalArgumentException(
          op
              + "(): Expected dtype int32/int64 for index, but got "
              + index.dtype()
              + "; convert with to(DType.INT64)");
    }
    return index.to(DType.INT64);
  }

  /** Whether kernels can read all of these as they are; null is nothing to read. */
  static boolean contiguous(Tensor a, Tensor b, Tensor c) {
    return (a == null || a.isContiguous())
        && (b == null || b.isContiguous())
        && (c == null || c.isContiguous());
  }

  /** The tensor itself if contiguous, else a copy that autograd does not see; null stays null. */
  static Tensor dense(Tensor x) {
    if (x == null || x.isContiguous()) {
      return x;
    }
    Tensor copy = Tensor.allocateLike(x);
    InPlace.copyValues(x, copy);
    return copy;
  }

  /** That images come as [batch, channels, height, width]. */
  static void batchedImages(String op, Tensor x) {
    if (x.dim() != 4) {
      throw new IllegalArgumentException(
          "Expected 4D (batched) input to "
              + op
              + ", but got input of size: "
              + x.shape()
              + (x.dim() == 3
                  ? "; only mini-batches are accepted, use input.unsqueeze(0) for a single sample"
                  : ""));
    }
  }

  /** A height and width, where one number stands for both; each at least the given minimum. */
  static int[] pair(String op, String what, int[] values, int minimum) {
    if (values.length != 1 && values.length != 2) {
      throw new IllegalArgumentException(
          op
              + "(): "
              + what
              + " must either be one integer, or two integers for height and width, but got "
              + Arrays.toString(values));
    }
    for (int value : values) {
      if (value < minimum) {
        throw new IllegalArgumentException(
            op
                + "(): "
                + what
                + (minimum > 0 ? " should be greater than zero" : " must be non-negative")
                + ", but got "
                + Arrays.toString(values));
      }
    }
    return values.length == 2 ? values : new int[] {values[0], values[0]};
  }
}
