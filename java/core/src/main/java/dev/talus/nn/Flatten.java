package dev.talus.nn;

import dev.talus.Tensor;

/**
 * Several neighbouring dimensions as one; by default all but the first, the mini-batch's.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Flatten.html">Flatten</a>
 */
public final class Flatten extends Module {
  private final int startDim;
  private final int endDim;

  /** Keeps the first dimension and flattens the others. */
  public Flatten() {
    this(1, -1);
  }

  /**
   * Flattens a range of dimensions.
   *
   * @param startDim the first; negative counts from the end
   * @param endDim the last, included; negative counts from the end
   */
  public Flatten(int startDim, int endDim) {
    this.startDim = startDim;
    this.endDim = endDim;
  }

  @Override
  public Tensor forward(Tensor x) {
    return x.flatten(startDim, endDim);
  }

  @Override
  protected String extraRepr() {
    return "start_dim=" + startDim + ", end_dim=" + endDim;
  }
}
