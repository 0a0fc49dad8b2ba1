package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.cuda.Cuda;
import dev.talus.cuda.Stream;
import dev.talus.cuda.StreamContext;
import dev.talus.internal.Native;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Tensors that one stream makes, another one uses and the first one closes meanwhile. */
@CudaTest
class CudaRecordStreamTest {
  private static final Device GPU = Device.cuda();
  private static final int COUNT = 140_000; // of a size whose blocks no others lie beside

  /** Its maker may have the memory at once, so only what was said keeps it from the stream. */
  @Test
  void memoryIsNotUsedAgainBeforeTheStreamIsDone() {
    // The device's own stream is there first: the emulator runs it first.
    Cuda.synchronize();
    Native.trim(GPU.id());
    try (Tensor sum = Tensor.zeros(DType.FLOAT32, GPU, COUNT);
        Stream side = new Stream()) {
      Tensor x = Tensor.ones(DType.FLOAT32, GPU, COUNT);
      Cuda.synchronize();
      try (StreamContext on = Cuda.stream(side)) {
        sum.add_(x);
      }
      // A view stands for all of the storage, and the thread's stream stays what it was.
      try (Scope scope = Scope.open()) {
        x.view(2, -1).select(0, 1).recordStream(side);
      }
      assertThat(Cuda.currentStream()).isSameAs(Cuda.defaultStream(GPU));
      x.close();
      long cached = Talus.memory(GPU).cachedBytes();
      try (Tensor other = Tensor.full(DType.FLOAT32, GPU, 5, COUNT)) {
        assertThat(Talus.memory(GPU).cachedBytes()).as("it took that memory").isLessThan(cached);
        assertAll(other, 5);
      }
      side.synchronize();
      assertAll(sum, 1);
    }
  }

  @Test
  void theStreamThatMadeItIsNoError() {
    try (Tensor x = Tensor.ones(DType.FLOAT32, GPU, 3)) {
      x.recordStream(Cuda.currentStream());
      assertThat(x.toFloatArray()).containsExactly(1, 1, 1);
    }
  }

  @Test
  void whatNoStreamCanUseIsRefused() {
    Stream closed = new Stream();
    closed.close();
    try (Tensor host = Tensor.ones(2);
        Tensor x = Tensor.ones(DType.FLOAT32, GPU, 2)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> host.recordStream(Cuda.currentStream()))
          .withMessage(
              "recordStream: this tensor is on cpu, where no stream works; leave the call out, or"
                  + " move the tensor to a GPU first");
      assertThatIllegalStateException()
          .isThrownBy(() -> x.recordStream(closed))
          .withMessageStartingWith("Stream of cuda:0 was used after it was closed");
      x.close();
      assertThatIllegalStateException()
          .isThrownBy(() -> x.recordStream(Cuda.currentStream()))
          .withMessageContaining("was used after it was closed");
    }
  }

  @Test
  void streamsOfOtherDevicesAreRefused() {
    assumeTrue(Device.cudaCount() > 1, "one GPU");
    try (Tensor x = Tensor.ones(DType.FLOAT32, GPU, 2)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> x.recordStream(Cuda.defaultStream(Device.cuda(1))))
          .withMessage(
              "recordStream: this tensor is on cuda:0, the stream belongs to cuda:1; name a stream"
                  + " of cuda:0");
    }
  }

  private static void assertAll(Tensor x, double value) {
    float[] expected = new float[COUNT];
    Arrays.fill(expected, (float) value);
    assertThat(x.toFloatArray()).isEqualTo(expected);
  }
}
