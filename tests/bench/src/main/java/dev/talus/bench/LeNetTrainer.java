package dev.talus.bench;

/** One library's training of the tutorial's network; both sides do the same work. */
public interface LeNetTrainer extends Trainer {
  /**
   * Sets the batch every step works on.
   *
   * @param pixels [n, 1, 32, 32] in row-major order
   * @param classes n labels in 0…9
   */
  void setBatch(float[] pixels, long[] classes);

  /** A forward pass without recording; returns the sum of the outputs. */
  double infer();
}
