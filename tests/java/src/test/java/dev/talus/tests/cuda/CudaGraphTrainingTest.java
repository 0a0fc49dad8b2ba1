package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.cuda.CudaGraph;
import dev.talus.examples.Net;
import dev.talus.memory.MemoryStats;
import dev.talus.nn.BatchNorm1d;
import dev.talus.nn.Dropout;
import dev.talus.nn.F;
import dev.talus.nn.Linear;
import dev.talus.nn.Module;
import dev.talus.nn.Parameter;
import dev.talus.nn.ReLU;
import dev.talus.nn.Sequential;
import dev.talus.optim.Adam;
import dev.talus.optim.AdamW;
import dev.talus.optim.Optimizer;
import dev.talus.optim.SGD;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole training steps as graphs: replays give what the same steps give, bit for bit. */
@CudaTest
class CudaGraphTrainingTest {
  private static final Device GPU = Device.cuda();
  private static final int STEPS = 4;

  /** A network in training with the tensors that its graph reads and writes. */
  private static final class Training implements AutoCloseable {
    final Scope scope = Scope.open();
    final Module net;
    final Optimizer optimizer;
    final Tensor x;
    final Tensor y;
    final Tensor loss = Tensor.zeros(DType.FLOAT32, GPU);

    Training(
        Supplier<Module> network, Function<List<Parameter>, Optimizer> optimizer, long... shape) {
      Talus.manualSeed(3);
      net = network.get().to(GPU);
      this.optimizer = optimizer.apply(net.parameters());
      x = Tensor.zeros(DType.FLOAT32, GPU, shape);
      y = Tensor.zeros(DType.INT64, GPU, shape[0]);
    }

    void step() {
      try (Scope inner = Scope.open()) {
        optimizer.zeroGrad();
        Tensor value = F.crossEntropy(net.forward(x), y);
        value.backward();
        optimizer.step();
        loss.copy_(value.detach());
      }
    }

    /** The next batch, the same in every training, and a learning rate of its own. */
    void load(int number) {
      optimizer.setLr(0.05 / (1 + number));
      try (Scope inner = Scope.open()) {
        Tensor numbers = Tensor.arange(x.numel()).to(DType.FLOAT32);
        x.copy_(numbers.mul(0.37).add(number).sin().view(x.sizes()));
        y.copy_(Tensor.arange(number, number + y.numel(), 1));
      }
    }

    /** All that training changes, as raw values. */
    Map<String, float[]> state() {
      Map<String, float[]> values = new TreeMap<>();
      net.stateDict().forEach((name, t) -> values.put(name, t.toFloatArray()));
      net.namedParameters()
          .forEach((name, p) -> values.put(name + ".grad", p.grad().toFloatArray()));
      values.put("loss", loss.toFloatArray());
      return values;
    }

    @Override
    public void close() {
      optimizer.close();
      net.close();
      scope.close();
    }
  }

  static Stream<Named<Function<List<Parameter>, Optimizer>>> optimizers() {
    return Stream.of(
        Named.of("SGD", p -> new SGD(p, 0.1)),
        Named.of("SGD with momentum", p -> new SGD(p, 0.1).momentum(0.9).weightDecay(0.01)),
        Named.of("Adam", p -> new Adam(p, 0.01).weightDecay(0.01)),
        Named.of("AdamW", p -> new AdamW(p, 0.01).amsgrad(true)));
  }

  private static Module mlp() {
    return new Sequential(
        new Linear(6, 16), new BatchNorm1d(16), new ReLU(), new Dropout(0.5), new Linear(16, 12));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("optimizers")
  void anMlpWithDropoutAndBatchNormTrainsAsItDoesStepByStep(
      Function<List<Parameter>, Optimizer> optimizer) {
    compare(CudaGraphTrainingTest::mlp, optimizer, 5, 6);
  }

  @Test
  void lenetTrainsAsItDoesStepByStep() {
    compare(Net::new, p -> new SGD(p, 0.05).momentum(0.9), 2, 1, 32, 32);
  }

  private static void compare(
      Supplier<Module> network, Function<List<Parameter>, Optimizer> optimizer, long... shape) {
    List<Map<String, float[]>> expected = new ArrayList<>();
    try (Training eager = new Training(network, optimizer, shape)) {
      for (int i = 0; i < STEPS + 2; i++) {
        eager.load(i);
        eager.step();
        expected.add(eager.state());
      }
    }
    assertThat(expected.get(1).get("loss")).isNotEqualTo(expected.get(0).get("loss"));
    try (Training training = new Training(network, optimizer, shape)) {
      training.load(0);
      training.step();
      try (CudaGraph graph = CudaGraph.capture(training::step)) {
        MemoryStats first = null;
        for (int i = 1; i <= STEPS; i++) {
          training.load(i);
          graph.replay();
          assertSame(training.state(), expected.get(i), "replay " + i);
          MemoryStats now = Talus.memory(GPU);
          first = first == null ? now : first;
          assertThat(now.liveBlocks()).isEqualTo(first.liveBlocks());
          assertThat(now.liveBytes()).isEqualTo(first.liveBytes());
          assertThat(now.systemAllocations()).isEqualTo(first.systemAllocations());
        }
      }
      // The optimizer knows how many steps there were.
      training.load(STEPS + 1);
      training.step();
      assertSame(training.state(), expected.get(STEPS + 1), "the step after the graph");
    }
  }

  private static void assertSame(
      Map<String, float[]> actual, Map<String, float[]> expected, String when) {
    Map<String, Integer> differences = new TreeMap<>();
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    actual.forEach(
        (name, values) -> {
          int first = Arrays.mismatch(values, expected.get(name));
          if (first >= 0) {
            differences.put(name, first);
          }
        });
    assertThat(differences).as(when + ": the first index where they differ").isEmpty();
  }

  @Test
  void theFirstStepOfAnOptimizerIsRefused() {
    try (Training training =
        new Training(CudaGraphTrainingTest::mlp, p -> new Adam(p, 0.1), 5, 6)) {
      training.load(0);
      assertThatIllegalStateException()
          .isThrownBy(() -> CudaGraph.capture(training::step))
          .withMessageContaining("take a step before the capture");
      training.step();
      try (CudaGraph graph = CudaGraph.capture(training::step)) {
        graph.replay();
        assertThat(training.loss.item()).isPositive();
      }
    }
  }

  @Test
  void aGraphDoesNotWriteWhereParametersWere() {
    try (Training training =
        new Training(CudaGraphTrainingTest::mlp, p -> new SGD(p, 0.1).momentum(0.9), 5, 6)) {
      training.load(0);
      training.step();
      try (CudaGraph graph = CudaGraph.capture(training::step)) {
        training.optimizer.close();
        assertThatIllegalStateException()
            .isThrownBy(graph::replay)
            .withMessageContaining("capture the graph again");
        // Nothing is left of the replay that was refused.
        training.step();
        assertThat(training.loss.item()).isPositive();
      }
    }
  }
}
