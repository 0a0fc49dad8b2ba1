package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.cuda.Cuda;
import dev.talus.cuda.CudaGraph;
import dev.talus.cuda.Stream;
import dev.talus.cuda.StreamContext;
import dev.talus.data.Batch;
import dev.talus.data.Batches;
import dev.talus.data.DataLoader;
import dev.talus.data.Dataset;
import dev.talus.data.Sample;
import dev.talus.data.TensorDataset;
import dev.talus.memory.Allocator;
import dev.talus.memory.OutOfMemoryException;
import dev.talus.tests.data.WorkerThreads;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Batches that go to a GPU: workers copy them on a stream of their own. */
@CudaTest
class CudaDataLoaderTest {
  private static final Device GPU = Device.cuda();
  private static final int EXAMPLES = 40;
  private static final int WIDTH = 3000;
  private static final int BATCH = 4;

  private long before;

  @BeforeEach
  void count() {
    before = Talus.memory(GPU).liveBlocks();
  }

  @AfterEach
  void nothingIsLeft() {
    assertThat(Talus.memory(GPU).liveBlocks()).isEqualTo(before);
  }

  /** Example i is a row of i, and its target i; owned by the scope. */
  private static TensorDataset rows(Device targets) {
    Tensor y = Tensor.arange(EXAMPLES);
    Tensor x = y.to(DType.FLOAT32).reshape(EXAMPLES, 1).expand(EXAMPLES, WIDTH).contiguous();
    return new TensorDataset(x, y.to(targets));
  }

  private static void expect(Batch batch, int number) {
    assertThat(batch.x().device()).isSameAs(GPU);
    assertThat(batch.y().device()).isSameAs(GPU);
    // Computed at once, while the copy may be under way.
    Tensor means = batch.x().mul(2).mean(1).cpu();
    Tensor targets = batch.y().add(1).cpu();
    for (int i = 0; i < BATCH; i++) {
      int example = number * BATCH + i;
      assertThat(means.toFloatArray()[i]).isEqualTo(2f * example);
      assertThat(targets.toLongArray()[i]).isEqualTo(example + 1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void batchesGoWhereTheNetworkIs(int workers) {
    try (Scope outer = Scope.open()) {
      DataLoader loader = new DataLoader(rows(Device.CPU), BATCH).workers(workers).device(GPU);
      for (int epoch = 0; epoch < 3; epoch++) {
        int number = 0;
        for (Batch batch : loader) {
          try (batch;
              Scope scope = Scope.open()) {
            expect(batch, number++);
          }
        }
        assertThat(number).isEqualTo(loader.size());
      }
    }
  }

  /** Nothing but the consumer makes the device work: what it does not wait for has not come. */
  @Test
  void theConsumersStreamWaitsForTheCopies() {
    try (Scope outer = Scope.open()) {
      Tensor x = Tensor.full(DType.FLOAT32, Device.CPU, 3, 2, WIDTH);
      TensorDataset examples = new TensorDataset(x, Tensor.arange(2));
      for (Batch batch : new DataLoader(examples, 1).workers(1).device(GPU)) {
        assertThat(batch.x().sum().item()).isEqualTo(3 * WIDTH);
      }
    }
  }

  @Test
  void theConsumerMayWorkOnAnotherStream() {
    try (Scope outer = Scope.open();
        Stream side = new Stream(GPU);
        StreamContext on = Cuda.stream(side)) {
      DataLoader loader = new DataLoader(rows(Device.CPU), BATCH).workers(2).device(GPU);
      int number = 0;
      for (Batch batch : loader) {
        try (Scope scope = Scope.open()) {
          expect(batch, number++);
        }
        batch.close();
      }
      side.synchronize();
    }
  }

  @Test
  void whatIsOnTheGpuAlreadyStaysThere() {
    try (Scope outer = Scope.open()) {
      DataLoader loader = new DataLoader(rows(GPU), BATCH).workers(1).device(GPU);
      int number = 0;
      for (Batch batch : loader) {
        try (batch;
            Scope scope = Scope.open()) {
          expect(batch, number++);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void leavingEarlyLeaksNothing(int workers) {
    try (Scope outer = Scope.open()) {
      DataLoader loader =
          new DataLoader(rows(Device.CPU), 1).workers(workers).prefetch(4).device(GPU);
      try (Batches batches = loader.iterator()) {
        batches.next().close();
        batches.close();
        assertThat(batches.hasNext()).isFalse();
      }
    }
  }

  /** Its first examples are small, the others too large for a limit of a few MiB. */
  private record Growing(long size, Device device) implements Dataset {
    @Override
    public Sample get(long index) {
      long width = 1L << (index < 2 ? 4 : 20);
      return new Sample(Tensor.ones(DType.FLOAT32, device, width), Tensor.scalar(index));
    }
  }

  /** What an epoch says of itself once a batch of it failed. */
  private static void expectEndedAt(int failed, Batches batches) {
    assertThat(batches.hasNext()).isFalse();
    assertThatExceptionOfType(NoSuchElementException.class)
        .isThrownBy(batches::next)
        .withMessageContaining("this epoch ended at batch " + failed + ", which failed");
    WorkerThreads.awaitEnd();
  }

  @Test
  void aWorkersCopyThatFindsNoMemoryReachesTheConsumer() {
    Allocator allocator = Allocator.of(GPU);
    long limit = allocator.stats().limitBytes();
    allocator.trim();
    allocator.setLimit(allocator.stats().liveBytes() + (1 << 20));
    try (Scope outer = Scope.open();
        Batches batches =
            new DataLoader(new Growing(6, Device.CPU), 1).workers(1).device(GPU).iterator()) {
      batches.next();
      batches.next();
      assertThatIllegalStateException()
          .isThrownBy(batches::next)
          .withMessageContaining("a data worker failed at batch 2")
          .withCauseInstanceOf(OutOfMemoryException.class);
      expectEndedAt(2, batches);
    } finally {
      allocator.setLimit(limit);
    }
  }

  /** From the GPU, which workers leave to the consumer. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void aConsumersCopyThatFindsNoMemoryEndsTheEpoch(int workers) {
    Allocator allocator = Allocator.CPU;
    long blocks = allocator.stats().liveBlocks();
    long limit = allocator.stats().limitBytes();
    DataLoader loader =
        new DataLoader(new Growing(7, GPU), 1).workers(workers).prefetch(1).device(Device.CPU);
    allocator.trim();
    allocator.setLimit(allocator.stats().liveBytes() + allocator.stats().cachedBytes() + (3 << 20));
    // Without a scope: nobody but the loader frees what it does not hand out.
    try (Batches batches = loader.iterator()) {
      batches.next().close();
      batches.next().close();
      assertThatExceptionOfType(OutOfMemoryException.class).isThrownBy(batches::next);
      expectEndedAt(2, batches);
      assertThat(allocator.stats().liveBlocks()).isEqualTo(blocks);
      nothingIsLeft();
    } finally {
      allocator.setLimit(limit);
    }
  }

  /** The capture goes on: what the loader gives up is no part of it. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void aCaptureThatIsHandedABatchEndsTheEpoch(int workers) {
    try (Scope outer = Scope.open()) {
      DataLoader loader = new DataLoader(rows(Device.CPU), BATCH).workers(workers).device(GPU);
      Tensor x = Tensor.ones(DType.FLOAT32, GPU, WIDTH);
      long blocks = Talus.memory(GPU).liveBlocks();
      Batches batches = loader.iterator();
      batches.next().close();
      Runnable work =
          () -> {
            assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(batches::next)
                .withMessageContaining("a graph is being captured on this stream");
            expectEndedAt(1, batches);
            assertThat(Talus.memory(GPU).liveBlocks()).isEqualTo(blocks);
            x.mul_(3);
          };
      try (CudaGraph graph = CudaGraph.capture(work)) {
        graph.replay();
        graph.replay();
        assertThat(x.sum().item()).isEqualTo(9 * WIDTH);
      }
    }
  }

  /** There is nothing to copy and nothing to wait for. */
  @Test
  void aCaptureMayBeHandedWhatIsOnTheGpuAlready() {
    try (Scope outer = Scope.open()) {
      Tensor there = Tensor.arange(EXAMPLES).to(GPU);
      TensorDataset examples = new TensorDataset(there, there);
      DataLoader loader = new DataLoader(examples, BATCH).workers(1).device(GPU);
      Tensor sums = Tensor.zeros(DType.FLOAT32, GPU, BATCH);
      Batches batches = loader.iterator();
      batches.next().close();
      // The batch is the outer scope's and stays as long as the graph.
      try (CudaGraph graph = CudaGraph.capture(() -> sums.add_(batches.next().y()))) {
        graph.replay();
        graph.replay();
        assertThat(sums.toFloatArray()).containsExactly(8, 10, 12, 14);
      }
      batches.close();
    }
  }
}
