package dev.talus.bench;

/**
 * One who takes turns in a contest.
 *
 * @param side the library: only the fastest setting of a library counts
 * @param setting which of the library's settings this is
 * @param threads how many threads it may use
 * @param enter what to do before each of its turns, not timed
 * @param work what is timed
 */
record Rival(String side, String setting, int threads, Runnable enter, Runnable work) {
  static final String TALUS = "Talus";
  static final String TORCH = "libtorch";
  static final String BLAS = "OpenBLAS";

  /** Talus with one thread, where it is the peer. */
  static final String ONE_THREAD = "1 thread";
}
