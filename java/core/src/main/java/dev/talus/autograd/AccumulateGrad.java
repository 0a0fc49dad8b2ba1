package dev.talus.autograd;

import dev.talus.Tensor;
import java.util.concurrent.atomic.AtomicLong;

/** The end of every path: adds what arrives to a leaf's {@code grad()}. */
final class AccumulateGrad extends Node {
  // Below every computing node's number, and one each, so that the engine runs them last.
  private static final AtomicLong SEQUENCE = new AtomicLong(-1);

  private final Tensor leaf;

  AccumulateGrad(Tensor leaf) {
    super(SEQUENCE.getAndDecrement());
    this.leaf = leaf;
  }

  @Override
  public String name() {
    return "AccumulateGrad";
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    throw new IllegalStateException("the engine calls accumulate");
  }

  /** Takes over {@code grad}; concurrent backward passes may share a leaf. */
  void accumulate(Tensor grad, boolean createGraph) {
    AutogradMeta meta = leaf.autogradMeta();
    synchronized (this) {
      Tensor old = meta.grad();
      if (old == null) {
        meta.setGrad(Gradients.owned(grad, createGraph).keep());
      } else if (createGraph) {
        meta.setGrad(old.add(grad).keep());
        grad.close();
      } else {
        old.add_(grad);
        grad.close();
      }
    }
  }
}
