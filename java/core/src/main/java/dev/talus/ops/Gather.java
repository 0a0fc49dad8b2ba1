package dev.talus.ops;

import dev.talus.Scope;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.Native;

/** Picks one element along a dimension for each place of an index. */
public final class Gather extends Node {
  private final int dim;

  private Gather(Tensor x, Tensor index, int dim) {
    super(x);
    this.dim = dim;
    save(index);
  }

  /**
   * For dim 1 of three: {@code out[i][j][k] = x[i][index[i][j][k]][k]}.
   *
   * @param x any type
   * @param dim the dimension the index runs over
   * @param index int64, with as many dimensions as x and not larger in the other ones
   * @return a tensor of the index's shape
   * @throws IllegalArgumentException if the shapes do not fit
   * @throws IndexOutOfBoundsException if an index is outside the dimension
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.gather.html">gather</a>
   */
  public static Tensor apply(Tensor x, int dim, Tensor index) {
    int d = Shape.wrapDim(dim, x.dim());
    Placement.same(x, index);
    Tensor i = Checks.index("gather", index);
    checkFits("gather", i, "input", x, d);
    Tensor out = Tensor.allocate(x.dtype(), x.device(), i.sizes());
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      Tensor source = cropped(x, i, d).contiguous();
      IndexSelect.Blocks b = new IndexSelect.Blocks(source.sizes(), d);
      Native.gather(
          x.device().id(),
          x.dtype().code(),
          b.outer,
          b.size,
          b.inner,
          i.dim() == 0 ? 1 : i.size(d),
          source.address(),
          i.contiguous().address(),
          out.address());
    }
    return Autograd.records(x) ? new Gather(x, i, d).record(out) : out;
  }

  /** That an index has a tensor's number of dimensions, and is not larger but along dim. */
  static void checkFits(String op, Tensor index, String what, Tensor x, int dim) {
    boolean fits = Math.max(index.dim(), 1) == Math.max(x.dim(), 1);
    for (int d = 0; fits && d < Math.min(index.dim(), x.dim()); d++) {
      fits = d == dim || index.sizes()[d] <= x.sizes()[d];
    }
    if (!fits) {
      throw new IllegalArgumentException(
          op
              + "(): Expected index "
              + index.shape()
              + " to have as many dimensions as "
              + what
              + " "
              + x.shape()
              + (dim < 0
                  ? " and to be no larger"
                  : " and to be no larger apart from dimension " + dim));
    }
  }

  /** A view of the part of x whose sizes, but for one dimension, are those of the index. */
  static Tensor cropped(Tensor x, Tensor index, int dim) {
    if (x.dim() == 0 || index.dim() == 0) {
      return x;
    }
    long[] sizes = index.sizes().clone();
    sizes[dim] = x.sizes()[dim];
    return x.asView(sizes, x.strides(), x.geometry().offset());
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {ScatterAdd.intoZeros(inputSizes(0), dim, saved(0), grad)};
  }
}
