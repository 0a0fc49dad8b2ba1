package dev.talus.nn;

import dev.talus.DType;
import dev.talus.Tensor;

/**
 * A tensor that a {@link Module} learns: a leaf that asks for a gradient. It belongs to its module,
 * never to a scope, and is freed by {@link Module#close()}.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.parameter.Parameter.html">Parameter</a>
 */
public final class Parameter extends Tensor {
  /**
   * A parameter that wants a gradient.
   *
   * @param data the first values, contiguous and of a floating type; taken over, so that this
   *     handle is closed. Pass {@code data.detach()} to share the memory with a tensor that stays
   * @throws IllegalArgumentException if data is not contiguous or not floating
   */
  public Parameter(Tensor data) {
    this(data, true);
  }

  /**
   * A parameter.
   *
   * @param data the first values, contiguous; taken over, so that this handle is closed
   * @param requiresGrad whether a gradient is wanted; only floating types can have one
   * @throws IllegalArgumentException if data is not contiguous, or cannot have a gradient
   */
  public Parameter(Tensor data, boolean requiresGrad) {
    super(checked(data, requiresGrad));
    requiresGrad_(requiresGrad);
    data.close();
  }

  private static Tensor checked(Tensor data, boolean requiresGrad) {
    if (requiresGrad && !data.dtype().isFloating()) {
      throw new IllegalArgumentException(
          "only Tensors of floating point dtype can require gradients, this one is "
              + data.dtype());
    }
    if (!data.isContiguous()) {
      throw new IllegalArgumentException(
          "a parameter needs contiguous memory, but this tensor of shape "
              + data.shape()
              + " is a strided view; pass contiguous()");
    }
    return data;
  }

  /** A float32 parameter whose contents are not defined yet; an initialiser fills it. */
  static Parameter uninitialized(long... shape) {
    return new Parameter(Tensor.empty(DType.FLOAT32, shape));
  }

  /** PyTorch's text: {@code Parameter containing:} and the tensor on the lines below. */
  @Override
  public String toString() {
    return "Parameter containing:\n" + super.toString();
  }
}
