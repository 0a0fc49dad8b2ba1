package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.tests.tutorial.Net;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Many threads run one module forward, and each gets what it would get alone. */
class ConcurrentForwardTest {
  @Test
  void threadsShareAModule() throws Exception {
    Talus.manualSeed(0);
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try (Net net = new Net();
        Tensor images = Tensor.randn(8, 1, 32, 32)) {
      net.eval();
      List<float[]> alone = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        alone.add(run(net, images, i));
      }
      List<Future<float[]>> together = new ArrayList<>();
      for (int i = 0; i < 80; i++) {
        int image = i % 8;
        together.add(pool.submit(() -> run(net, images, image)));
      }
      for (int i = 0; i < 80; i++) {
        assertThat(together.get(i).get()).as("bit for bit").isEqualTo(alone.get(i % 8));
      }
    } finally {
      pool.shutdown();
    }
  }

  private static float[] run(Net net, Tensor images, int image) {
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      return net.forward(images.narrow(0, image, 1)).toFloatArray();
    }
  }
}
