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
      rowsForward(log, x, out);
      return out;
    }
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      Tensor rows = dimLast(x, dim);
      Tensor out = Tensor.emptyLike(rows);
      rowsForward(log, rows, out);
      return scope.escape(dimBack(out, dim));
    }
  }

  /** Over the last dimension of contiguous tensors. */
  private static void rowsForward(boolean log, Tensor x, Tensor out) {
    if (x.numel() == 0) {
      return;
    }
    long cols = columns(x);
    NativeNn.softmax(
        x.device().id(), log, x.dtype().code(), x.numel() / cols, cols, x.address(), out.address());
    Reference.reachabilityFence(x);
  }

  private static void rowsBackward(boolean log, Tensor grad, Tensor y, Tensor out) {
    if (y.numel() == 0) {
      return;
    }
    long cols = columns(y);
    NativeNn.softmaxBackward(
        y.device().id(),
        log,
        y.dtype().code(),
        y.numel() / cols,
        cols,
        grad.address(),
        y.address(),
        out.address());
  }

  private static long columns(Tensor rows) {
    return rows.dim() == 0 ? 1 : rows.size(-1);
  }

  /** Whether the rows of the kernel lie in the tensor as they are. */
  private static boolean isPlain(Tensor x, int dim) {
    return dim == x.dim() - 1 && x.numel() > 0 && x.isContiguous();
  }

  private static Tensor dimLast(Tensor x, int dim) {
    return x.dim() < 2 ? x.contiguous() : x.transpose(dim, -1).contiguous();
  }

  private static Tensor dimBack(Tensor rows, int dim) {
    return rows.dim() < 2 ? rows : rows.transpose(dim, -1).contiguous();
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
      rowsBackward(log, grad, y, out);
      return new Tensor[] {out};
    }
    Tensor rows = dimLast(y, dim);
    Tensor out = Tensor.emptyLike(rows);
    rowsBackward(log, dimLast(grad, dim), rows, out);
    return new Tensor[] {dimBack(out, dim)};
  }

  @Override
  public String name() {
    return log ? "LogSoftmaxBackward" : "SoftmaxBackward";
  }
}
