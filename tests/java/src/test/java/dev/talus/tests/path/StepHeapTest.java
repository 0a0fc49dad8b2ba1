package dev.talus.tests.path;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Node;
import dev.talus.data.Batch;
import dev.talus.data.DataLoader;
import dev.talus.data.TensorDataset;
import dev.talus.examples.Mlp;
import dev.talus.examples.Net;
import dev.talus.memory.LeakDetector;
import dev.talus.nn.F;
import dev.talus.nn.Module;
import dev.talus.optim.Adam;
import dev.talus.optim.Optimizer;
import dev.talus.optim.SGD;
import java.lang.management.ManagementFactory;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A training step takes less than 2 KB of Java heap for each of its operations. An operation is a
 * node of the graph, and its share of the batch, the backward run and the optimizer counts with it.
 * What is counted is what the code asks for; a compiler may only make it less.
 */
class StepHeapTest {
  private static final double LIMIT = 2000;
  private static final int EXAMPLES = 64;
  private static final int BATCH = 4;
  // Classes are loaded, and the optimizer's state is made, before the count begins.
  private static final int EPOCHS_BEFORE = 2;
  private static final int EPOCHS = 15;

  private final LeakDetector.Level level = LeakDetector.level();

  /** The highest level keeps a stack trace of each tensor, which is not what is measured. */
  @BeforeEach
  void withoutTraces() {
    LeakDetector.setLevel(LeakDetector.Level.COUNT);
  }

  @AfterEach
  void levelAsBefore() {
    LeakDetector.setLevel(level);
  }

  static Arguments[] trainings() {
    return new Arguments[] {
      training("an MLP with SGD", () -> new Mlp(1024, 16, 16, 10), StepHeapTest::sgd),
      training("an MLP with Adam", () -> new Mlp(1024, 16, 16, 10), StepHeapTest::adam),
      training("the convolutional net with SGD", Net::new, StepHeapTest::sgd)
    };
  }

  private static Arguments training(
      String name, Supplier<Module> net, Function<Module, Optimizer> optimizer) {
    return Arguments.of(name, net, optimizer);
  }

  private static Optimizer sgd(Module net) {
    return new SGD(net.parameters(), 0.01).momentum(0.9);
  }

  private static Optimizer adam(Module net) {
    return new Adam(net.parameters(), 0.001);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("trainings")
  void anOperationTakesLessThan2KilobytesOfHeap(
      String name, Supplier<Module> make, Function<Module, Optimizer> makeOptimizer) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    threads.setThreadAllocatedMemoryEnabled(true);
    Talus.manualSeed(0);
    try (Module net = make.get();
        Optimizer optimizer = makeOptimizer.apply(net);
        Tensor x = Tensor.randn(EXAMPLES, 1, 32, 32);
        Tensor y = Tensor.randint(0, 10, EXAMPLES)) {
      DataLoader loader = new DataLoader(new TensorDataset(x, y), BATCH).shuffle(true);
      train(net, optimizer, loader, EPOCHS_BEFORE);
      long nodes = Node.nextSequence();
      long bytes = threads.getCurrentThreadAllocatedBytes();
      train(net, optimizer, loader, EPOCHS);
      bytes = threads.getCurrentThreadAllocatedBytes() - bytes;
      nodes = Node.nextSequence() - nodes;
      assertThat(nodes).isGreaterThanOrEqualTo(5L * EPOCHS * EXAMPLES / BATCH);
      assertThat(bytes).as("the JVM counts").isPositive();
      assertThat((double) bytes / nodes).as("bytes of heap an operation").isLessThan(LIMIT);
    }
  }

  private static void train(Module net, Optimizer optimizer, DataLoader loader, int epochs) {
    for (int epoch = 0; epoch < epochs; epoch++) {
      for (Batch batch : loader) {
        try (batch;
            Scope step = Scope.open()) {
          optimizer.zeroGrad();
          Tensor loss = F.crossEntropy(net.forward(batch.x()), batch.y());
          loss.backward();
          optimizer.step();
        }
      }
    }
  }
}
