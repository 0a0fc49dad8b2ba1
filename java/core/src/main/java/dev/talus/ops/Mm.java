package dev.talus.ops;

import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;

/** The product of two matrices. */
final class Mm extends Node {
  private final boolean transposed;

  private Mm(Tensor a, Tensor b) {
    super(a, b);
    transposed = Matmul.isStoredTransposed(b);
    save(b.requiresGrad() ? a : null);
    save(a.requiresGrad() ? b : null);
  }

  static Tensor apply(Tensor a, Tensor b) {
    Tensor out = Tensor.allocate(a.dtype(), a.device(), a.sizes()[0], b.sizes()[1]);
    Matmul.gemm(a, b, 0, out, null);
    return Autograd.records(a, b) ? new Mm(a, b).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {
      needs[0] ? Matmul.firstGrad(grad, saved(1)) : null,
      needs[1] ? Matmul.secondGrad(saved(0), grad, transposed) : null
    };
  }
}
