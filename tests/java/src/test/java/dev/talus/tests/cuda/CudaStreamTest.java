package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.cuda.Cuda;
import dev.talus.cuda.Event;
import dev.talus.cuda.Stream;
import dev.talus.cuda.StreamContext;
import dev.talus.internal.Native;
import dev.talus.internal.NativeCuda;
import dev.talus.memory.OutOfMemoryException;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Streams and events. */
@CudaTest
class CudaStreamTest {
  private static final Device GPU = Device.cuda();

  private static Tensor full(double value) {
    return Tensor.full(DType.FLOAT32, GPU, value, 3000);
  }

  private static void assertAll(Tensor x, double value) {
    float[] expected = new float[3000];
    Arrays.fill(expected, (float) value);
    assertThat(x.toFloatArray()).isEqualTo(expected);
  }

  @Test
  void aThreadWorksOnTheStreamItChose() throws InterruptedException {
    Stream shared = Cuda.currentStream();
    assertThat(shared).isSameAs(Cuda.defaultStream(GPU)).isSameAs(Cuda.currentStream(GPU));
    shared.close(); // lives as long as the device
    assertThat(shared.isClosed()).isFalse();
    try (Stream one = new Stream();
        Stream two = new Stream(GPU)) {
      try (StreamContext outer = Cuda.stream(one)) {
        assertThat(outer.stream()).isSameAs(one).isSameAs(Cuda.currentStream());
        try (StreamContext inner = Cuda.stream(two)) {
          assertThat(Cuda.currentStream()).isSameAs(two);
          assertThatIllegalStateException()
              .isThrownBy(outer::close)
              .withMessageContaining("close the contexts in reverse order");
          assertThatIllegalStateException()
              .isThrownBy(two::close)
              .withMessageContaining("a thread works on it; close the StreamContext");
          Stream[] elsewhere = new Stream[1];
          Thread thread = new Thread(() -> elsewhere[0] = Cuda.currentStream());
          thread.start();
          thread.join();
          assertThat(elsewhere[0]).isSameAs(shared);
        }
        assertThat(Cuda.currentStream()).isSameAs(one);
        outer.close();
        assertThat(Cuda.currentStream()).isSameAs(shared);
      }
    }
  }

  @Test
  void streamsWaitForEachOther() {
    try (Stream side = new Stream();
        Scope scope = Scope.open()) {
      Tensor x = full(1).add(1);
      Tensor y;
      side.waitStream(Cuda.currentStream());
      try (StreamContext on = Cuda.stream(side)) {
        y = x.mul(3);
      }
      Cuda.currentStream().waitStream(side);
      assertAll(y.add(x), 8);
      // One side only: an event, recorded before what is not waited for.
      try (Event event = new Event()) {
        x.mul_(2);
        Cuda.currentStream().recordEvent(event);
        side.waitEvent(event);
        try (StreamContext on = Cuda.stream(side)) {
          assertAll(x.sub(1), 3);
        }
      }
      side.synchronize();
      assertThat(side.query()).isTrue();
    }
  }

  @Test
  void memoryThatMovesBetweenStreamsIsNotSharedByThem() {
    try (Stream side = new Stream();
        Scope scope = Scope.open()) {
      for (int i = 0; i < 5; i++) {
        Tensor kept;
        try (Tensor x = full(i)) {
          kept = x.add(1);
        }
        // Likely x's memory, while the addition may still be queued.
        try (StreamContext on = Cuda.stream(side);
            Tensor y = full(-1)) {
          assertAll(y.mul(5), -5);
        }
        assertAll(kept, i + 1);
      }
    }
  }

  @Test
  void eventsTellTheTime() {
    try (Event begin = new Event();
        Event end = new Event(GPU);
        Event never = new Event();
        Scope scope = Scope.open()) {
      assertThat(never.query()).isTrue();
      assertThatIllegalStateException()
          .isThrownBy(() -> begin.elapsedTime(end))
          .withMessageContaining("the first event was never recorded");
      begin.record();
      full(1).exp();
      end.record();
      assertThatIllegalStateException()
          .isThrownBy(() -> begin.elapsedTime(never))
          .withMessageContaining("the second event was never recorded");
      assertThat(begin.elapsedTime(end)).isBetween(0.0, 60_000.0);
      end.synchronize();
      assertThat(end.query()).isTrue();
    }
  }

  @Test
  void closedOnesSaySo() {
    Stream stream = new Stream();
    Event event = new Event();
    stream.close();
    stream.close();
    event.close();
    assertThat(stream).hasToString("Stream(cuda:0, closed)");
    assertThatIllegalStateException()
        .isThrownBy(stream::synchronize)
        .withMessageStartingWith("Stream of cuda:0 was used after it was closed");
    assertThatIllegalStateException().isThrownBy(() -> Cuda.stream(stream));
    assertThatIllegalStateException()
        .isThrownBy(() -> Cuda.currentStream().waitStream(stream))
        .withMessageContaining("closed");
    assertThatIllegalStateException()
        .isThrownBy(event::record)
        .withMessageStartingWith("Event of cuda:0 was used after it was closed");
    assertThatIllegalStateException()
        .isThrownBy(() -> Cuda.currentStream().waitEvent(event))
        .withMessageContaining("closed");
    assertThat(Cuda.currentStream()).isSameAs(Cuda.defaultStream(GPU));
  }

  @Test
  void devicesKeepTheirOwn() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Stream(Device.CPU))
        .withMessage("Stream: cpu has none; name a GPU, such as Device.cuda()");
    assertThatIllegalArgumentException().isThrownBy(() -> new Event(Device.CPU));
    assertThatIllegalArgumentException().isThrownBy(() -> Cuda.currentStream(Device.CPU));
    assumeTrue(Device.cudaCount() > 1, "one GPU");
    Device other = Device.cuda(1);
    try (Stream there = new Stream(other);
        Event here = new Event();
        StreamContext on = Cuda.stream(there);
        Scope scope = Scope.open()) {
      assertThat(Cuda.currentStream(other)).isSameAs(there);
      assertThat(Cuda.currentStream()).isSameAs(Cuda.defaultStream(GPU));
      assertThat(Tensor.ones(DType.FLOAT32, other, 2).toFloatArray()).containsExactly(1, 1);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> there.waitEvent(here))
          .withMessage("this Stream belongs to cuda:1, the other Event to cuda:0");
      assertThatIllegalArgumentException().isThrownBy(() -> here.record(there));
      assertThatIllegalArgumentException().isThrownBy(() -> there.waitStream(Cuda.currentStream()));
      Cuda.synchronize(other);
      Cuda.synchronize();
    }
  }

  /** Below the checks of the public classes, which come first. */
  @Test
  void whatCannotBeMadeSaysWhy() {
    int missing = Device.cudaCount() + 1;
    for (ThrowingCallable creation :
        List.<ThrowingCallable>of(
            () -> NativeCuda.streamCreate(missing),
            () -> NativeCuda.eventCreate(missing),
            () -> NativeCuda.graphEnd(missing),
            () -> Native.alloc(missing, 100))) {
      assertThatIllegalArgumentException()
          .isThrownBy(creation)
          .withMessageStartingWith("CUDA device " + (missing - 1) + " does not exist");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NativeCuda.graphEnd(GPU.id()))
        .withMessage("graph_end: no graph was begun on this stream");
    assertThatExceptionOfType(OutOfMemoryException.class)
        .isThrownBy(() -> Native.alloc(GPU.id(), Long.MAX_VALUE))
        .withMessageStartingWith("out of memory on CUDA device 0");
  }
}
