package dev.talus.bench;

import dev.talus.DType;
import dev.talus.Generator;
import dev.talus.Tensor;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * An operand of an operation, made for both libraries: they read the same memory.
 *
 * @param type of the numbers
 * @param classes above 0: class indices below this; 0: numbers between low and 1
 * @param low the lower bound of the numbers
 * @param wantsGrad whether backward computes its gradient
 * @param shape its sizes
 */
record Input(DType type, long classes, double low, boolean wantsGrad, long... shape) {
  Input(long classes, double low, boolean wantsGrad, long... shape) {
    this(DType.FLOAT32, classes, low, wantsGrad, shape);
  }

  /** Random numbers whose gradient backward computes. */
  static Input of(long... shape) {
    return new Input(0, -1, true, shape);
  }

  /** Random numbers that need no gradient, such as a network's images. */
  static Input constant(long... shape) {
    return new Input(0, -1, false, shape);
  }

  /** Random numbers above a half that need no gradient, such as variances. */
  static Input positive(long... shape) {
    return new Input(0, 0.5, false, shape);
  }

  /** Random class indices. */
  static Input classes(long classes, long... shape) {
    return new Input(classes, 0, false, shape);
  }

  /** The same in float64. */
  Input doubles() {
    return new Input(DType.FLOAT64, classes, low, wantsGrad, shape);
  }

  /** Talus's tensor, kept until it is closed. */
  Tensor talus(Generator generator) {
    return classes > 0
        ? Tensor.randint(generator, 0, classes, shape).keep()
        : Tensor.empty(type, shape).uniform_(low, 1, generator).keep();
  }

  /** A libtorch tensor in the memory of a Talus tensor, which must outlive it. */
  static org.bytedeco.pytorch.Tensor torch(Tensor tensor) {
    return torch.from_blob(
        pointer(tensor), tensor.shape().toArray(), new TensorOptions(torchType(tensor)));
  }

  private static ScalarType torchType(Tensor tensor) {
    return switch (tensor.dtype()) {
      case FLOAT32 -> ScalarType.Float;
      case FLOAT64 -> ScalarType.Double;
      case INT64 -> ScalarType.Long;
      default -> throw new IllegalArgumentException("no operand is " + tensor.dtype());
    };
  }

  /** The memory of a Talus tensor, which must outlive the pointer. */
  static Pointer pointer(Tensor tensor) {
    return new Address(tensor.address());
  }

  /** A pointer to memory that somebody else owns. */
  private static final class Address extends Pointer {
    Address(long value) {
      address = value;
    }
  }
}
