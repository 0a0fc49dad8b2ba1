package dev.talus.data;

import dev.talus.Scope;
import dev.talus.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Examples by number. Threads may call it at the same time. The tensors it returns are new ones,
 * which the caller's scope owns.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/data.html">torch.utils.data</a>
 */
public interface Dataset {
  /** How many examples there are. */
  long size();

  /**
   * One example.
   *
   * @param index from 0
   * @throws IndexOutOfBoundsException if there is no such example
   */
  Sample get(long index);

  /**
   * Several examples, stacked along a new first dimension. Override it where a data set can do
   * better than one by one.
   *
   * @param indices which ones, at least one
   */
  default Batch batch(long... indices) {
    try (Scope scope = Scope.open()) {
      List<Tensor> xs = new ArrayList<>(indices.length);
      List<Tensor> ys = new ArrayList<>(indices.length);
      for (long index : indices) {
        Sample sample = get(index);
        xs.add(sample.x());
        ys.add(sample.y());
      }
      return new Batch(scope.escape(Tensor.stack(xs, 0)), scope.escape(Tensor.stack(ys, 0)));
    }
  }
}
