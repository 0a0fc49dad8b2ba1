package dev.talus.ops;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;

/** A copy in another element type, or on another device. */
public final class ToCopy extends Node {
  private final DType from;
  private final Device source;

  private ToCopy(Tensor x) {
    super(x);
    this.from = x.dtype();
    this.source = x.device();
  }

  /** Converts and moves the values; a gradient flows only between floating types. */
  public static Tensor apply(Tensor x, Device device, DType dtype) {
    Tensor out = Tensor.allocate(dtype, device, x.sizes());
    InPlace.copyValues(x, out);
    return dtype.isFloating() && Autograd.records(x) ? new ToCopy(x).record(out) : out;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {grad.to(source, from)};
  }
}
