package dev.talus.nn;

import dev.talus.Tensor;

/**
 * exp(x) over its sum along a dimension.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmax.html">Softmax</a>
 */
public final class Softmax extends Module {
  private final int dim;

  /**
   * Along one dimension.
   *
   * @param dim the dimension; negative counts from the end
   */
  public Softmax(int dim) {
    this.dim = dim;
  }

  @Override
  public Tensor forward(Tensor x) {
    return x.softmax(dim);
  }

  @Override
  protected String extraRepr() {
    return "dim=" + dim;
  }
}
