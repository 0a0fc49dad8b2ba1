package dev.talus.ops;

import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;

/**
 * The history of a view whose base was changed in place: the view's elements, read from the base as
 * it is now.
 */
public final class AsStrided extends Node {
  private final Tensor.Geometry view;
  private final long baseOffset;

  private AsStrided(Tensor base, Tensor.Geometry view) {
    super(base);
    this.view = view;
    this.baseOffset = base.geometry().offset();
  }

  /** The node through which a view's gradient flows into its base; the base is contiguous. */
  public static Node history(Tensor view, Tensor base) {
    return new AsStrided(base, view.geometry());
  }

  /** The part of a contiguous tensor of the base's shape that the view shows. */
  static Tensor window(Tensor whole, Tensor.Geometry view, long baseOffset) {
    Tensor part =
        whole.asView(
            view.sizes(), view.strides(), whole.geometry().offset() + view.offset() - baseOffset);
    return Autograd.records(whole) ? new AsStrided(whole, part.geometry()).record(part) : part;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    Tensor whole = Tensor.zeros(grad.dtype(), grad.device(), inputSizes(0));
    window(whole, view, baseOffset).copy_(grad);
    return new Tensor[] {whole};
  }
}
