package dev.talus.nn;

/** What the dropout layers share: their probability. */
abstract class DropoutNd extends Module {
  /** The probability of a zero. */
  final double p;

  DropoutNd(double p) {
    if (!(p >= 0 && p <= 1)) {
      throw new IllegalArgumentException(
          "dropout probability has to be between 0 and 1, but got " + p);
    }
    this.p = p;
  }

  @Override
  protected String extraRepr() {
    return "p=" + Arguments.python(p) + ", inplace=False";
  }
}
