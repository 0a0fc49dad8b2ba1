package dev.talus.nn;

import dev.talus.DType;
import dev.talus.Tensor;

/** Cross entropy with targets that are not one class: probabilities, and smoothed labels. */
final class SoftTargets {
  private SoftTargets() {}

  /** Targets are probabilities of the input's shape; the mean is over samples. */
  static Tensor probabilities(
      Tensor logp, Tensor target, Tensor weight, Reduction reduction, double smoothing) {
    if (!target.shape().equals(logp.shape()) || target.dtype() != logp.dtype()) {
      throw new IllegalArgumentException(
          "cross_entropy: probabilities must have the scores' shape and type "
              + logp.geometry().describe()
              + ", got "
              + target.geometry().describe()
              + "; class indices are int64");
    }
    int dim = classDim(logp);
    long classes = logp.size(dim);
    Tensor wanted = smoothing == 0 ? target : target.mul(1 - smoothing).add(smoothing / classes);
    Tensor each = weighted(logp, weight).mul(wanted).sum(dim).neg();
    switch (reduction) {
      case MEAN:
        return each.sum().div((double) (logp.numel() / classes));
      case SUM:
        return each.sum();
      default:
        return each;
    }
  }

  /** (1 - s) times the loss of the label, plus s/C times the loss of every class. */
  static Tensor smoothed(
      Tensor logp,
      Tensor target,
      Tensor weight,
      long ignoreIndex,
      Reduction reduction,
      double smoothing) {
    int dim = classDim(logp);
    Tensor nll = F.nllLoss(logp, target, weight, ignoreIndex, reduction);
    Tensor ignored = target.eq(Tensor.scalar(ignoreIndex, DType.INT64, target.device()));
    Tensor each = weighted(logp, weight).sum(dim).neg().maskedFill(ignored, 0);
    Tensor spread = each;
    if (reduction != Reduction.NONE) {
      spread = each.sum();
    }
    if (reduction == Reduction.MEAN) {
      Tensor counted = ignored.logicalNot().to(logp.dtype());
      if (weight != null) {
        Tensor labels = target.maskedFill(ignored, 0);
        counted = counted.mul(weight.indexSelect(0, labels.reshape(-1)).reshape(target.sizes()));
      }
      spread = spread.div(counted.sum());
    }
    return nll.mul(1 - smoothing).add(spread.mul(smoothing / logp.size(dim)));
  }

  private static int classDim(Tensor logp) {
    return logp.dim() == 1 ? 0 : 1;
  }

  private static Tensor weighted(Tensor logp, Tensor weight) {
    if (weight == null) {
      return logp;
    }
    long[] shape = new long[logp.dim()];
    java.util.Arrays.fill(shape, 1);
    shape[classDim(logp)] = weight.numel();
    return logp.mul(weight.view(shape));
  }
}
