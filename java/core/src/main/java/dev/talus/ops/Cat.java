package dev.talus.ops;

import dev.talus.DType;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import java.util.List;

/** Joins tensors along an existing dimension. */
public final class Cat extends Node {
  private final int dim;
  private final long[] lengths;
  private final DType[] types;

  private Cat(Tensor[] inputs, int dim) {
    super(inputs);
    this.dim = dim;
    lengths = new long[inputs.length];
    types = new DType[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      lengths[i] = isSkipped(inputs[i]) ? 0 : inputs[i].size(dim);
      types[i] = inputs[i].dtype();
    }
  }

  /**
   * The tensors one after the other along a dimension, in their promoted type.
   *
   * @param tensors at least one, of equal shape but for that dimension; empty vectors are skipped
   * @param dim the dimension
   * @throws IllegalArgumentException if the list is empty or shapes do not fit
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.cat.html">cat</a>
   */
  public static Tensor apply(List<Tensor> tensors, int dim) {
    if (tensors.isEmpty()) {
      throw new IllegalArgumentException("cat(): expected a non-empty list of Tensors");
    }
    Tensor first = tensors.get(0);
    DType type = first.dtype();
    for (Tensor tensor : tensors) {
      Placement.same(first, tensor);
      type = DType.promote(type, tensor.dtype());
      first = isSkipped(first) ? tensor : first;
    }
    int d = Shape.wrapDim(dim, first.dim());
    long[] sizes = first.sizes().clone();
    long total = 0;
    for (int i = 0; i < tensors.size(); i++) {
      total += checkedLength(first, tensors.get(i), i, d);
    }
    sizes[d] = total;
    Tensor out = Tensor.allocate(type, first.device(), sizes);
    long start = 0;
    for (Tensor tensor : tensors) {
      if (!isSkipped(tensor)) {
        copyInto(out, d, start, tensor);
        start += tensor.size(d);
      }
    }
    Tensor[] inputs = tensors.toArray(Tensor[]::new);
    for (Tensor input : inputs) {
      if (Autograd.records(input)) {
        return new Cat(inputs, d).record(out);
      }
    }
    return out;
  }

  /** PyTorch lets a vector without elements pass beside tensors of any shape. */
  private static boolean isSkipped(Tensor tensor) {
    return tensor.dim() == 1 && tensor.numel() == 0;
  }

  private static long checkedLength(Tensor first, Tensor tensor, int position, int dim) {
    if (tensor.dim() == 0) {
      throw new IllegalArgumentException(
          "zero-dimensional tensor (at position "
              + position
              + ") cannot be concatenated; use Tensor.stack");
    }
    if (isSkipped(tensor)) {
      return 0;
    }
    if (tensor.dim() != first.dim()) {
      throw new IllegalArgumentException(
          "cat(): Tensors must have same number of dimensions: got "
              + first.dim()
              + " and "
              + tensor.dim()
              + " for tensor number "
              + position
              + " in the list");
    }
    for (int d = 0; d < first.dim(); d++) {
      if (d != dim && tensor.sizes()[d] != first.sizes()[d]) {
        throw new IllegalArgumentException(
            "Sizes of tensors must match except in dimension "
                + dim
                + ". Expected size "
                + first.sizes()[d]
                + " but got size "
                + tensor.sizes()[d]
                + " in dimension "
                + d
                + " for tensor number "
                + position
                + " in the list.");
      }
    }
    return tensor.size(dim);
  }

  private static void copyInto(Tensor out, int dim, long start, Tensor x) {
    long offset = out.geometry().offset() + start * out.strides()[dim];
    try (Tensor part = out.asView(x.sizes(), out.strides(), offset)) {
      InPlace.copyValues(x, part);
    }
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    Tensor[] grads = new Tensor[lengths.length];
    long start = 0;
    for (int i = 0; i < grads.length; i++) {
      if (needs[i]) {
        Tensor part = grad.narrow(dim, start, lengths[i]).to(types[i]);
        grads[i] = part.numel() == 0 ? part.reshape(inputSizes(i)) : part;
      }
      start += lengths[i];
    }
    return grads;
  }
}
