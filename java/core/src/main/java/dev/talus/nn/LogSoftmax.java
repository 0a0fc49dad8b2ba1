package dev.talus.nn;

import dev.talus.Tensor;

/**
 * The logarithm of softmax along a dimension, without overflow.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html">LogSoftmax</a>
 */
public final class LogSoftmax extends Module {
  private final int dim;

  /**
   * Along one dimension.
   *
   * @param dim the dimension; negative counts from the end
   */
  public LogSoftmax(int dim) {
    this.dim = dim;
  }

  @Override
  public Tensor forward(Tensor x) {
    return x.logSoftmax(dim);
  }

  @Override
  protected String extraRepr() {
    return "dim=" + dim;
  }
}
