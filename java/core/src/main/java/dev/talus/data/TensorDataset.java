package dev.talus.data;

import dev.talus.Scope;
import dev.talus.Tensor;

/** Examples that lie in two tensors, along their first dimension. The tensors stay the caller's. */
public final class TensorDataset implements Dataset {
  private final Tensor x;
  private final Tensor y;

  /**
   * Over two tensors.
   *
   * @param x the inputs
   * @param y the targets, as many
   * @throws IllegalArgumentException if their first sizes differ
   */
  public TensorDataset(Tensor x, Tensor y) {
    if (x.dim() == 0 || y.dim() == 0 || x.size(0) != y.size(0)) {
      throw new IllegalArgumentException(
          "Size mismatch between tensors: inputs "
              + x.shape()
              + " and targets "
              + y.shape()
              + " need the same first size");
    }
    this.x = x;
    this.y = y;
  }

  @Override
  public long size() {
    return x.size(0);
  }

  @Override
  public Sample get(long index) {
    try (Scope scope = Scope.open()) {
      return new Sample(scope.escape(x.get(index).clone()), scope.escape(y.get(index).clone()));
    }
  }

  @Override
  public Batch batch(long... indices) {
    try (Scope scope = Scope.open()) {
      Tensor index = Tensor.of(indices);
      return new Batch(
          scope.escape(x.indexSelect(0, index.to(x.device()))),
          scope.escape(y.indexSelect(0, index.to(y.device()))));
    }
  }
}
