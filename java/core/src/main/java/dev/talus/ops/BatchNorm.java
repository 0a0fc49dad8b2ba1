package dev.talus.ops;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.NativeNn;
import java.lang.ref.Reference;

/**
 * Normalises each channel of a batch to mean 0 and variance 1, then scales and shifts it.
 *
 * @see <a href="https://arxiv.org/abs/1502.03167">Batch Normalization</a>
 */
public final class BatchNorm extends Node {
  private final boolean training;
  private final double eps;

  private BatchNorm(
      Tensor x,
      Tensor weight,
      Tensor bias,
      Tensor mean,
      Tensor rstd,
      boolean training,
      double eps) {
    super(x, weight, bias);
    this.training = training;
    this.eps = eps;
    save(x);
    save(weight);
    save(mean);
    save(rstd);
  }

  /**
   * Normalises each channel.
   *
   * @param x [N, C] or [N, C, d1, …], floating
   * @param weight [C], or null for 1
   * @param bias [C], or null for 0
   * @param runningMean [C], changed in training; null only in training
   * @param runningVar [C], changed in training; null together with runningMean
   * @param training whether the batch's own mean and biased variance are used; the running variance
   *     follows the unbiased one
   * @param momentum how far the running statistics move
   * @param eps added to the variance
   * @return the shape of x
   * @throws IllegalArgumentException if shapes or types do not fit, or in training a channel has
   *     one value only
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.batch_norm.html">batch_norm</a>
   */
  public static Tensor apply(
      Tensor x,
      Tensor weight,
      Tensor bias,
      Tensor runningMean,
      Tensor runningVar,
      boolean training,
      double momentum,
      double eps) {
    check(x, weight, bias, runningMean, runningVar, training);
    Tensor out = Tensor.emptyLike(x);
    long channels = x.size(1);
    try (Tensor mean = Tensor.allocate(x.dtype(), x.device(), channels);
        Tensor rstd = Tensor.allocate(x.dtype(), x.device(), channels)) {
      try (Scope scope = Scope.open();
          Autograd.GradMode mode = Autograd.noGrad()) {
        Tensor means = contiguous(runningMean);
        Tensor variances = contiguous(runningVar);
        NativeNn.batchNorm(
            x.device().id(),
            x.dtype().code(),
            x.size(0),
            channels,
            inner(x),
            x.contiguous().address(),
            address(contiguous(weight)),
            address(contiguous(bias)),
            address(means),
            address(variances),
            training,
            momentum,
            eps,
            out.address(),
            mean.address(),
            rstd.address());
        if (training && runningMean != null) {
          changed(means, runningMean);
          changed(variances, runningVar);
        }
      }
      Reference.reachabilityFence(x);
      Reference.reachabilityFence(weight);
      Reference.reachabilityFence(bias);
      return Autograd.records(x, weight, bias)
          ? new BatchNorm(x, weight, bias, mean, rstd, training, eps).record(out)
          : out;
    }
  }

  static Tensor contiguous(Tensor x) {
    return x == null ? null : x.contiguous();
  }

  static long address(Tensor x) {
    return x == null ? 0 : x.address();
  }

  private static void changed(Tensor values, Tensor running) {
    if (values.address() != running.address()) {
      InPlace.copyValues(values, running);
    }
    running.versionCounter().bump();
  }

  private static long inner(Tensor x) {
    long inner = 1;
    for (int d = 2; d < x.dim(); d++) {
      inner *= x.size(d);
    }
    return inner;
  }

  private static void check(
      Tensor x,
      Tensor weight,
      Tensor bias,
      Tensor runningMean,
      Tensor runningVar,
      boolean training) {
    Placement.same(x, weight, bias, runningMean, runningVar);
    Checks.floating("batch_norm", x);
    if (x.dim() < 2) {
      throw new IllegalArgumentException(
          "batch_norm(): expected input of shape [N, C, *], but got " + x.shape());
    }
    if (!training && (runningMean == null || runningVar == null)) {
      throw new IllegalArgumentException(
          "batch_norm(): running_mean and running_var must be defined in evaluation mode");
    }
    if ((runningMean == null) != (runningVar == null)) {
      throw new IllegalArgumentException(
          "batch_norm(): running_mean and running_var must either both be null or neither be null");
    }
    checkChannels("running_mean", x, runningMean);
    checkChannels("running_var", x, runningVar);
    checkChannels("weight", x, weight);
    checkChannels("bias", x, bias);
    if (training && x.size(0) * inner(x) == 1) {
      throw new IllegalArgumentException(
          "Expected more than 1 value per channel when training, got input size " + x.shape());
    }
  }

  private static void checkChannels(String what, Tensor x, Tensor values) {
    if (values == null) {
      return;
    }
    Checks.sameType("batch_norm", x, what, values);
    if (values.dim() != 1 || values.numel() != x.size(1)) {
      throw new IllegalArgumentException(
          what + " should contain " + x.size(1) + " elements, but has shape " + values.shape());
    }
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    Tensor x = saved(0);
    Tensor weight = saved(1);
    Tensor mean = saved(2);
    Tensor rstd = saved(3);
    if (Autograd.records(grad, x, weight)) {
      return differentiable(grad, x, weight, mean, rstd, needs);
    }
    Tensor gradX = needs[0] ? Tensor.emptyLike(x) : null;
    Tensor gradWeight = needs[1] ? Tensor.emptyLike(mean) : null;
    Tensor gradBias = needs[2] ? Tensor.emptyLike(mean) : null;
    NativeNn.batchNormBackward(
        x.device().id(),
        x.dtype().code(),
        x.size(0),
        x.size(1),
        inner(x),
        grad.contiguous().address(),
        x.contiguous().address(),
        address(contiguous(weight)),
        mean.address(),
        rstd.address(),
        training,
        address(gradX),
        address(gradWeight),
        address(gradBias));
    return new Tensor[] {gradX, gradWeight, gradBias};
  }

  /** The same gradients by operations that are recorded; mean and rstd are functions of x then. */
  private Tensor[] differentiable(
      Tensor grad, Tensor x, Tensor weight, Tensor mean, Tensor rstd, boolean[] needs) {
    int[] others = Dims.range(1, x.dim());
    others[0] = 0;
    long[] perChannel = new long[x.dim()];
    java.util.Arrays.fill(perChannel, 1);
    perChannel[1] = x.size(1);
    Tensor centred = x.sub(training ? x.mean(others, true) : mean.view(perChannel));
    Tensor r =
        training ? centred.square().mean(others, true).add(eps).rsqrt() : rstd.view(perChannel);
    Tensor normal = centred.mul(r);
    Tensor h = weight == null ? grad : grad.mul(weight.view(perChannel));
    Tensor own =
        training
            ? h.sub(h.mean(others, true)).sub(normal.mul(h.mul(normal).mean(others, true)))
            : h;
    return new Tensor[] {
      needs[0] ? own.mul(r) : null,
      needs[1] ? grad.mul(normal).sum(others) : null,
      needs[2] ? grad.sum(others) : null
    };
  }

  @Override
  public String name() {
    return "NativeBatchNormBackward";
  }
}
