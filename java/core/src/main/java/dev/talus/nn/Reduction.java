package dev.talus.nn;

/** How a loss turns the losses of single elements into its result. */
public enum Reduction {
  /** No reduction: one loss for each element. */
  NONE,
  /** The mean; where classes have weights, the weighted mean. */
  MEAN,
  /** The sum. */
  SUM;

  /** The number that stands for this reduction at the native border. */
  public int code() {
    return ordinal();
  }
}
