package dev.talus.nn;

import dev.talus.DType;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.nn.init.Init;

/** What {@link BatchNorm1d} and {@link BatchNorm2d} share; they differ in the inputs they take. */
public abstract class BatchNorm extends Module {
  /** PyTorch's default of eps. */
  static final double EPS = 1e-5;

  /** PyTorch's default of momentum. */
  static final double MOMENTUM = 0.1;

  private final long numFeatures;
  private final double eps;
  private final Double momentum;
  private final Parameter weight;
  private final Parameter bias;
  private final Tensor runningMean;
  private final Tensor runningVar;
  private final Tensor numBatchesTracked;

  BatchNorm(
      long numFeatures, double eps, Double momentum, boolean affine, boolean trackRunningStats) {
    Arguments.atLeast(getClass().getSimpleName(), "num_features", numFeatures, 1);
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.momentum = momentum;
    weight = affine ? register("weight", Parameter.uninitialized(numFeatures)) : null;
    bias = affine ? register("bias", Parameter.uninitialized(numFeatures)) : null;
    boolean tracks = trackRunningStats;
    runningMean = tracks ? registerBuffer("running_mean", Tensor.zeros(numFeatures)) : null;
    runningVar = tracks ? registerBuffer("running_var", Tensor.ones(numFeatures)) : null;
    numBatchesTracked =
        tracks ? registerBuffer("num_batches_tracked", Tensor.scalar(0, DType.INT64)) : null;
    if (affine) {
      Init.ones_(weight);
      Init.zeros_(bias);
    }
  }

  /** Refuses inputs that are not of this layer's kind. */
  abstract void checkInput(Tensor x);

  /** The factors, [num_features], or null. */
  public final Parameter weight() {
    return weight;
  }

  /** What is added, [num_features], or null. */
  public final Parameter bias() {
    return bias;
  }

  /** The mean that evaluation uses, [num_features], or null. */
  public final Tensor runningMean() {
    return runningMean;
  }

  /** The variance that evaluation uses, [num_features], or null. */
  public final Tensor runningVar() {
    return runningVar;
  }

  /**
   * Normalises each channel: in training, and where no running statistics are kept, by its own mean
   * and variance, else by the running ones. Training moves the running statistics.
   *
   * @param x a batch, channels second
   * @return the shape of x
   * @throws IllegalArgumentException naming this layer, if the shape or type does not fit, or in
   *     training a channel has one value only
   */
  @Override
  public final Tensor forward(Tensor x) {
    checkInput(x);
    boolean tracks = runningMean != null;
    boolean own = isTraining() || !tracks;
    try {
      return F.batchNorm(
          x,
          runningMean,
          runningVar,
          weight,
          bias,
          own,
          isTraining() && tracks ? counted() : 0,
          eps);
    } catch (IllegalArgumentException e) {
      throw refusal(e.getMessage(), e);
    }
  }

  /** Counts a batch; returns how far it moves the running statistics. */
  private double counted() {
    try (Autograd.GradMode mode = Autograd.noGrad()) {
      numBatchesTracked.add_(1);
    }
    return momentum != null ? momentum : 1.0 / numBatchesTracked.itemLong();
  }

  @Override
  protected final String extraRepr() {
    return numFeatures
        + ", eps="
        + Arguments.python(eps)
        + ", momentum="
        + (momentum == null ? "None" : Arguments.python(momentum.doubleValue()))
        + ", affine="
        + Arguments.python(weight != null)
        + ", track_running_stats="
        + Arguments.python(runningMean != null);
  }
}
