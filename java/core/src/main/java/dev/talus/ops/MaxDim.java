package dev.talus.ops;

import static dev.talus.bindings.talus.*;

import dev.talus.DType;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.ValuesAndIndices;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.Native;
import java.lang.ref.Reference;

/** The largest or smallest elements along a dimension, and where they are. */
public final class MaxDim extends Node {
  private final String name;
  private final int dim;
  private final boolean keepdim;

  private MaxDim(Tensor x, Tensor indices, String name, int dim, boolean keepdim) {
    super(x);
    this.name = name;
    this.dim = dim;
    this.keepdim = keepdim;
    save(indices);
  }

  /**
   * The largest elements; of equal ones the first, and NaN is larger than all.
   *
   * @param x any type
   * @param dim the dimension to reduce
   * @param keepdim whether it stays, with size 1
   * @throws IndexOutOfBoundsException if the dimension has size 0
   */
  public static ValuesAndIndices max(Tensor x, int dim, boolean keepdim) {
    return apply("max", TALUS_MAX, x, dim, keepdim);
  }

  /** The smallest elements; of equal ones the first, and NaN is smaller than all. */
  public static ValuesAndIndices min(Tensor x, int dim, boolean keepdim) {
    return apply("min", TALUS_MIN, x, dim, keepdim);
  }

  private static ValuesAndIndices apply(String op, int code, Tensor x, int dim, boolean keepdim) {
    ValuesAndIndices found = find(op, code, x, keepdim, dim);
    if (Autograd.records(x)) {
      String name = code == TALUS_MAX ? "MaxBackward" : "MinBackward";
      int wrapped = Shape.wrapDim(dim, x.dim());
      new MaxDim(x, found.indices(), name, wrapped, keepdim).record(found.values());
    }
    return found;
  }

  /** Values and indices without history; no dims: over all of them. */
  static ValuesAndIndices find(String op, int code, Tensor x, boolean keepdim, int... dims) {
    Dims split = new Dims(x, dims);
    split.checkNotEmpty(op, dims.length == 0);
    Tensor values = Tensor.allocate(x.dtype(), x.device(), split.sizes(keepdim));
    Tensor indices = Tensor.allocate(DType.INT64, x.device(), split.sizes(keepdim));
    Native.reduce(
        x.device().id(),
        code,
        x.dtype().code(),
        split.kept(),
        split.geometry(),
        x.address(),
        0,
        values.address(),
        indices.address());
    Reference.reachabilityFence(x);
    return new ValuesAndIndices(values, indices);
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    long[] sizes = inputSizes(0);
    if (sizes.length == 0) {
      return new Tensor[] {grad};
    }
    Tensor g = keepdim ? grad : grad.unsqueeze(dim);
    Tensor indices = keepdim ? saved(0) : saved(0).unsqueeze(dim);
    return new Tensor[] {ScatterAdd.intoZeros(sizes, dim, indices, g)};
  }

  @Override
  public String name() {
    return name;
  }
}
