package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.data.Batches;
import dev.talus.data.DataLoader;
import dev.talus.data.TensorDataset;
import dev.talus.memory.LeakDetector;
import dev.talus.tests.data.WorkerThreads;
import dev.talus.tests.leak.FreesLate;
import org.junit.jupiter.api.Test;

/** What the Cleaner finds of an epoch that nobody ended: all that the loader had made by then. */
@CudaTest
@FreesLate
class CudaAbandonedEpochTest {
  private static final Device GPU = Device.cuda();
  private static final long PATIENCE_NANOS = 20_000_000_000L;

  /** Two tensors, and the event and the stream of their copies. */
  @Test
  void aBatchThatWasCopiedLeavesAStream() {
    assertThat(leftBy(Device.CPU)).isEqualTo(4);
  }

  /** Two tensors: where nothing is copied, nothing is made for copies. */
  @Test
  void aBatchThatWasOnTheGpuLeavesItselfOnly() {
    assertThat(leftBy(GPU)).isEqualTo(2);
  }

  /** How much an epoch leaves that is abandoned with one batch prepared. */
  private static long leftBy(Device where) {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.arange(2).to(where);
      long before = settled(); // without what other tests forgot
      abandon(new DataLoader(new TensorDataset(x, x), 1).workers(1).prefetch(1).device(GPU));
      // Which end by themselves after a while, with the last batch prepared.
      WorkerThreads.awaitEnd();
      long deadline = System.nanoTime() + PATIENCE_NANOS;
      while (LeakDetector.lateFrees() < before + 2) {
        assertThat(System.nanoTime()).as("the Cleaner ran in time").isLessThan(deadline);
        System.gc();
        Thread.yield();
      }
      return settled() - before;
    }
  }

  private static void abandon(DataLoader loader) {
    Batches batches = loader.iterator();
    batches.next().close();
  }

  /** What became unreachable at once is freed at once; the pause is for the Cleaner's thread. */
  private static long settled() {
    for (int i = 0; i < 5; i++) {
      System.gc();
      try {
        Thread.sleep(20);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
    return LeakDetector.lateFrees();
  }
}
