package dev.talus.ops;

import dev.talus.Scope;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.NativeNn;
import java.lang.ref.Reference;

/** Softmax and its logarithm along a dimension. */
public final class Softmax extends Node {
  /** A kernel over the last dimension of contiguous tensors. */
  private interface Rows {
    void run(long rows, long cols, Tensor out);
  }

  private final boolean log;
  private final int dim;

  private Softmax(boolean log, Tensor x, Tensor y, int dim) {
    super(x);
    this.log = log;
    this.dim = dim;
    saveOutput(y);
  }

  private Softmax(Node input, Tensor y) {
    super(input, y.sizes());
    log = false;
    dim = y.dim() - 1;
    saveOutput(y);
  }

  /**
   * Makes y known as the softmax along its last dimension of what a node computed.
   *
   * @param input the edge to the scores, of which there may be no tensor any more
   * @param y their softmax, without a history so far
   * @return y
   */
  static Tensor recorded(Node input, Tensor y) {
    return new Softmax(input, y).record(y);
  }

  /**
   * exp(x) over its sum along a dimension.
   *
   * @param x a floating type
   * @param dim the dimension whose elements will sum to 1
   * @throws IllegalArgumentException if x is not floating
   */
  public static Tensor softmax(Tensor x, int dim) {
    return apply("softmax", false, x, dim);
  }

  /** The logarithm of {@link #softmax}, without overflow. */
  public static Tensor logSoftmax(Tensor x, int dim) {
    return apply("log_softmax", true, x, dim);
  }

  private static Tensor apply(String name, boolean log, Tensor x, int dim) {
    Checks.floating(name, x);
    int d = Shape.wrapDim(dim, x.dim());
    Tensor y = forward(log, x, d);
    return Autograd.records(x) ? new Softmax(log, x, y, d).record(y) : y;
  }

  private static Tensor forward(boolean log, Tensor x, int dim) {
    if (isPlain(x, dim)) {
      Tensor out = Tensor.allocateLike(x);
      long cols = x.sizes()[dim];
      NativeNn.softmax(
          x.device().id(),
          log,
          x.dtype().code(),
          x.numel() / cols,
          cols,
          x.address(),
          out.address());
      Reference.reachabilityFence(x);
      return out;
    }
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      Tensor rows = dimLast(x, dim);
      return scope.escape(
          alongDim(
              rows,
              dim,
              (n, cols, out) ->
                  NativeNn.softmax(
                      x.device().id(),
                      log,
                      x.dtype().code(),
                      n,
                      cols,
                      rows.address(),
                      out.address())));
    }
  }

  /** Whether the rows of the kernel lie in the tensor as they are. */
  private static boolean isPlain(Tensor x, int dim) {
    return dim == x.dim() - 1 && x.numel() > 0 && x.isContiguous();
  }

  private static Tensor dimLast(Tensor x, int dim) {
    return x.dim() < 2 ? x.contiguous() : x.transpose(dim, -1).contiguous();
  }

  private static Tensor alongDim(Tensor like, int dim, Rows kernel) {
    Tensor out = Tensor.emptyLike(like);
    long cols = like.dim() == 0 ? 1 : like.size(-1);
    if (like.numel() > 0) {
      kernel.run(like.numel() / cols, cols, out);
    }
    return like.dim() < 2 ? out : out.transpose(dim, -1).contiguous();
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    Tensor y = saved(0);
    if (Autograd.records(grad, y)) {
      int[] along = {dim};
      return new Tensor[] {
        log
            ? grad.sub(y.exp().mul(grad.sum(along, true)))
            : y.mul(grad.sub(grad.mul(y).sum(along, true)))
      };
    }
    if (isPlain(grad, dim) && isPlain(y, dim)) {
      Tensor out = Tensor.allocateLike(y);
      long cols = y.sizes()[dim];
      NativeNn.softmaxBackward(
          y.device().id(),
          log,
          y.dtype().code(),
          y.numel() / cols,
          cols,
          grad.address(),
          y.address(),
          out.address());
      return new Tensor[] {out};
    }
    Tensor g = dimLast(grad, dim);
    Tensor rows = dimLast(y, dim);
    return new Tensor[] {
      alongDim(
          g,
          dim,
          (n, cols, out) ->
              NativeNn.softmaxBackward(
                  g.device().id(),
                  log,
                  g.dtype().code(),
                  n,
                  cols,
                  g.address(),
                  rows.address(),
                  out.address()))
    };
  }

  @Override
  public String name() {
    return log ? "LogSoftmaxBackward" : "SoftmaxBackward";
  }
}
