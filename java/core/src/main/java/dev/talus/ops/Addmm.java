package dev.talus.ops;

import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;

/** A product of two matrices plus a tensor that broadcasts to it: what a linear layer computes. */
final class Addmm extends Node {
  private final boolean transposed;

  private Addmm(Tensor input, Tensor a, Tensor b) {
    super(input, a, b);
    transposed = Matmul.isStoredTransposed(b);
    save(b.requiresGrad() ? a : null);
    save(a.requiresGrad() ? b : null);
  }

  /** What the two operations in turn would return, values and history. */
  static Tensor apply(Tensor input, Tensor a, Tensor b, Epilogue epilogue) {
    Tensor out = Tensor.allocate(a.dtype(), a.device(), a.sizes()[0], b.sizes()[1]);
    boolean isBias = input.dim() == 1 && input.sizes()[0] == b.sizes()[1] && input.isContiguous();
    if (!isBias) {
      InPlace.copyValues(input.detach().expand(out.sizes()), out);
    }
    Matmul.gemm(a, false, b, false, isBias ? 0 : 1, out, isBias ? input : null, epilogue);
    if (!Autograd.records(input, a, b)) {
      return out;
    }
    Addmm node = new Addmm(input, a, b);
    if (epilogue == Epilogue.NONE) {
      return node.record(out);
    }
    node.recordUnseen();
    return epilogue.recordAfter(node, out);
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {
      grad, // the engine sums it down to the input's shape
      needs[1] ? Matmul.firstGrad(grad, saved(1)) : null,
      needs[2] ? Matmul.secondGrad(saved(0), grad, transposed) : null
    };
  }
}
