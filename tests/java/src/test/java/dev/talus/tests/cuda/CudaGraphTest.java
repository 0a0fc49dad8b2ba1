package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.cuda.Cuda;
import dev.talus.cuda.CudaGraph;
import dev.talus.cuda.Stream;
import dev.talus.cuda.StreamContext;
import dev.talus.memory.Allocator;
import dev.talus.memory.OutOfMemoryException;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Capture and replay; training steps are in {@link CudaGraphTrainingTest}. */
@CudaTest
class CudaGraphTest {
  private static final Device GPU = Device.cuda();

  private static Tensor of(float... values) {
    return Tensor.of(values, values.length).to(GPU);
  }

  @Test
  void aReplayComputesFromWhatTheInputsHold() {
    try (Scope scope = Scope.open()) {
      Tensor x = of(1, 2);
      Tensor out = of(0, 0);
      Runnable work =
          () -> {
            try (Scope inner = Scope.open()) {
              out.copy_(x.mul(x).add(1));
            }
          };
      try (CudaGraph graph = CudaGraph.capture(work)) {
        assertThat(out.toFloatArray()).as("nothing ran").containsExactly(0, 0);
        graph.replay();
        assertThat(out.toFloatArray()).containsExactly(2, 5);
        x.copy_(of(3, 4));
        try (Stream side = new Stream();
            StreamContext on = Cuda.stream(side)) {
          side.waitStream(Cuda.defaultStream(GPU));
          graph.replay();
          assertThat(out.toFloatArray()).containsExactly(10, 17);
        }
        assertThat(graph).hasToString("CudaGraph(cuda:0)");
      }
    }
  }

  @Test
  void replaysDrawTheNumbersThatStepsWouldDraw() {
    try (Scope scope = Scope.open()) {
      Tensor out = Tensor.zeros(DType.FLOAT32, GPU, 33);
      Runnable work =
          () -> {
            try (Scope inner = Scope.open()) {
              out.copy_(Tensor.randn(DType.FLOAT32, GPU, 33));
            }
          };
      float[][] expected = new float[4][];
      Talus.manualSeed(9);
      for (int i = 0; i < 4; i++) {
        work.run();
        expected[i] = out.toFloatArray();
      }
      assertThat(expected[1]).isNotEqualTo(expected[0]);
      Talus.manualSeed(9);
      work.run();
      try (CudaGraph graph = CudaGraph.capture(work)) {
        graph.replay();
        assertThat(out.toFloatArray()).isEqualTo(expected[1]);
        work.run();
        assertThat(out.toFloatArray()).isEqualTo(expected[2]);
        graph.replay();
        assertThat(out.toFloatArray()).isEqualTo(expected[3]);
        Talus.manualSeed(9);
        graph.replay();
        assertThat(out.toFloatArray()).isEqualTo(expected[0]);
      }
    }
  }

  /** What the host would have to wait for is refused, and the device is as before. */
  @Test
  void aCaptureThatFailsLeavesNothingBehind() {
    try (Scope scope = Scope.open()) {
      Tensor x = of(1, 2);
      Tensor y = Tensor.of(new float[] {5, 6});
      String inCapture = "a graph is being captured on this stream";
      refused(inCapture, () -> x.sum().item());
      refused(inCapture, x::toFloatArray);
      refused(inCapture, x::cpu);
      refused(inCapture, () -> x.copy_(y));
      refused(inCapture, () -> y.to(GPU));
      refused(inCapture, () -> Cuda.currentStream().synchronize());
      refused("nothing can wait for the whole device", Cuda::synchronize);
      refused("memory_trim: a graph is being captured", () -> Allocator.of(GPU).trim());
      assertThatThrownBy(
              () ->
                  CudaGraph.capture(
                      () -> {
                        x.add_(1);
                        throw new IllegalCallerException("mine");
                      }))
          .isInstanceOf(IllegalCallerException.class)
          .hasMessage("mine")
          .hasNoSuppressedExceptions();
      assertThatIllegalStateException()
          .isThrownBy(() -> CudaGraph.capture(() -> CudaGraph.capture(() -> x.add_(1))))
          .withMessageContaining("captures do not nest");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> CudaGraph.capture(Device.CPU, () -> x.add_(1)))
          .withMessage("CudaGraph: cpu has none; name a GPU, such as Device.cuda()");
      assertThat(x.toFloatArray()).as("no work of these ran").containsExactly(1, 2);
    }
  }

  /** Fails in the middle of a capture, with memory taken before and after. */
  private static void refused(String message, ThrowingCallable call) {
    long blocks = Talus.memory(GPU).liveBlocks();
    try (Scope scope = Scope.open()) {
      Tensor before = of(7, 8);
      Runnable work =
          () -> {
            Tensor inside = before.mul(2);
            try {
              call.call();
            } catch (RuntimeException e) {
              throw e;
            } catch (Throwable e) {
              throw new AssertionError(e);
            }
            inside.add_(1);
          };
      assertThatThrownBy(() -> CudaGraph.capture(work))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessageContaining(message)
          .hasNoSuppressedExceptions();
      assertThat(Cuda.currentStream()).isSameAs(Cuda.defaultStream(GPU));
      Cuda.synchronize();
      assertThat(before.mul(3).toFloatArray()).containsExactly(21, 24);
      try (CudaGraph graph = CudaGraph.capture(() -> before.add_(1))) {
        graph.replay();
        assertThat(before.toFloatArray()).containsExactly(8, 9);
      }
    }
    assertThat(Talus.memory(GPU).liveBlocks()).isEqualTo(blocks);
  }

  @Test
  void memoryThatIsNotThereFailsTheCapture() {
    try (Scope scope = Scope.open()) {
      Tensor x = of(1, 2);
      Allocator.of(GPU).setLimit(Talus.memory(GPU).liveBytes() + (1 << 20));
      try {
        assertThatThrownBy(
                () -> CudaGraph.capture(() -> Tensor.zeros(DType.FLOAT32, GPU, 1 << 22).add(x)))
            .isInstanceOf(OutOfMemoryException.class)
            .hasMessageContaining("out of memory on CUDA device 0 (the limit is reached)")
            .hasNoSuppressedExceptions();
      } finally {
        Allocator.of(GPU).setLimit(Long.MAX_VALUE);
      }
      assertThat(x.add(1).toFloatArray()).containsExactly(2, 3);
    }
  }

  @Test
  void anOpenContextIsRefusedAndClosed() {
    try (Stream side = new Stream();
        Scope scope = Scope.open()) {
      AtomicReference<StreamContext> left = new AtomicReference<>();
      assertThatIllegalStateException()
          .isThrownBy(() -> CudaGraph.capture(() -> left.set(Cuda.stream(side))))
          .withMessageContaining("the work left a StreamContext open");
      assertThat(Cuda.currentStream()).isSameAs(Cuda.defaultStream(GPU));
      assertThat(of(1).add(1).item()).isEqualTo(2);
      left.get().close(); // Nothing is left to be done.
      // The same where the work fails, and `side` is free to be closed after both.
      assertThatThrownBy(
              () ->
                  CudaGraph.capture(
                      () -> {
                        Cuda.stream(side);
                        throw new IllegalCallerException("mine");
                      }))
          .hasMessage("mine")
          .hasNoSuppressedExceptions();
      assertThat(Cuda.currentStream()).isSameAs(Cuda.defaultStream(GPU));
    }
  }

  @Test
  void streamsThatJoinAreCaptured() {
    try (Stream side = new Stream();
        Scope scope = Scope.open()) {
      Tensor x = of(2, 3);
      Tensor out = of(0, 0);
      Runnable work =
          () -> {
            try (Scope inner = Scope.open()) {
              Stream main = Cuda.currentStream();
              side.waitStream(main);
              Tensor there;
              try (StreamContext on = Cuda.stream(side)) {
                there = x.mul(x);
              }
              Tensor here = x.add(x);
              main.waitStream(side);
              out.copy_(here.add(there));
            }
          };
      try (CudaGraph graph = CudaGraph.capture(work)) {
        Tensor other = of(9, 9);
        graph.replay();
        assertThat(out.toFloatArray()).containsExactly(8, 15);
        assertThat(other.toFloatArray()).containsExactly(9, 9);
      }
    }
  }

  @Test
  void closingIsRefusedInsideACaptureAndFinalAfterwards() {
    long blocks = Talus.memory(GPU).liveBlocks();
    try (Scope scope = Scope.open()) {
      Tensor x = of(1);
      CudaGraph graph = CudaGraph.capture(() -> x.add_(1));
      assertThatIllegalStateException()
          .isThrownBy(() -> CudaGraph.capture(graph::close))
          .withMessageContaining("close it after the capture");
      assertThatIllegalStateException()
          .isThrownBy(() -> CudaGraph.capture(graph::replay))
          .withMessageContaining("cannot be replayed inside a capture");
      graph.replay();
      graph.close();
      graph.close();
      assertThatIllegalStateException()
          .isThrownBy(graph::replay)
          .withMessageStartingWith("CudaGraph of cuda:0 was used after it was closed");
      assertThat(x.item()).isEqualTo(2);
    }
    assertThat(Talus.memory(GPU).liveBlocks()).isEqualTo(blocks);
  }

  /** Other threads go on working on the device's own stream. */
  @Test
  void onlyTheCapturingThreadIsCaptured() {
    try (Scope scope = Scope.open()) {
      Tensor x = of(1);
      float[] elsewhere = new float[1];
      Runnable work =
          () -> {
            x.add_(1);
            Thread thread =
                new Thread(
                    () -> {
                      try (Scope own = Scope.open()) {
                        elsewhere[0] = (float) of(20).add(1).item();
                      }
                    });
            thread.start();
            try {
              thread.join();
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
            x.mul_(2);
          };
      try (CudaGraph graph = CudaGraph.capture(work)) {
        assertThat(elsewhere[0]).isEqualTo(21);
        graph.replay();
        assertThat(x.item()).isEqualTo(4);
        assertThat(elsewhere[0]).isEqualTo(21);
      }
    }
  }
}
