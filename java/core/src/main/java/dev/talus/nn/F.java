package dev.talus.nn;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.ops.Activation;
import dev.talus.ops.AvgPool2d;
import dev.talus.ops.BatchNorm;
import dev.talus.ops.Conv2d;
import dev.talus.ops.CrossEntropy;
import dev.talus.ops.Dropout;
import dev.talus.ops.Embedding;
import dev.talus.ops.Epilogue;
import dev.talus.ops.LayerNorm;
import dev.talus.ops.Matmul;
import dev.talus.ops.MaxPool2d;
import dev.talus.ops.MseLoss;
import dev.talus.ops.NllLoss;
import dev.talus.ops.OneHot;

/**
 * Layers without state, as functions: {@code torch.nn.functional} in Java.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/nn.functional.html">torch.nn.functional</a>
 */
public final class F {
  /** The target that classification losses leave out by default, -100 as in PyTorch. */
  static final long IGNORE_INDEX = -100;

  private static final int[] ZERO = {0};
  private static final int[] ONE = {1};

  private F() {}

  // --------------------------------------------------------------- activations

  /** max(x, 0). */
  public static Tensor relu(Tensor x) {
    return x.relu();
  }

  /** 1 / (1 + exp(-x)). */
  public static Tensor sigmoid(Tensor x) {
    return x.sigmoid();
  }

  /** The hyperbolic tangent. */
  public static Tensor tanh(Tensor x) {
    return x.tanh();
  }

  /** exp(x) over its sum along a dimension. */
  public static Tensor softmax(Tensor x, int dim) {
    return x.softmax(dim);
  }

  /** The logarithm of {@link #softmax}, without overflow. */
  public static Tensor logSoftmax(Tensor x, int dim) {
    return x.logSoftmax(dim);
  }

  /** min(max(x, 0), 6). */
  public static Tensor relu6(Tensor x) {
    return Activation.relu6(x);
  }

  /** x between two bounds, where the gradient is 0. */
  public static Tensor hardtanh(Tensor x, double minVal, double maxVal) {
    return Activation.HARDTANH.apply(x, minVal, maxVal);
  }

  /** x times the normal distribution function of x. */
  public static Tensor gelu(Tensor x) {
    return gelu(x, "none");
  }

  /**
   * x times the normal distribution function of x.
   *
   * @param x floating
   * @param approximate {@code "none"}, or {@code "tanh"} for the approximation by tanh
   * @throws IllegalArgumentException if approximate is neither
   */
  public static Tensor gelu(Tensor x, String approximate) {
    Arguments.approximation(approximate);
    return (approximate.equals("tanh") ? Activation.GELU_TANH : Activation.GELU).apply(x, 0, 0);
  }

  /** x · sigmoid(x). */
  public static Tensor silu(Tensor x) {
    return Activation.SILU.apply(x, 0, 0);
  }

  /** x, or below 0 the slope times x; PyTorch's default slope is 0.01. */
  public static Tensor leakyRelu(Tensor x, double negativeSlope) {
    return Activation.LEAKY_RELU.apply(x, negativeSlope, 0);
  }

  /** x, or below 0 alpha · (exp(x) - 1); PyTorch's default alpha is 1. */
  public static Tensor elu(Tensor x, double alpha) {
    return Activation.ELU.apply(x, alpha, 0);
  }

  /** log(1 + exp(beta · x)) / beta, or x where beta · x is above the threshold; 1 and 20. */
  public static Tensor softplus(Tensor x, double beta, double threshold) {
    return Activation.SOFTPLUS.apply(x, beta, threshold);
  }

  /** x · min(max(x + 3, 0), 6) / 6. */
  public static Tensor hardswish(Tensor x) {
    return Activation.HARDSWISH.apply(x, 0, 0);
  }

  // ------------------------------------------------------ dropout, embeddings

  /**
   * Zeros random elements and divides the others by 1 - p.
   *
   * @param x floating
   * @param p the probability of a zero, 0 to 1
   * @param training false: x itself is returned
   * @throws IllegalArgumentException if p is out of range
   */
  public static Tensor dropout(Tensor x, double p, boolean training) {
    return Dropout.apply(x, p, training);
  }

  /**
   * Zeros random channels and divides the others by 1 - p.
   *
   * @param x [N, C, H, W]
   * @param p the probability of a zero, 0 to 1
   * @param training false: x itself is returned
   * @throws IllegalArgumentException if p is out of range
   */
  public static Tensor dropout2d(Tensor x, double p, boolean training) {
    return Dropout.ofChannels(x, p, training);
  }

  /**
   * Rows of a table by their index.
   *
   * @param index int64 of any shape
   * @param weight the table [rows, dim]
   * @param paddingIdx a row that gets no gradient; -1: none
   * @return [index's shape, dim]
   * @throws IndexOutOfBoundsException if an index is no row
   */
  public static Tensor embedding(Tensor index, Tensor weight, long paddingIdx) {
    return Embedding.apply(weight, index, paddingIdx);
  }

  // -------------------------------------------------------------------- shapes

  /** All dimensions but the first as one. */
  public static Tensor flatten(Tensor x) {
    return x.flatten(1, -1);
  }

  /**
   * Class indices as rows with a single 1.
   *
   * @param index int64 indices of any shape
   * @param classes the number of classes; -1: one more than the largest index
   * @return int64 […, classes]
   * @throws IllegalArgumentException if an index is no class
   */
  public static Tensor oneHot(Tensor index, long classes) {
    return OneHot.apply(index, classes);
  }

  // ------------------------------------------------------------- linear, images

  /**
   * x Wᵀ + b.
   *
   * @param x […, in]
   * @param weight [out, in]
   * @param bias [out], or null
   * @return […, out]
   */
  public static Tensor linear(Tensor x, Tensor weight, Tensor bias) {
    return linear(x, weight, bias, Epilogue.NONE);
  }

  /** {@link #linear} and an activation, at once where the product has a bias added. */
  static Tensor linear(Tensor x, Tensor weight, Tensor bias, Epilogue epilogue) {
    try (Tensor transposed = weight.t()) {
      if (bias != null && x.dim() == 2) {
        return Matmul.addmm(bias, x, transposed, epilogue);
      }
      Tensor product = Matmul.matmul(x, transposed);
      Tensor sum = bias == null ? product : closing(product, product.add(bias));
      return epilogue == Epilogue.NONE ? sum : closing(sum, epilogue.apply(sum));
    }
  }

  /** The result, after its intermediate is closed: the graph holds what it needs of it. */
  private static Tensor closing(Tensor intermediate, Tensor result) {
    intermediate.close();
    return result;
  }

  /**
   * Convolution with stride 1, without padding.
   *
   * @param x [N, C, H, W]
   * @param weight [O, C, KH, KW]
   * @param bias [O], or null
   * @return [N, O, OH, OW]
   */
  public static Tensor conv2d(Tensor x, Tensor weight, Tensor bias) {
    return conv2d(x, weight, bias, ONE, ZERO, ONE, 1);
  }

  /**
   * Convolution. Each array holds one number, or those of height and width.
   *
   * @param x [N, C, H, W]
   * @param weight [O, C/groups, KH, KW]
   * @param bias [O], or null
   * @param stride distance of neighbouring windows
   * @param padding zeros around the images
   * @param dilation distance of neighbouring kernel elements
   * @param groups blocks of channels that do not see each other
   * @return [N, O, OH, OW]
   */
  public static Tensor conv2d(
      Tensor x,
      Tensor weight,
      Tensor bias,
      int[] stride,
      int[] padding,
      int[] dilation,
      int groups) {
    return Conv2d.apply(x, weight, bias, stride, padding, dilation, groups);
  }

  /**
   * The largest element of square windows side by side.
   *
   * @param x [N, C, H, W]
   * @param kernelSize height, width and distance of the windows
   */
  public static Tensor maxPool2d(Tensor x, int kernelSize) {
    return maxPool2d(x, kernelSize, kernelSize);
  }

  /**
   * The largest element of square windows.
   *
   * @param x [N, C, H, W]
   * @param kernelSize height and width of the windows
   * @param stride distance of the windows
   */
  public static Tensor maxPool2d(Tensor x, int kernelSize, int stride) {
    return maxPool2d(x, new int[] {kernelSize}, new int[] {stride}, ZERO, ONE, false);
  }

  /**
   * The largest element of windows. Each array holds one number, or those of height and width.
   *
   * @param x [N, C, H, W]
   * @param kernelSize size of the windows
   * @param stride distance of the windows; null: their size
   * @param padding rows and columns around the images that no window chooses
   * @param dilation distance of neighbouring window elements
   * @param ceilMode whether a window that reaches past the end counts
   * @return [N, C, OH, OW]
   */
  public static Tensor maxPool2d(
      Tensor x, int[] kernelSize, int[] stride, int[] padding, int[] dilation, boolean ceilMode) {
    return MaxPool2d.apply(x, kernelSize, stride, padding, dilation, ceilMode);
  }

  /**
   * The mean of square windows side by side.
   *
   * @param x [N, C, H, W]
   * @param kernelSize height, width and distance of the windows
   */
  public static Tensor avgPool2d(Tensor x, int kernelSize) {
    return avgPool2d(x, kernelSize, kernelSize);
  }

  /**
   * The mean of square windows.
   *
   * @param x [N, C, H, W]
   * @param kernelSize height and width of the windows
   * @param stride distance of the windows
   */
  public static Tensor avgPool2d(Tensor x, int kernelSize, int stride) {
    return avgPool2d(x, new int[] {kernelSize}, new int[] {stride}, ZERO, false, true);
  }

  /**
   * The mean of windows. Each array holds one number, or those of height and width.
   *
   * @param x [N, C, H, W]
   * @param kernelSize size of the windows
   * @param stride distance of the windows; null: their size
   * @param padding zeros around the images
   * @param ceilMode whether a window that reaches past the end counts
   * @param countIncludePad whether the padding counts in the mean
   * @return [N, C, OH, OW]
   */
  public static Tensor avgPool2d(
      Tensor x,
      int[] kernelSize,
      int[] stride,
      int[] padding,
      boolean ceilMode,
      boolean countIncludePad) {
    return AvgPool2d.apply(x, kernelSize, stride, padding, ceilMode, countIncludePad, null);
  }

  /**
   * The means of as many windows as the output has elements, which cover the images.
   *
   * @param x [N, C, H, W]
   * @param outputSize one number, or height and width of the output
   * @return [N, C, OH, OW]
   * @throws IllegalArgumentException if the shape or type does not fit
   */
  public static Tensor adaptiveAvgPool2d(Tensor x, int... outputSize) {
    return AdaptiveAvgPool2d.pool(x, outputSize);
  }

  // ------------------------------------------------------------- normalisation

  /**
   * Normalises each channel. In training by its own mean and variance, towards which the running
   * ones move; else by the running ones.
   *
   * @param x [N, C] or [N, C, d1, …]
   * @param runningMean [C], or null in training
   * @param runningVar [C], or null in training
   * @param weight [C], or null for 1
   * @param bias [C], or null for 0
   * @param training whether the batch's own statistics are used
   * @param momentum how far the running statistics move, 0 to 1
   * @param eps added to the variance, 1e-5 by default in PyTorch
   * @return the shape of x
   * @throws IllegalArgumentException if shapes or types do not fit, or a channel has one value only
   */
  public static Tensor batchNorm(
      Tensor x,
      Tensor runningMean,
      Tensor runningVar,
      Tensor weight,
      Tensor bias,
      boolean training,
      double momentum,
      double eps) {
    return BatchNorm.apply(x, weight, bias, runningMean, runningVar, training, momentum, eps);
  }

  /**
   * Normalises each row of the last dimensions by its own mean and variance.
   *
   * @param x […, normalizedShape]
   * @param normalizedShape the last sizes of x
   * @param weight of that shape, or null for 1
   * @param bias of that shape, or null for 0
   * @param eps added to the variance, 1e-5 by default in PyTorch
   * @return the shape of x
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public static Tensor layerNorm(
      Tensor x, long[] normalizedShape, Tensor weight, Tensor bias, double eps) {
    return LayerNorm.apply(x, normalizedShape, weight, bias, eps);
  }

  // -------------------------------------------------------------------- losses

  /** The mean of the squared differences. */
  public static Tensor mseLoss(Tensor input, Tensor target) {
    return mseLoss(input, target, Reduction.MEAN);
  }

  /** The squared differences, reduced; shapes broadcast. */
  public static Tensor mseLoss(Tensor input, Tensor target, Reduction reduction) {
    return MseLoss.apply(input, target, reduction);
  }

  /** The mean negative log-likelihood of class indices. */
  public static Tensor nllLoss(Tensor logProbabilities, Tensor target) {
    return nllLoss(logProbabilities, target, null, IGNORE_INDEX, Reduction.MEAN);
  }

  /**
   * The negative log-likelihood of class indices.
   *
   * @param logProbabilities [C], [N, C] or [N, C, d1, …]
   * @param target int64 classes [], [N] or [N, d1, …]
   * @param weight one for each class, or null for 1
   * @param ignoreIndex targets of this value count nothing
   * @param reduction the weighted mean, the sum or none
   */
  public static Tensor nllLoss(
      Tensor logProbabilities,
      Tensor target,
      Tensor weight,
      long ignoreIndex,
      Reduction reduction) {
    return NllLoss.apply(logProbabilities, target, weight, ignoreIndex, reduction);
  }

  /** The mean cross entropy of scores and class indices, or class probabilities. */
  public static Tensor crossEntropy(Tensor input, Tensor target) {
    return crossEntropy(input, target, null, IGNORE_INDEX, Reduction.MEAN, 0);
  }

  /**
   * The cross entropy of scores and classes.
   *
   * @param input scores [C], [N, C] or [N, C, d1, …]
   * @param target int64 classes [], [N] or [N, d1, …]; or probabilities of the input's shape and
   *     type
   * @param weight one for each class, or null for 1
   * @param ignoreIndex class indices of this value count nothing
   * @param reduction the weighted mean, the sum or none
   * @param labelSmoothing share of the target spread over all classes, 0 to 1
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html">cross_entropy</a>
   */
  public static Tensor crossEntropy(
      Tensor input,
      Tensor target,
      Tensor weight,
      long ignoreIndex,
      Reduction reduction,
      double labelSmoothing) {
    checkSmoothing(labelSmoothing);
    if (input.dim() == 0) {
      throw new IllegalArgumentException(
          "cross_entropy expects scores of at least one dimension, got a scalar");
    }
    boolean plain = !target.dtype().isFloating() && labelSmoothing == 0;
    if (plain && CrossEntropy.takes(input)) {
      return CrossEntropy.apply(input, target, weight, ignoreIndex, reduction);
    }
    try (Tensor logp = input.logSoftmax(input.dim() == 1 ? 0 : 1)) {
      if (plain) {
        return nllLoss(logp, target, weight, ignoreIndex, reduction);
      }
      try (Scope scope = Scope.open()) {
        return scope.escape(
            target.dtype().isFloating()
                ? SoftTargets.probabilities(logp, target, weight, reduction, labelSmoothing)
                : SoftTargets.smoothed(
                    logp, target, weight, ignoreIndex, reduction, labelSmoothing));
      }
    }
  }

  static void checkSmoothing(double labelSmoothing) {
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
      throw new IllegalArgumentException(
          "label_smoothing must be between 0.0 and 1.0. Got: " + labelSmoothing);
    }
  }
}
