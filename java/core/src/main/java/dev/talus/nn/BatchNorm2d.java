package dev.talus.nn;

import dev.talus.Tensor;

/**
 * Normalises each channel of batched images [N, C, H, W] to mean 0 and variance 1, then scales and
 * shifts it.
 *
 * <p>The weight starts as 1 and the bias as 0. The buffers {@code running_mean}, {@code
 * running_var} and {@code num_batches_tracked} follow the batches seen in training and are what
 * evaluation uses.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html">BatchNorm2d</a>
 */
public final class BatchNorm2d extends BatchNorm {
  /**
   * With PyTorch's defaults: eps 1e-5, momentum 0.1, a weight and a bias, running statistics.
   *
   * @param numFeatures the number of channels
   */
  public BatchNorm2d(long numFeatures) {
    this(numFeatures, EPS, MOMENTUM, true, true);
  }

  /**
   * With all options.
   *
   * @param numFeatures the number of channels
   * @param eps added to the variance
   * @param momentum how far the running statistics move with each batch; null: they are the plain
   *     averages over all batches
   * @param affine whether there are a weight and a bias
   * @param trackRunningStats whether running statistics are kept; without, evaluation uses those of
   *     its batch
   * @throws IllegalArgumentException if numFeatures is less than 1
   */
  public BatchNorm2d(
      long numFeatures, double eps, Double momentum, boolean affine, boolean trackRunningStats) {
    super(numFeatures, eps, momentum, affine, trackRunningStats);
  }

  @Override
  void checkInput(Tensor x) {
    if (x.dim() != 4) {
      throw refusal("expected 4D input (got " + x.dim() + "D input)", null);
    }
  }
}
