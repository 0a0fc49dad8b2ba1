package dev.talus.ops;

import dev.talus.Tensor;
import dev.talus.autograd.Node;

/**
 * The history of a base of which a view was changed in place: the old base, with new values in the
 * view's window. The window must not show an element twice.
 */
final class CopySlices extends Node {
  private final Tensor.Geometry view;
  private final long baseOffset;

  CopySlices(Tensor base, Tensor values, Tensor.Geometry view) {
    super(base, values);
    this.view = view;
    this.baseOffset = base.geometry().offset();
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    Tensor whole = grad.clone();
    Tensor values = null;
    if (needs[1]) {
      values = AsStrided.window(whole, view, baseOffset).clone();
    }
    if (needs[0]) {
      AsStrided.window(whole, view, baseOffset).fill_(0);
    }
    return new Tensor[] {needs[0] ? whole : null, values};
  }

  @Override
  public String name() {
    return "CopySlices";
  }
}
