package dev.talus.tests.data;

import static org.assertj.core.api.Assertions.assertThat;

/** The threads that prepare batches. */
public final class WorkerThreads {
  private static final long PATIENCE_NANOS = 20_000_000_000L;

  private WorkerThreads() {}

  /** Waits until none is left; an epoch that is over keeps none. */
  public static void awaitEnd() {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    while (any()) {
      assertThat(System.nanoTime()).as("the workers ended in time").isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  private static boolean any() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().equals("talus-data"));
  }
}
