package dev.talus.ops;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Tensor;
import dev.talus.autograd.Node;

/** New values in the place of old ones: the gradient goes to the source, none to the old values. */
final class Overwrite extends Node {
  private final DType sourceType;
  private final Device sourceDevice;
  private final String name;

  Overwrite(Tensor target, Tensor source, String name) {
    super(target, source);
    this.sourceType = source.dtype();
    this.sourceDevice = source.device();
    this.name = name;
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    return new Tensor[] {
      needs[0] ? Tensor.zerosLike(grad) : null, needs[1] ? grad.to(sourceDevice, sourceType) : null
    };
  }

  @Override
  public String name() {
    return name + "Backward";
  }
}
