package dev.talus;

import dev.talus.autograd.Autograd;
import dev.talus.autograd.AutogradMeta;
import dev.talus.autograd.Node;
import dev.talus.ops.Placement;
import java.util.function.UnaryOperator;

/** A tensor's part in the graph: gradients, history, hooks. */
abstract class TensorAutograd extends TensorInPlace {
  AutogradMeta meta;
  // False where another tensor's history is shared: closing this handle leaves its gradient alone.
  boolean ownsMeta;

  // Of a view made while recording: what it looks at, and that tensor's state at the time.
  private final Tensor base;
  int baseRebases;

  TensorAutograd(AutogradMeta meta, Tensor base) {
    this.meta = meta;
    this.base = base;
    this.baseRebases = base == null ? 0 : base.rebases();
  }

  /** What autograd knows about this tensor; made on the first call. */
  public final AutogradMeta autogradMeta() {
    if (meta == null) {
      meta = new AutogradMeta();
      ownsMeta = true;
    }
    return meta;
  }

  /** Whether a gradient flows to or through this tensor. */
  public final boolean requiresGrad() {
    return (meta != null && meta.requiresGrad()) || historyChanged();
  }

  /**
   * Asks autograd to record what is done with this leaf, or to stop.
   *
   * @param value whether a gradient is wanted
   * @return this
   * @throws IllegalStateException for an integer type, or when turned off on a non-leaf
   */
  public final Tensor requiresGrad_(boolean value) {
    self().storage(); // refuses a closed tensor
    if (value && !self().dtype().isFloating()) {
      throw new IllegalStateException(
          "only Tensors of floating point dtype can require gradients, this one is "
              + self().dtype());
    }
    if (!value && gradFn() != null) {
      throw new IllegalStateException(
          "you can only change requires_grad flags of leaf variables. If you want to use a computed"
              + " variable in a subgraph that doesn't require differentiation use detach()");
    }
    if (gradFn() == null) {
      autogradMeta().setRequiresGrad(value);
    }
    return self();
  }

  /** Whether this tensor was made by the user, not by a recorded operation. */
  public final boolean isLeaf() {
    return gradFn() == null;
  }

  /** The gradient accumulated by {@code backward()}, owned by this tensor; null before that. */
  public final Tensor grad() {
    return meta == null ? null : meta.grad();
  }

  /**
   * Replaces the accumulated gradient.
   *
   * @param grad of this tensor's shape and type, owned by this tensor from now on; null clears it
   * @throws IllegalArgumentException if shape or type differ
   */
  public final void setGrad(Tensor grad) {
    if (grad != null) {
      Placement.same(self(), grad);
      if (!grad.shape().equals(self().shape()) || grad.dtype() != self().dtype()) {
        throw new IllegalArgumentException(
            "assigned grad is "
                + grad.geometry().describe()
                + ", but this tensor is "
                + self().geometry().describe());
      }
      grad.keep();
    }
    autogradMeta().setGrad(grad);
  }

  /** The node that computed this tensor, or null for a leaf. */
  public final Node gradFn() {
    if (historyChanged()) {
      // The base was changed in place since: this view's values come from there now.
      baseRebases = base.rebases();
      autogradMeta().setHistory(viewHistory(base));
    }
    return meta == null ? null : meta.gradFn();
  }

  private boolean historyChanged() {
    return base != null && base.rebases() != baseRebases;
  }

  final int rebases() {
    return meta == null ? 0 : meta.rebases();
  }

  /** The tensor this one is a view of, or null. */
  public final Tensor base() {
    return base;
  }

  /** The node a gradient of this tensor flows into, or null if none is wanted; for op writers. */
  public final Node gradEdge() {
    gradFn();
    return meta == null ? null : meta.edge(self());
  }

  /**
   * Computes the gradients of this scalar with respect to all leaves and adds them to their {@link
   * #grad()}.
   *
   * @throws IllegalStateException if it is not a scalar, needs no gradient, or its graph was freed
   */
  public final void backward() {
    backward(null, false);
  }

  /**
   * Computes gradients starting from a given gradient of this tensor.
   *
   * @param gradient of this tensor's shape; null for 1, if this is a scalar
   */
  public final void backward(Tensor gradient) {
    backward(gradient, false);
  }

  /**
   * Computes gradients, and keeps the graph if asked, so that it can be run through again.
   *
   * @param gradient of this tensor's shape; null for 1, if this is a scalar
   * @param retainGraph whether saved tensors are kept
   */
  public final void backward(Tensor gradient, boolean retainGraph) {
    self().storage(); // refuses a closed tensor
    Autograd.backward(self(), gradient, retainGraph, false);
  }

  /**
   * Makes {@link #grad()} of this non-leaf available after {@code backward()}.
   *
   * @throws IllegalStateException if this tensor requires no gradient
   */
  public final void retainGrad() {
    if (!requiresGrad()) {
      throw new IllegalStateException("can't retain_grad on Tensor that has requires_grad=False");
    }
    if (isLeaf()) {
      return;
    }
    AutogradMeta mine = autogradMeta();
    registerHook(
        grad -> {
          try (Scope scope = Scope.open()) {
            Tensor old = mine.grad();
            mine.setGrad((old == null ? grad.clone() : old.add(grad)).keep());
          }
          return null;
        });
  }

  /**
   * Calls a function with this tensor's gradient each time one is computed; a non-null result takes
   * its place.
   *
   * @param hook the function
   * @return close it to remove the hook
   */
  public final Autograd.RemovableHandle registerHook(UnaryOperator<Tensor> hook) {
    return Autograd.registerHook(self(), hook);
  }
}
