package dev.talus.bench;

import java.util.ArrayList;
import java.util.List;

/** The same work, ready to run in each library. */
interface Work extends AutoCloseable {
  /** One call of Talus. */
  Runnable talus();

  /** One call of libtorch. */
  Runnable torch();

  /** One call of OpenBLAS, or null if it has no such function. */
  default Runnable blas() {
    return null;
  }

  /**
   * Runs both once and compares what they compute.
   *
   * @throws IllegalStateException if the results differ, are not finite, or are full of denormal
   *     numbers, which are slow
   */
  void check();

  @Override
  void close();

  /** Talus with so many threads, and each peer with any number of threads up to that. */
  default List<Rival> rivals(int threads) {
    List<Rival> rivals = new ArrayList<>();
    rivals.add(new Rival(Rival.TALUS, threads, () -> Threads.talus(threads), talus()));
    for (int i = threads; i > 0; i--) {
      int count = i;
      rivals.add(new Rival(Rival.TORCH, count, () -> Threads.torch(count), torch()));
      if (blas() != null) {
        rivals.add(new Rival(Rival.BLAS, count, () -> Threads.blas(count), blas()));
      }
    }
    return rivals;
  }
}
