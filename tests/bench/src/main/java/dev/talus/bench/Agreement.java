package dev.talus.bench;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Whether two libraries computed the same: only then their times may be compared. */
final class Agreement {
  private static final int SAMPLE = 1 << 20;

  /** Of the largest value: sums of thousands of products are rounded in another order. */
  private static final double TOLERANCE = 2e-3;

  private static final double MOST_DENORMALS = 0.01;

  private Agreement() {}

  /** Compares the first million numbers, which must be of one type, as float32. */
  static void check(String what, Tensor ours, org.bytedeco.pytorch.Tensor theirs) {
    if (ours.numel() != theirs.numel()) {
      throw new IllegalStateException(
          what + ": Talus has " + ours.numel() + " numbers, libtorch " + theirs.numel());
    }
    if ((ours.dtype() == DType.FLOAT64) != (theirs.scalar_type().intern() == ScalarType.Double)) {
      throw new IllegalStateException(
          what + ": Talus computed in " + ours.dtype() + ", libtorch in " + theirs.scalar_type());
    }
    int n = (int) Math.min(SAMPLE, ours.numel());
    float[] other = new float[n];
    try (Scope scope = Scope.open();
        PointerScope pointers = new PointerScope()) {
      theirs.detach().to(ScalarType.Float).contiguous().data_ptr_float().get(other);
      check(what, ours.detach().contiguous().view(-1).narrow(0, 0, n).toFloatArray(), other);
    }
  }

  /** Compares numbers. */
  static void check(String what, float[] ours, float[] theirs) {
    double largest = 0;
    double difference = 0;
    long denormals = 0;
    for (int i = 0; i < ours.length; i++) {
      if (!Float.isFinite(ours[i]) || !Float.isFinite(theirs[i])) {
        throw new IllegalStateException(
            what + ": number " + i + " is not finite: " + ours[i] + ", libtorch " + theirs[i]);
      }
      largest = Math.max(largest, Math.abs(theirs[i]));
      difference = Math.max(difference, Math.abs((double) ours[i] - theirs[i]));
      if (ours[i] != 0 && Math.abs(ours[i]) < Float.MIN_NORMAL) {
        denormals++;
      }
    }
    if (difference > TOLERANCE * largest) {
      throw new IllegalStateException(
          what + " differs from libtorch's by " + difference + ", largest value " + largest);
    }
    if (denormals > MOST_DENORMALS * ours.length) {
      throw new IllegalStateException(
          what + ": " + denormals + " of " + ours.length + " numbers are denormal, and slow");
    }
  }
}
