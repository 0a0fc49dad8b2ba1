package dev.talus.tests.optim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.memory.Allocator;
import dev.talus.memory.LeakDetector;
import dev.talus.memory.MemoryStats;
import dev.talus.nn.Conv2d;
import dev.talus.nn.CrossEntropyLoss;
import dev.talus.nn.Flatten;
import dev.talus.nn.Linear;
import dev.talus.nn.MaxPool2d;
import dev.talus.nn.ReLU;
import dev.talus.nn.Sequential;
import dev.talus.optim.SGD;
import org.junit.jupiter.api.Test;

/** Ten thousand training steps use no more memory than a hundred. */
class FlatMemoryTest {
  @Test
  void memoryIsFlatFromStep100ToStep10000() {
    Talus.manualSeed(0);
    long before = Talus.memory().liveBlocks();
    try (Sequential net =
            new Sequential(
                new Conv2d(1, 3, 3),
                new ReLU(),
                new MaxPool2d(2),
                new Flatten(),
                new Linear(27, 8),
                new ReLU(),
                new Linear(8, 4));
        SGD optimizer = new SGD(net.parameters(), 0.02).momentum(0.9);
        Tensor x = Tensor.randn(4, 1, 8, 8);
        Tensor y = Tensor.randint(0, 4, 4)) {
      CrossEntropyLoss criterion = new CrossEntropyLoss();
      double first = step(net, optimizer, criterion, x, y);
      for (int i = 1; i < 100; i++) {
        step(net, optimizer, criterion, x, y);
      }
      MemoryStats at100 = Talus.memory();
      long late = LeakDetector.lateFrees();
      Allocator.CPU.resetPeak();
      step(net, optimizer, criterion, x, y);
      long peak = Talus.memory().peakBytes();
      double last = 0;
      for (int i = 101; i < 10_000; i++) {
        last = step(net, optimizer, criterion, x, y);
      }
      MemoryStats at10000 = Talus.memory();
      assertThat(at10000.liveBlocks()).isEqualTo(at100.liveBlocks());
      assertThat(at10000.liveBytes()).isEqualTo(at100.liveBytes());
      assertThat(at10000.peakBytes()).isEqualTo(peak);
      assertThat(at10000.systemAllocations()).isEqualTo(at100.systemAllocations());
      assertThat(LeakDetector.lateFrees()).isEqualTo(late);
      assertThat(last).as("and it learns").isLessThan(first / 10);
    }
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
  }

  private static double step(
      Sequential net, SGD optimizer, CrossEntropyLoss criterion, Tensor x, Tensor y) {
    try (Scope scope = Scope.open()) {
      optimizer.zeroGrad();
      Tensor loss = criterion.forward(net.forward(x), y);
      loss.backward();
      optimizer.step();
      return loss.item();
    }
  }
}
