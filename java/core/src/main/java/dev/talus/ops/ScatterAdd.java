package dev.talus.ops;

import dev.talus.Scope;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.Native;

/** Adds elements to the places an index holds: the adjoint of {@link Gather}. */
public final class ScatterAdd extends Node {
  private final int dim;

  private ScatterAdd(Tensor x, Tensor source, Tensor index, int dim) {
    super(x, source);
    this.dim = dim;
    save(index);
  }

  /**
   * For dim 1 of three: {@code out[i][index[i][j][k]][k] += source[i][j][k]}, starting from x.
   *
   * @param x the start values
   * @param dim the dimension the index runs over
   * @param index int64, with as many dimensions as x; not larger than source, nor than x in the
   *     other dimensions
   * @param source of x's type
   * @return a new tensor of x's shape
   * @throws IllegalArgumentException if types or shapes do not fit
   * @throws IndexOutOfBoundsException if an index is outside the dimension
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.Tensor.scatter_add_.html">scatter_add_</a>
   */
  public static Tensor apply(Tensor x, int dim, Tensor index, Tensor source) {
    int d = Shape.wrapDim(dim, x.dim());
    Placement.same(x, index, source);
    Tensor i = Checks.index("scatter_add", index);
    Checks.sameType("scatter_add", x, "source", source);
    Gather.checkFits("scatter_add", i, "input", x, d);
    Gather.checkFits("scatter_add", i, "source", source, -1);
    try (Scope scope = Scope.open()) {
      Tensor part = source;
      for (int k = 0; k < i.dim(); k++) {
        if (part.dim() > 0 && part.size(k) != i.size(k)) {
          part = part.narrow(k, 0, i.size(k));
        }
      }
      return scope.escape(into(x.detach().clone(), x, d, i, part));
    }
  }

  /** {@link #apply} to zeros of the given sizes. */
  static Tensor intoZeros(long[] sizes, int dim, Tensor index, Tensor source) {
    return into(Tensor.zeros(source.dtype(), source.device(), sizes), null, dim, index, source);
  }

  private static Tensor into(Tensor out, Tensor x, int dim, Tensor index, Tensor source) {
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      Tensor part = Gather.cropped(out, index, dim);
      Tensor target = part.contiguous();
      IndexSelect.Blocks b = new IndexSelect.Blocks(target.sizes(), dim);
      Native.scatterAdd(
          out.device().id(),
          out.dtype().code(),
          b.outer,
          b.size,
          b.inner,
          index.dim() == 0 ? 1 : index.size(dim),
          source.contiguous().address(),
          index.contiguous().address(),
          target.address());
      if (target != part) {
        InPlace.copyValues(target, part);
      }
    }
    return Autograd.records(x, source) ? new ScatterAdd(x, source, index, dim).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {needs[0] ? grad : null, needs[1] ? grad.gather(dim, saved(0)) : null};
  }
}
