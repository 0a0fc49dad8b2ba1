package dev.talus.autograd;

import dev.talus.Tensor;

/** What autograd knows about one tensor. Most tensors that need no gradient have none. */
public final class AutogradMeta {
  private boolean requiresGrad;
  private Node gradFn;
  private Tensor grad;
  private AccumulateGrad accumulator;
  private int rebases;

  /** Of a leaf that requires no gradient. */
  public AutogradMeta() {}

  /** Of a result of the given node. */
  static AutogradMeta computedBy(Node node) {
    AutogradMeta meta = new AutogradMeta();
    meta.gradFn = node;
    return meta;
  }

  /** Whether the tensor is a leaf that asks for a gradient, or was computed from such. */
  public boolean requiresGrad() {
    return requiresGrad || gradFn != null;
  }

  /** Turns a leaf's wish for a gradient on or off. */
  public void setRequiresGrad(boolean value) {
    requiresGrad = value;
  }

  /** The node that computed the tensor, or null for a leaf. */
  public Node gradFn() {
    return gradFn;
  }

  /** The accumulated gradient, or null. */
  public Tensor grad() {
    return grad;
  }

  /**
   * Replaces the accumulated gradient and closes the former one.
   *
   * @param value owned by this tensor from now on, or null
   */
  public void setGrad(Tensor value) {
    Tensor old = grad;
    grad = value;
    if (old != null && old != value) {
      old.close();
    }
  }

  /** How often an in-place operation gave this tensor a new history; its views compare it. */
  public int rebases() {
    return rebases;
  }

  /**
   * Gives a new tensor its history: the node that computed its values.
   *
   * @param node the node
   */
  public void setHistory(Node node) {
    gradFn = node;
  }

  /** Gives a tensor a new history after an in-place operation. */
  public void rebase(Node node) {
    rebases++;
    gradFn = node;
  }

  /**
   * The node a gradient flows into: the computing node of a result, the accumulator of a leaf, null
   * where none is wanted.
   *
   * @param tensor the tensor this belongs to
   */
  public Node edge(Tensor tensor) {
    if (gradFn != null) {
      return gradFn;
    }
    if (!requiresGrad) {
      return null;
    }
    synchronized (this) {
      if (accumulator == null) {
        accumulator = new AccumulateGrad(tensor);
      }
      return accumulator;
    }
  }
}
