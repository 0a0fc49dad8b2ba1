package dev.talus.nn;

import dev.talus.Scope;
import dev.talus.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The means of as many windows as the output has elements, which cover batched images.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.AdaptiveAvgPool2d.html">AdaptiveAvgPool2d</a>
 */
public final class AdaptiveAvgPool2d extends Module {
  private final int[] outputSize;

  /**
   * For an output of a size.
   *
   * @param outputSize one number, or height and width of the output
   * @throws IllegalArgumentException if a number is less than 1
   */
  public AdaptiveAvgPool2d(int... outputSize) {
    this.outputSize = Arguments.sizes("AdaptiveAvgPool2d", "output_size", outputSize, 1);
  }

  /**
   * Takes the mean of each window.
   *
   * @param x [N, C, H, W]
   * @return [N, C, OH, OW]
   * @throws IllegalArgumentException naming this layer, if the shape or type does not fit
   */
  @Override
  public Tensor forward(Tensor x) {
    try {
      return pool(x, outputSize);
    } catch (IllegalArgumentException e) {
      throw refusal(e.getMessage(), e);
    }
  }

  static Tensor pool(Tensor x, int[] outputSize) {
    int[] out =
        Arguments.pair(Arguments.sizes("adaptive_avg_pool2d", "output_size", outputSize, 1));
    if (x.dim() != 4 || !x.dtype().isFloating() || x.size(2) == 0 || x.size(3) == 0) {
      throw new IllegalArgumentException(
          "adaptive_avg_pool2d(): Expected floating point images [N, C, H, W], use"
              + " input.unsqueeze(0) for a single sample, but got "
              + x.geometry().describe());
    }
    if (out[0] == 1 && out[1] == 1) {
      return x.mean(new int[] {2, 3}, true);
    }
    if (x.size(2) % out[0] == 0 && x.size(3) % out[1] == 0) {
      int[] window = {(int) (x.size(2) / out[0]), (int) (x.size(3) / out[1])};
      return F.avgPool2d(x, window, window, new int[] {0}, false, true);
    }
    // Windows of several sizes: rows first, then columns.
    try (Scope scope = Scope.open()) {
      return scope.escape(means(means(x, 2, out[0]), 3, out[1]));
    }
  }

  /** Window i of n covers [floor(i · size / n), ceil((i + 1) · size / n)). */
  private static Tensor means(Tensor x, int dim, int n) {
    List<Tensor> means = new ArrayList<>();
    long size = x.size(dim);
    for (long i = 0; i < n; i++) {
      long begin = i * size / n;
      long end = ((i + 1) * size + n - 1) / n;
      means.add(x.narrow(dim, begin, end - begin).mean(new int[] {dim}, true));
    }
    return Tensor.cat(means, dim);
  }

  @Override
  protected String extraRepr() {
    return "output_size=" + Arguments.python(outputSize);
  }
}
