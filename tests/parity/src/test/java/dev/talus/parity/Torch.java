package dev.talus.parity;

import dev.talus.DType;
import dev.talus.Tensor;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Tensors on their way between Talus and libtorch. */
final class Torch {
  static {
    // Its sums depend on the number of threads.
    torch.set_num_threads(1);
  }

  private Torch() {}

  /** A contiguous libtorch tensor of the same type, shape and values. */
  static org.bytedeco.pytorch.Tensor copy(Tensor x) {
    long[] sizes = x.shape().toArray();
    if (x.numel() == 0) {
      return torch.zeros(sizes).to(scalarType(x.dtype()));
    }
    org.bytedeco.pytorch.Tensor copy =
        x.dtype().isFloating()
            ? org.bytedeco.pytorch.Tensor.create(x.toDoubleArray(), sizes)
            : org.bytedeco.pytorch.Tensor.create(x.toLongArray(), sizes);
    return copy.to(scalarType(x.dtype()));
  }

  /** The values in row-major order. */
  static double[] values(org.bytedeco.pytorch.Tensor x) {
    try (PointerScope scope = new PointerScope()) {
      double[] values = new double[Math.toIntExact(x.numel())];
      if (values.length > 0) {
        x.detach().to(ScalarType.Double).contiguous().data_ptr_double().get(values);
      }
      return values;
    }
  }

  /** Propagates a gradient from a tensor to the leaves. */
  static void backward(org.bytedeco.pytorch.Tensor x, org.bytedeco.pytorch.Tensor gradient) {
    x.backward(gradient, new BoolOptional(), false, new TensorArrayRefOptional());
  }

  /** A number as libtorch's ops take it. */
  static Scalar scalar(double value) {
    return new Scalar(value);
  }

  /** The element type in Talus's words. */
  static DType dtype(org.bytedeco.pytorch.Tensor x) {
    ScalarType type = x.scalar_type().intern();
    for (DType dtype : DType.values()) {
      if (scalarType(dtype) == type) {
        return dtype;
      }
    }
    throw new AssertionError("libtorch's type " + type + " is not one of Talus's");
  }

  /** The element type in libtorch's words. */
  static ScalarType scalarType(DType dtype) {
    switch (dtype) {
      case FLOAT32:
        return ScalarType.Float;
      case FLOAT64:
        return ScalarType.Double;
      case INT64:
        return ScalarType.Long;
      case INT32:
        return ScalarType.Int;
      case UINT8:
        return ScalarType.Byte;
      case BOOL:
        return ScalarType.Bool;
      default:
        throw new IllegalArgumentException("no libtorch type is known for " + dtype);
    }
  }
}
