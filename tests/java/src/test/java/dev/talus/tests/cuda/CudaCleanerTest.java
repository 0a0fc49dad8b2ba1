package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.cuda.Cuda;
import dev.talus.cuda.Stream;
import dev.talus.cuda.StreamContext;
import dev.talus.internal.Native;
import dev.talus.tests.leak.FreesLate;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What the Cleaner frees on its own thread, where no stream was chosen. */
@CudaTest
@FreesLate
class CudaCleanerTest {
  private static final Device GPU = Device.cuda();
  private static final int COUNT = 140_000; // of a size whose blocks no others lie beside
  private static final long PATIENCE_NANOS = 20_000_000_000L;

  /** The stream's work on a forgotten tensor may still be queued when its memory is free. */
  @Test
  void aForgottenTensorsMemoryWaitsForItsStream() {
    Native.trim(GPU.id());
    // The device's own stream is there first: the emulator runs it first.
    try (Tensor sum = Tensor.zeros(DType.FLOAT32, GPU, COUNT);
        Stream side = new Stream()) {
      Cuda.synchronize();
      long blocks = Talus.memory(GPU).liveBlocks();
      forget(side, sum);
      long deadline = System.nanoTime() + PATIENCE_NANOS;
      while (Talus.memory(GPU).liveBlocks() > blocks) {
        assertThat(System.nanoTime()).as("the Cleaner ran in time").isLessThan(deadline);
        System.gc();
        Thread.yield();
      }
      long cached = Talus.memory(GPU).cachedBytes();
      try (Tensor other = Tensor.full(DType.FLOAT32, GPU, 5, COUNT)) {
        assertThat(Talus.memory(GPU).cachedBytes()).as("it took that memory").isLessThan(cached);
        assertAll(other, 5);
        side.synchronize();
        assertAll(other, 5);
      }
      assertAll(sum, 1);
    }
  }

  private static void forget(Stream side, Tensor sum) {
    try (StreamContext on = Cuda.stream(side)) {
      Tensor x = Tensor.ones(DType.FLOAT32, GPU, COUNT);
      side.synchronize();
      sum.add_(x);
      x.mul_(3);
    }
  }

  private static void assertAll(Tensor x, double value) {
    float[] expected = new float[COUNT];
    Arrays.fill(expected, (float) value);
    assertThat(x.toFloatArray()).isEqualTo(expected);
  }
}
