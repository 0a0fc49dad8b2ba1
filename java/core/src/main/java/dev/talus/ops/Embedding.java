package dev.talus.ops;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import java.util.Arrays;

/** Rows of a table by their index. */
public final class Embedding extends Node {
  private final long padding;

  private Embedding(Tensor weight, Tensor index, long padding) {
    super(weight);
    this.padding = padding;
    save(index);
  }

  /**
   * Looks rows up.
   *
   * @param weight the table [rows, dim]
   * @param index int64 or int32 of any shape
   * @param padding a row that gets no gradient; -1: none
   * @return [index's shape, dim]
   * @throws IllegalArgumentException if the weight is not a matrix or the index not of integers
   * @throws IndexOutOfBoundsException if an index is no row
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding.html">embedding</a>
   */
  public static Tensor apply(Tensor weight, Tensor index, long padding) {
    if (weight.dim() != 2) {
      throw new IllegalArgumentException("'weight' must be 2-D, but got shape " + weight.shape());
    }
    Placement.same(weight, index);
    try (Scope scope = Scope.open()) {
      Tensor flat = Checks.index("embedding", index).reshape(-1);
      Tensor rows = lookUp(weight, flat, index.sizes());
      return scope.escape(
          Autograd.records(weight) ? new Embedding(weight, flat, padding).record(rows) : rows);
    }
  }

  private static Tensor lookUp(Tensor weight, Tensor flat, long[] indexSizes) {
    long[] sizes = Arrays.copyOf(indexSizes, indexSizes.length + 1);
    sizes[indexSizes.length] = weight.size(1);
    try (Autograd.GradMode mode = Autograd.noGrad()) {
      return weight.indexSelect(0, flat).reshape(sizes).detach();
    } catch (IndexOutOfBoundsException e) {
      throw new IndexOutOfBoundsException(
          "index out of range in self; the table has "
              + weight.size(0)
              + " rows. "
              + e.getMessage());
    }
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    Tensor index = saved(0);
    long[] sizes = inputSizes(0);
    Tensor rows = grad.reshape(index.numel(), sizes[1]);
    if (padding >= 0) {
      rows = rows.maskedFill(index.eq(padding).unsqueeze(1), 0);
    }
    return new Tensor[] {IndexSelect.addedUp(sizes, 0, index, rows)};
  }
}
