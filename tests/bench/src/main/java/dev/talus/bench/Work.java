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

  /**
   * Talus with so many threads, and each peer with any number of threads up to that. libtorch's
   * threads each call OpenBLAS, so that several threads are best with OpenBLAS at one in some work.
   */
  default List<Rival> rivals(int threads) {
    List<Rival> rivals = new ArrayList<>();
    rivals.add(
        new Rival(Rival.TALUS, threads + "t", threads, () -> Threads.talus(threads), talus()));
    for (int i = threads; i > 0; i--) {
      int count = i;
      String setting = count + "t";
      rivals.add(
          new Rival(Rival.TORCH, setting, count, () -> Threads.torch(count, count), torch()));
      if (count > 1) {
        rivals.add(
            new Rival(
                Rival.TORCH, setting + "/blas 1t", count, () -> Threads.torch(count, 1), torch()));
      }
      if (blas() != null) {
        rivals.add(new Rival(Rival.BLAS, setting, count, () -> Threads.blas(count), blas()));
      }
    }
    return rivals;
  }
}
