package dev.talus.tests.autograd;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Several threads run forward and backward over the same parameters. */
class ConcurrentBackwardTest {
  private static final int THREADS = 4;
  private static final int ROUNDS = 50;

  @Test
  void gradientsOfAllThreadsAddUp() throws Exception {
    long before = Talus.memory().liveBlocks();
    try (Tensor weight = Tensor.ones(8, 8).requiresGrad_(true);
        Tensor bias = Tensor.ones(8).requiresGrad_(true)) {
      ExecutorService pool = Executors.newFixedThreadPool(THREADS);
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        running.add(pool.submit(() -> rounds(weight, bias)));
      }
      for (Future<?> one : running) {
        one.get();
      }
      pool.shutdown();
      double expected = 4.0 * THREADS * ROUNDS;
      assertThat(bias.grad().toDoubleArray()).containsOnly(expected);
      assertThat(weight.grad().toDoubleArray()).containsOnly(expected);
    }
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
  }

  private static void rounds(Tensor weight, Tensor bias) {
    for (int round = 0; round < ROUNDS; round++) {
      try (Scope scope = Scope.open()) {
        bias.addmm(Tensor.ones(4, 8), weight.t()).relu().sum().backward();
      }
    }
  }
}
