package dev.talus.ops;

import dev.talus.Scope;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.Native;

/** Picks slices of a dimension by an index vector. */
public final class IndexSelect extends Node {
  private final int dim;

  private IndexSelect(Tensor x, Tensor index, int dim) {
    super(x);
    this.dim = dim;
    save(index);
  }

  /**
   * The slices that an index lists, in its order; one may be picked several times.
   *
   * @param x any type
   * @param dim the dimension to pick from
   * @param index int64 or int32 vector, or a 0-d index for one slice
   * @return x's shape with the index's length in that dimension
   * @throws IllegalArgumentException if the index is not an integer vector
   * @throws IndexOutOfBoundsException if an index is outside the dimension
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.index_select.html">index_select</a>
   */
  public static Tensor apply(Tensor x, int dim, Tensor index) {
    int d = Shape.wrapDim(dim, x.dim());
    Placement.same(x, index);
    Tensor i = Checks.index("index_select", index);
    if (i.dim() > 1 || (x.dim() == 0 && i.numel() != 1)) {
      throw new IllegalArgumentException(
          "index_select(): Index is supposed to be a vector"
              + (x.dim() == 0 ? " of one element for a 0-d input" : "")
              + ", but got shape "
              + i.shape());
    }
    long[] sizes = x.sizes().clone();
    if (sizes.length > 0) {
      sizes[d] = i.numel();
    }
    Tensor out = Tensor.allocate(x.dtype(), x.device(), sizes);
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      Blocks b = new Blocks(x.sizes(), d);
      Native.indexSelect(
          x.device().id(),
          x.dtype().code(),
          b.outer,
          b.size,
          b.inner,
          i.numel(),
          x.contiguous().address(),
          i.contiguous().address(),
          out.address());
    }
    return Autograd.records(x) ? new IndexSelect(x, i, d).record(out) : out;
  }

  /** Zeros, to which slices are added where the index says; in index order. */
  static Tensor addedUp(long[] sizes, int dim, Tensor index, Tensor source) {
    return IndexAdd.intoZeros(sizes, dim, index, source);
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {IndexAdd.intoZeros(inputSizes(0), dim, saved(0), grad)};
  }

  /** The adjoint: adds slices up where the index says. */
  private static final class IndexAdd extends Node {
    private final int dim;

    private IndexAdd(Tensor source, Tensor index, int dim) {
      super(source);
      this.dim = dim;
      save(index);
    }

    static Tensor intoZeros(long[] sizes, int dim, Tensor index, Tensor source) {
      Tensor out = Tensor.zeros(source.dtype(), source.device(), sizes);
      try (Scope scope = Scope.open();
          Autograd.GradMode mode = Autograd.noGrad()) {
        Blocks b = new Blocks(sizes, dim);
        Native.indexAdd(
            source.device().id(),
            source.dtype().code(),
            b.outer,
            b.size,
            b.inner,
            index.numel(),
            source.contiguous().address(),
            index.contiguous().address(),
            out.address());
      }
      return Autograd.records(source) ? new IndexAdd(source, index, dim).record(out) : out;
    }

    @Override
    protected Tensor[] backward(Tensor grad, boolean[] needs) {
      return new Tensor[] {grad.indexSelect(dim, saved(0))};
    }
  }

  /** A shape around one dimension, as the indexing kernels see it. */
  static final class Blocks {
    final long outer;
    final long size;
    final long inner;

    Blocks(long[] sizes, int dim) {
      long before = 1;
      long after = 1;
      for (int d = 0; d < sizes.length; d++) {
        before *= d < dim ? sizes[d] : 1;
        after *= d > dim ? sizes[d] : 1;
      }
      outer = before;
      size = sizes.length == 0 ? 1 : sizes[dim];
      inner = after;
    }
  }
}
