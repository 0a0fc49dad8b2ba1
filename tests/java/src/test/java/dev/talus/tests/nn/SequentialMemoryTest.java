package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.memory.Allocator;
import dev.talus.nn.Flatten;
import dev.talus.nn.Identity;
import dev.talus.nn.Linear;
import dev.talus.nn.Module;
import dev.talus.nn.ReLU;
import dev.talus.nn.Sequential;
import dev.talus.nn.Tanh;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What lies between layers is freed in inference, unless somebody else may hold it. */
class SequentialMemoryTest {
  private static final int SIZE = 256;

  private Scope scope;
  private Tensor x;

  @BeforeEach
  void open() {
    scope = Scope.open();
    Talus.manualSeed(0);
    x = Tensor.randn(SIZE, SIZE);
  }

  @AfterEach
  void close() {
    scope.close();
  }

  /** Returns what it was given, and remembers it. */
  private static final class Watcher extends Module {
    private Tensor seen;

    @Override
    public Tensor forward(Tensor input) {
      seen = input;
      return input;
    }
  }

  private static <T> T withoutGradient(Supplier<T> work) {
    try (Autograd.GradMode mode = Autograd.noGrad()) {
      return work.get();
    }
  }

  private static Sequential layers() {
    return new Sequential(
        new Flatten(),
        new Linear(SIZE, SIZE),
        new ReLU(),
        new Sequential(new Tanh(), new Identity(), new Linear(SIZE, SIZE)),
        new Tanh(),
        new Linear(SIZE, SIZE),
        new ReLU());
  }

  @Test
  void layersInUseAreEnough() {
    // With more, the peak depends on which of them pack at the same time.
    int threads = Talus.numThreads();
    Talus.setNumThreads(1);
    try (Sequential net = layers()) {
      float[] expected = net.forward(x).toFloatArray();
      long before = Talus.memory().liveBytes();
      long blocks = Talus.memory().liveBlocks();
      // One layer's output, and what a product packs of its matrices, which the instruction set
      // decides.
      long single;
      try (Linear layer = new Linear(SIZE, SIZE)) {
        long without = Talus.memory().liveBytes();
        Allocator.CPU.resetPeak();
        withoutGradient(() -> layer.forward(x)).close();
        single = Talus.memory().peakBytes() - without;
      }
      Allocator.CPU.resetPeak();
      Tensor y = withoutGradient(() -> net.forward(x));
      long one = y.storage().bytes();
      assertThat(Talus.memory().liveBlocks()).isEqualTo(blocks + 1);
      // A layer's output beside its input, and the input of the inner Sequential, which stays.
      assertThat(Talus.memory().peakBytes() - before).isLessThanOrEqualTo(single + 2 * one);
      assertThat(y.toFloatArray()).isEqualTo(expected);
      assertThat(x.isClosed()).isFalse();
    } finally {
      Talus.setNumThreads(threads);
    }
  }

  @Test
  void recordedTensorsStay() {
    try (Sequential net = layers()) {
      net.forward(x).sum().backward();
      assertThat(net.parameters()).allSatisfy(p -> assertThat(p.grad()).isNotNull());
    }
  }

  @Test
  void whatOthersHaveSeenStays() {
    Watcher watcher = new Watcher();
    try (Sequential inner = new Sequential(new Identity(), watcher);
        Sequential net =
            new Sequential(
                new Identity(), new Linear(SIZE, SIZE), inner, new Identity(), new Tanh())) {
      Tensor y = withoutGradient(() -> net.forward(x));
      assertThat(watcher.seen.isClosed()).isFalse();
      assertThat(y.toFloatArray()).isEqualTo(watcher.seen.tanh().toFloatArray());
    }
  }

  @Test
  void inputAndOutputAreTheCallers() {
    try (Sequential nothing = new Sequential(new Identity(), new Identity());
        Sequential view = new Sequential(new Flatten(), new Flatten(), new Tanh())) {
      assertThat(withoutGradient(() -> nothing.forward(x))).isSameAs(x);
      withoutGradient(() -> view.forward(x));
      assertThat(x.isClosed()).isFalse();
    }
  }
}
