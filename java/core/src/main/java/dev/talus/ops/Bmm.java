package dev.talus.ops;

import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;

/** The products of two stacks of matrices, pair by pair. */
final class Bmm extends Node {
  private Bmm(Tensor a, Tensor b) {
    super(a, b);
    save(b.requiresGrad() ? a : null);
    save(a.requiresGrad() ? b : null);
  }

  static Tensor apply(Tensor a, Tensor b) {
    Tensor out = Tensor.allocate(a.dtype(), a.device(), a.sizes()[0], a.sizes()[1], b.sizes()[2]);
    Matmul.gemm(a, b, 0, out, null);
    return Autograd.records(a, b) ? new Bmm(a, b).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {
      needs[0] ? grad.bmm(saved(1).transpose(1, 2)) : null,
      needs[1] ? saved(0).transpose(1, 2).bmm(grad) : null
    };
  }
}
