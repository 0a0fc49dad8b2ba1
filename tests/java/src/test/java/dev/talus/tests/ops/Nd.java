package dev.talus.tests.ops;

import dev.talus.Shape;
import dev.talus.Tensor;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;

/**
 * An array of doubles with a shape, for reference implementations written as plain loops.
 *
 * @param values in row-major order
 * @param shape the sizes
 */
public record Nd(double[] values, long[] shape) {
  /** The values of a tensor. */
  public static Nd of(Tensor x) {
    return new Nd(x.toDoubleArray(), x.shape().toArray());
  }

  /** An array whose element at each index is what the function says. */
  public static Nd fill(ToDoubleFunction<int[]> element, long... shape) {
    Nd out = new Nd(new double[(int) Shape.numel(shape)], shape);
    int[] index = new int[shape.length];
    for (int i = 0; i < out.values.length; i++) {
      out.values[i] = element.applyAsDouble(index);
      for (int d = shape.length - 1; d >= 0 && ++index[d] == shape[d]; d--) {
        index[d] = 0;
      }
    }
    return out;
  }

  /** The element at an index; 0 outside the array, as zero padding wants it. */
  public double at(int... index) {
    int at = 0;
    for (int d = 0; d < shape.length; d++) {
      if (index[d] < 0 || index[d] >= shape[d]) {
        return 0;
      }
      at = at * (int) shape[d] + index[d];
    }
    return values[at];
  }

  /** The size of a dimension. */
  public int size(int dim) {
    return (int) shape[dim < 0 ? dim + shape.length : dim];
  }

  /** f of each element. */
  public Nd map(DoubleUnaryOperator f) {
    return fill(i -> f.applyAsDouble(at(i)), shape);
  }

  /** f of each pair of elements, broadcasting. */
  public Nd zip(Nd other, DoubleBinaryOperator f) {
    long[] sizes = Shape.broadcast(shape, other.shape);
    return fill(i -> f.applyAsDouble(broadcastAt(i), other.broadcastAt(i)), sizes);
  }

  private double broadcastAt(int[] index) {
    int[] mine = new int[shape.length];
    for (int d = 0; d < mine.length; d++) {
      mine[d] = shape[d] == 1 ? 0 : index[index.length - mine.length + d];
    }
    return at(mine);
  }
}
