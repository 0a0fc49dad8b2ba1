package dev.talus.bench;

/**
 * What a rival needed in the rounds of a contest.
 *
 * @param side the library
 * @param setting which of the library's settings it used
 * @param rounds seconds of one call, in the order of the rounds
 * @param handoverNanos how far apart the cores were at most, see {@link Cores}; zero for one thread
 */
record Timing(String side, String setting, double[] rounds, double handoverNanos) {
  boolean isFar() {
    return handoverNanos > Cores.FAR_NANOS;
  }

  double median() {
    return Statistics.median(rounds);
  }

  /** How many times faster the other was in each round. */
  double[] ratios(Timing other) {
    double[] ratios = new double[rounds.length];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = rounds[i] / other.rounds[i];
    }
    return ratios;
  }
}
