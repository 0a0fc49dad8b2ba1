package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.cuda.Cuda;
import dev.talus.cuda.CudaGraph;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/**
 * Errors that only a kernel sees: whoever waits for the device next gets the CPU's exception, once.
 */
@CudaTest
class CudaErrorTest {
  private static final Device GPU = Device.cuda();

  private static Tensor integers(long... values) {
    return Tensor.of(values, values.length).to(GPU);
  }

  /** The operation itself succeeds; what it computes where there is no error can be read later. */
  private static void reported(
      Class<? extends Exception> type, String message, Supplier<Tensor> op, long... expected) {
    for (Runnable wait : List.<Runnable>of(Cuda::synchronize, GPU::synchronize)) {
      op.get();
      assertThatThrownBy(wait::run).isInstanceOf(type).hasMessageContaining(message);
      wait.run();
    }
    Tensor result = op.get();
    assertThatThrownBy(result::toLongArray).isInstanceOf(type).hasMessageContaining(message);
    assertThat(result.toLongArray()).containsExactly(expected);
  }

  @Test
  void integersDividedByZero() {
    try (Scope scope = Scope.open()) {
      Tensor x = integers(7, -7, 9);
      Tensor y = integers(2, 0, -4);
      Class<? extends Exception> type = IllegalArgumentException.class;
      String message = "ZeroDivisionError: an integer tensor is divided by zero";
      reported(type, message, () -> x.floorDivide(y), 3, 0, -3);
      reported(type, message, () -> x.remainder(y), 1, 0, -3);
      Tensor none = Tensor.zeros(1).to(GPU);
      assertThat(x.div(none).toFloatArray()[0]).isEqualTo(Float.POSITIVE_INFINITY);
    }
  }

  @Test
  void indicesOutOfRange() {
    try (Scope scope = Scope.open()) {
      Tensor x = integers(5, 6, 7);
      reported(
          IndexOutOfBoundsException.class,
          "index 3 at position 1 is out of range",
          () -> x.indexSelect(0, integers(2, 3)),
          7,
          0);
    }
  }

  @Test
  void aGraphReportsAfterEachReplay() {
    try (Scope scope = Scope.open()) {
      Tensor x = integers(7, -7, 9);
      Tensor y = integers(2, 1, 4);
      Tensor out = integers(0, 0, 0);
      try (CudaGraph graph = CudaGraph.capture(() -> out.copy_(x.floorDivide(y)))) {
        graph.replay();
        assertThat(out.toLongArray()).containsExactly(3, -7, 2);
        y.copy_(integers(0, 1, 0));
        for (int i = 0; i < 2; i++) {
          graph.replay();
          assertThatThrownBy(Cuda::synchronize).hasMessageContaining("ZeroDivisionError");
        }
        assertThat(out.toLongArray()).containsExactly(0, -7, 0);
      }
    }
  }
}
