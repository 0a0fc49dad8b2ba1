package dev.talus.nn;

import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.nn.init.Init;

/**
 * A table of vectors that are looked up by their index. It starts normal, with PyTorch's numbers; a
 * padding row starts as zeros and stays so.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html">Embedding</a>
 */
public final class Embedding extends Module {
  private static final long NONE = -1;

  private final long paddingIdx;
  private final Parameter weight;

  /**
   * Without a padding row.
   *
   * @param numEmbeddings the number of rows
   * @param embeddingDim the size of a row
   */
  public Embedding(long numEmbeddings, long embeddingDim) {
    this(numEmbeddings, embeddingDim, NONE);
  }

  /**
   * With a padding row.
   *
   * @param numEmbeddings the number of rows
   * @param embeddingDim the size of a row
   * @param paddingIdx the row that is zero and gets no gradient; -1: none
   * @throws IllegalArgumentException if a size is less than 1, or the padding is no row
   */
  public Embedding(long numEmbeddings, long embeddingDim, long paddingIdx) {
    Arguments.atLeast("Embedding", "num_embeddings", numEmbeddings, 1);
    Arguments.atLeast("Embedding", "embedding_dim", embeddingDim, 1);
    this.paddingIdx = checked(paddingIdx, numEmbeddings);
    weight = register("weight", Parameter.uninitialized(numEmbeddings, embeddingDim));
    Init.normal_(weight, 0, 1);
    if (paddingIdx != NONE) {
      try (Autograd.GradMode mode = Autograd.noGrad();
          Tensor row = weight.select(0, paddingIdx)) {
        row.zero_();
      }
    }
  }

  private Embedding(Parameter weight, long paddingIdx) {
    this.paddingIdx = checked(paddingIdx, weight.size(0));
    this.weight = register("weight", weight);
  }

  /**
   * A table with given values.
   *
   * @param embeddings [rows, dim], taken over
   * @param freeze whether they are not learnt; true in PyTorch
   * @throws IllegalArgumentException if it is not a matrix
   */
  public static Embedding fromPretrained(Tensor embeddings, boolean freeze) {
    if (embeddings.dim() != 2) {
      throw new IllegalArgumentException(
          "Embeddings parameter is expected to be 2-dimensional, got " + embeddings.shape());
    }
    return new Embedding(new Parameter(embeddings, !freeze), NONE);
  }

  private static long checked(long paddingIdx, long rows) {
    if (paddingIdx < NONE || paddingIdx >= rows) {
      throw new IllegalArgumentException(
          "Padding_idx must be within num_embeddings, got " + paddingIdx + " of " + rows);
    }
    return paddingIdx;
  }

  /** The table, [rows, dim]. */
  public Parameter weight() {
    return weight;
  }

  /**
   * Looks rows up.
   *
   * @param x int64 indices of any shape
   * @return [x's shape, dim]
   * @throws IllegalArgumentException naming this layer, if x is not of integers
   * @throws IndexOutOfBoundsException if an index is no row
   */
  @Override
  public Tensor forward(Tensor x) {
    try {
      return F.embedding(x, weight, paddingIdx);
    } catch (IllegalArgumentException e) {
      throw refusal(e.getMessage(), e);
    }
  }

  @Override
  protected String extraRepr() {
    return weight.size(0)
        + ", "
        + weight.size(1)
        + (paddingIdx == NONE ? "" : ", padding_idx=" + paddingIdx);
  }
}
