package dev.talus.ops;

import static dev.talus.bindings.talus.*;

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

  /** With relu: what relu of the result would be, values and history. */
  static Tensor apply(Tensor input, Tensor a, Tensor b, boolean relu) {
    Tensor out = Tensor.allocate(a.dtype(), a.device(), a.sizes()[0], b.sizes()[1]);
    boolean isBias = input.dim() == 1 && input.sizes()[0] == b.sizes()[1] && input.isContiguous();
    if (!isBias) {
      InPlace.copyValues(input.detach().expand(out.sizes()), out);
    }
    int epilogue = relu ? TALUS_EPILOGUE_RELU : TALUS_EPILOGUE_NONE;
    Matmul.gemm(a, false, b, false, isBias ? 0 : 1, out, isBias ? input : null, epilogue);
    if (!Autograd.records(input, a, b)) {
      return out;
    }
    Addmm node = new Addmm(input, a, b);
    if (!relu) {
      return node.record(out);
    }
    node.recordUnseen();
    return Unary.recordRelu(node, out);
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
