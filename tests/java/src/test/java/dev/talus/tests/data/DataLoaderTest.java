package dev.talus.tests.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.data.Batch;
import dev.talus.data.Batches;
import dev.talus.data.DataLoader;
import dev.talus.data.Dataset;
import dev.talus.data.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Batches, their order, and the threads that make them. */
class DataLoaderTest {
  private long before;

  @BeforeEach
  void count() {
    before = Talus.memory().liveBlocks();
  }

  @AfterEach
  void nothingIsLeft() {
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
  }

  /** Example i is the number i, and its target 10 i. */
  private record Numbers(long size, long broken) implements Dataset {
    Numbers(long size) {
      this(size, -1);
    }

    @Override
    public Sample get(long index) {
      if (index == broken) {
        throw new IllegalStateException("example " + index + " is broken");
      }
      return new Sample(Tensor.scalar(index), Tensor.scalar(10 * index, DType.INT64));
    }
  }

  private static List<List<Long>> epoch(DataLoader loader) {
    List<List<Long>> batches = new ArrayList<>();
    for (Batch batch : loader) {
      try (batch) {
        List<Long> numbers = new ArrayList<>();
        long[] x = batch.x().toLongArray();
        long[] y = batch.y().toLongArray();
        for (int i = 0; i < x.length; i++) {
          assertThat(y[i]).isEqualTo(10 * x[i]);
          numbers.add(x[i]);
        }
        assertThat(batch.size()).isEqualTo(x.length);
        batches.add(numbers);
      }
    }
    return batches;
  }

  private static List<List<Long>> batches(long[]... numbers) {
    List<List<Long>> all = new ArrayList<>();
    for (long[] batch : numbers) {
      all.add(Arrays.stream(batch).boxed().toList());
    }
    return all;
  }

  @Test
  void inOrder() {
    DataLoader loader = new DataLoader(new Numbers(5), 2);
    assertThat(loader.size()).isEqualTo(3);
    assertThat(epoch(loader))
        .isEqualTo(batches(new long[] {0, 1}, new long[] {2, 3}, new long[] {4}));
    assertThat(epoch(loader.dropLast(true)))
        .isEqualTo(batches(new long[] {0, 1}, new long[] {2, 3}));
    assertThat(loader.size()).isEqualTo(2);
  }

  /** The order that PyTorch 2.13.0 printed after torch.manual_seed(0), for any worker count. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4})
  void shufflesAsPyTorch(int workers) {
    Talus.manualSeed(0);
    DataLoader loader = new DataLoader(new Numbers(10), 3).shuffle(true).workers(workers);
    assertThat(epoch(loader))
        .isEqualTo(
            batches(
                new long[] {6, 7, 1}, new long[] {4, 2, 0}, new long[] {9, 8, 3}, new long[] {5}));
    assertThat(epoch(loader))
        .isEqualTo(
            batches(
                new long[] {2, 4, 7}, new long[] {0, 8, 9}, new long[] {5, 3, 6}, new long[] {1}));
  }

  /** With a generator of its own, seeded with 7; printed by PyTorch 2.13.0. */
  @ParameterizedTest
  @ValueSource(ints = {0, 2})
  void shufflesWithItsOwnSeed(int workers) {
    DataLoader loader = new DataLoader(new Numbers(10), 4).shuffle(true).seed(7).workers(workers);
    assertThat(epoch(loader))
        .isEqualTo(batches(new long[] {1, 3, 5, 7}, new long[] {9, 4, 6, 2}, new long[] {8, 0}));
    assertThat(epoch(loader))
        .isEqualTo(batches(new long[] {5, 1, 6, 0}, new long[] {9, 7, 8, 4}, new long[] {3, 2}));
  }

  /** PyTorch's loader takes one number from the stream in each epoch; then rand gave this. */
  @Test
  void leavesTheStreamWhereAPyTorchLoaderDoes() {
    Talus.manualSeed(0);
    epoch(new DataLoader(new Numbers(4), 2));
    try (Tensor next = Tensor.rand(1)) {
      assertThat(next.toFloatArray()).containsExactly(0.0884774327f);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 4})
  void batchesBelongToTheScopeTheyAreReceivedIn(int workers) {
    DataLoader loader = new DataLoader(new Numbers(6), 2).workers(workers);
    for (Batches batches = loader.iterator(); batches.hasNext(); ) {
      Batch batch;
      try (Scope scope = Scope.open()) {
        batch = batches.next();
        assertThat(scope.owns(batch.x())).isTrue();
      }
      assertThat(batch.x().isClosed() && batch.y().isClosed()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void leavingEarlyLeaksNothing(int workers) {
    DataLoader loader = new DataLoader(new Numbers(1000), 2).workers(workers).prefetch(4);
    try (Batches batches = loader.iterator()) {
      batches.next().close();
      batches.close();
      assertThat(batches.hasNext()).isFalse();
      assertThatThrownBy(batches::next)
          .isInstanceOf(NoSuchElementException.class)
          .hasMessageContaining("closed");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void aWorkersExceptionReachesTheConsumer(int workers) {
    DataLoader loader = new DataLoader(new Numbers(20, 9), 2).workers(workers);
    try (Scope scope = Scope.open();
        Batches batches = loader.iterator()) {
      for (int i = 0; i < 4; i++) {
        assertThat(batches.next().x().toLongArray()).containsExactly(2 * i, 2 * i + 1);
      }
      assertThatIllegalStateException()
          .isThrownBy(batches::next)
          .withMessageContaining("a data worker failed at batch 4")
          .withMessageContaining("example 9 is broken")
          .withCauseInstanceOf(IllegalStateException.class);
      assertThat(batches.hasNext()).isFalse();
    }
  }

  @Test
  void withoutWorkersTheExceptionItselfComes() {
    DataLoader loader = new DataLoader(new Numbers(4, 1), 2);
    assertThatIllegalStateException()
        .isThrownBy(() -> loader.iterator().next())
        .withMessage("example 1 is broken");
  }

  /** However often it is asked, and whoever failed. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 4})
  void anEpochIsOverWhereABatchFailed(int workers) {
    DataLoader loader = new DataLoader(new Numbers(20, 9), 2).workers(workers);
    Batches batches = loader.iterator();
    for (int i = 0; i < 4; i++) {
      batches.next().close();
    }
    assertThatIllegalStateException().isThrownBy(batches::next);
    for (int i = 0; i < 20; i++) {
      assertThat(batches.hasNext()).isFalse();
      assertThatThrownBy(batches::next)
          .isInstanceOf(NoSuchElementException.class)
          .hasMessage("this epoch ended at batch 4, which failed; iterator() starts another");
    }
    WorkerThreads.awaitEnd();
    nothingIsLeft();
    batches.close();
  }

  /** Numbers that take their time. */
  private record SlowNumbers(long size, long millis) implements Dataset {
    @Override
    public Sample get(long index) {
      pause(millis);
      return new Sample(Tensor.scalar(index), Tensor.scalar(10 * index, DType.INT64));
    }
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void anInterruptedConsumerEndsTheEpoch() {
    Batches batches = new DataLoader(new SlowNumbers(8, 200), 2).workers(2).iterator();
    Thread.currentThread().interrupt();
    assertThatIllegalStateException()
        .isThrownBy(batches::next)
        .withMessage("interrupted while waiting for batch 0");
    assertThat(Thread.interrupted()).as("it stays interrupted").isTrue();
    assertThat(batches.hasNext()).isFalse();
    WorkerThreads.awaitEnd();
    nothingIsLeft();
  }

  @Test
  void tellsHowLongItsConsumerWaited() {
    DataLoader slow = new DataLoader(new SlowNumbers(8, 10), 1);
    assertThat(slow.waitShare()).as("before an epoch").isZero();
    epoch(slow);
    assertThat(slow.waitShare()).as("nobody works but the loader").isBetween(0.5, 1.0);
    DataLoader ahead = new DataLoader(new SlowNumbers(8, 5), 1).workers(1);
    for (Batch batch : ahead) {
      batch.close();
      pause(25);
    }
    assertThat(ahead.waitShare()).as("a worker is ahead of a slow consumer").isBetween(0.0, 0.5);
  }

  @Test
  void anEmptyDataSetHasNoBatches() {
    assertThat(epoch(new DataLoader(new Numbers(0), 4).workers(2))).isEmpty();
    assertThatThrownBy(() -> new DataLoader(new Numbers(0), 4).iterator().next())
        .isInstanceOf(NoSuchElementException.class)
        .hasMessageContaining("the epoch is over");
  }

  @Test
  void badOptionsAreRefused() {
    Dataset numbers = new Numbers(3);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DataLoader(numbers, 0))
        .withMessage("DataLoader: batch size must be 1 or more, got 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DataLoader(numbers, 1).workers(-1))
        .withMessageContaining("workers must be 0 or more, got -1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DataLoader(numbers, 1).prefetch(0))
        .withMessageContaining("prefetch depth must be 1 or more, got 0");
  }
}
