package dev.talus.bench;

/** One library's training of a network on one batch. */
public interface Trainer extends AutoCloseable {
  /** Sets how many threads the library may use. */
  void setThreads(int threads);

  /** Zeroes the gradients, computes the cross-entropy, its gradients, and one SGD step. */
  double step();

  /** The parameters' values, in the network's order. */
  float[][] parameters();

  @Override
  void close();
}
