package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.examples.Net;
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
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Networks learn on a GPU as they do on the CPU. */
@CudaTest
class CudaTrainingTest {
  private interface Step {
    Tensor loss(Module net, Tensor x);
  }

  static Stream<Named<Function<List<Parameter>, Optimizer>>> optimizers() {
    return Stream.of(
        Named.of("SGD", p -> new SGD(p, 0.1)),
        Named.of("SGD with momentum", p -> new SGD(p, 0.1).momentum(0.9).weightDecay(0.01)),
        Named.of("Adam", p -> new Adam(p, 0.01)),
        Named.of("AdamW", p -> new AdamW(p, 0.01)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("optimizers")
  void anMlpFollowsTheCpu(Function<List<Parameter>, Optimizer> optimizer) {
    Supplier<Module> mlp = () -> new Sequential(new Linear(8, 16), new ReLU(), new Linear(16, 4));
    compare(
        mlp, optimizer, new long[] {5, 8}, 5, (net, x) -> net.forward(x).sub(1).square().mean());
  }

  @Test
  void lenetFollowsTheCpu() {
    Step step =
        (net, x) -> {
          Tensor target = Tensor.arange(0, x.size(0), 1, x.device());
          return F.crossEntropy(net.forward(x), target);
        };
    compare(Net::new, p -> new SGD(p, 0.05).momentum(0.9), new long[] {2, 1, 32, 32}, 3, step);
  }

  /** Trains on both devices; every loss must be the same but for rounding, and losses must fall. */
  private static void compare(
      Supplier<Module> network,
      Function<List<Parameter>, Optimizer> optimizer,
      long[] shape,
      int steps,
      Step step) {
    double[] expected = losses(Device.CPU, network, optimizer, shape, steps, step);
    double[] actual = losses(Device.cuda(), network, optimizer, shape, steps, step);
    for (int i = 0; i < steps; i++) {
      assertThat(actual[i]).as("step " + i).isCloseTo(expected[i], within(1e-5 * (1 << i)));
    }
    assertThat(expected[steps - 1]).isLessThan(expected[0]);
  }

  private static double[] losses(
      Device device,
      Supplier<Module> network,
      Function<List<Parameter>, Optimizer> optimizer,
      long[] shape,
      int steps,
      Step step) {
    Talus.manualSeed(1);
    double[] losses = new double[steps];
    try (Module net = network.get().to(device);
        Optimizer opt = optimizer.apply(net.parameters());
        Scope scope = Scope.open()) {
      Tensor x = Tensor.randn(shape).to(device);
      for (int i = 0; i < steps; i++) {
        try (Scope inner = Scope.open()) {
          opt.zeroGrad();
          Tensor loss = step.loss(net, x);
          loss.backward();
          opt.step();
          losses[i] = loss.item();
        }
      }
    }
    return losses;
  }
}
