package dev.talus.data;

import dev.talus.Tensor;

/**
 * Several examples of a {@link Dataset}, the first dimension counting them. A batch belongs to the
 * scope it was received in; close it to free it earlier.
 *
 * @param x the inputs
 * @param y the targets
 */
public record Batch(Tensor x, Tensor y) implements AutoCloseable {
  /** How many examples there are. */
  public long size() {
    return x.size(0);
  }

  /** Frees both tensors. Closing twice does nothing. */
  @Override
  public void close() {
    x.close();
    y.close();
  }
}
