package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.GradCheck;
import dev.talus.autograd.Node;
import dev.talus.nn.Conv2d;
import dev.talus.nn.Hardtanh;
import dev.talus.nn.Linear;
import dev.talus.nn.Module;
import dev.talus.nn.Parameter;
import dev.talus.nn.ReLU;
import dev.talus.nn.ReLU6;
import dev.talus.nn.Sequential;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A layer and its activation in a Sequential, in one pass, cannot be told from the two. */
class SequentialReluTest {
  private static Arguments layer(Supplier<Module> layer, long... input) {
    return Arguments.of(layer, input);
  }

  static Stream<Arguments> layers() {
    return Stream.of(
        layer(() -> new Linear(5, 7), 3, 5),
        layer(() -> new Linear(120, 84), 1, 120),
        layer(() -> new Linear(64, 10), 70, 64),
        layer(() -> new Linear(5, 7), 0, 5),
        layer(() -> new Linear(5, 7), 2, 3, 5),
        layer(() -> new Linear(5, 7), 5),
        layer(() -> new Linear(5, 7, false), 3, 5),
        layer(() -> new Conv2d(1, 6, 3), 2, 1, 12, 11),
        layer(() -> new Conv2d(24, 40, 3), 2, 24, 9, 9),
        layer(() -> new Conv2d(3, 5, 3, Conv2d.options().bias(false).padding(1)), 2, 3, 4, 5),
        layer(() -> new Conv2d(4, 4, 3, Conv2d.options().groups(2).stride(2)), 2, 4, 9, 8));
  }

  private static final List<Supplier<Module>> ACTIVATIONS =
      List.of(ReLU::new, ReLU6::new, () -> new Hardtanh(0, 6), () -> new Hardtanh(0, 5));

  @ParameterizedTest(name = "{index}")
  @MethodSource("layers")
  void valuesGradientsAndGraph(Supplier<Module> maker, long[] sizes) {
    for (Supplier<Module> activation : ACTIVATIONS) {
      compare(maker, activation, sizes, DType.FLOAT32);
      compare(maker, activation, sizes, DType.FLOAT64);
    }
  }

  private static void compare(
      Supplier<Module> maker, Supplier<Module> activation, long[] sizes, DType type) {
    Talus.manualSeed(1);
    long before = Talus.memory().liveBlocks();
    try (Scope scope = Scope.open();
        Module layer = maker.get().to(type);
        Module last = activation.get()) {
      Sequential both = new Sequential(layer, last);
      // Far enough from 0 for results beyond 6.
      Tensor x = Tensor.randn(sizes).mul(20).to(type).requiresGrad_(true);
      Tensor sums = layer.forward(x);
      if (sums.numel() > 20) {
        assertThat(sums.min().item()).isNegative();
        assertThat(sums.max().item()).isGreaterThan(6);
      }
      Tensor expected = last.forward(sums);
      Tensor actual = both.forward(x);
      assertThat(actual.toDoubleArray()).isEqualTo(expected.toDoubleArray());
      assertThat(names(actual.gradFn())).isEqualTo(names(expected.gradFn()));
      Tensor gradient = Tensor.randnLike(expected);
      List<double[]> first = gradients(layer, x, expected, gradient);
      List<double[]> second = gradients(layer, x, actual, gradient);
      assertThat(second).usingRecursiveComparison().isEqualTo(first);
      try (Autograd.GradMode mode = Autograd.noGrad()) {
        Tensor inferred = both.forward(x);
        assertThat(inferred.toDoubleArray()).isEqualTo(expected.toDoubleArray());
        assertThat(inferred.requiresGrad()).isFalse();
      }
    }
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
  }

  @Test
  void whatIsComputedInOnePass() {
    try (Scope scope = Scope.open();
        Linear layer = new Linear(5, 7)) {
      Tensor x = Tensor.randn(3, 5);
      // In one pass the output is saved, so that changing it is found.
      for (int i = 0; i < 3; i++) {
        Module last = ACTIVATIONS.get(i).get();
        Tensor out = new Sequential(layer, last).forward(x);
        out.detach().add_(1);
        String name = last instanceof ReLU ? "ReluBackward" : "HardtanhBackward";
        assertThatIllegalStateException()
            .isThrownBy(() -> out.sum().backward())
            .withMessageContaining("needed by " + name + ", is at version 1; expected version 0");
      }
      Tensor out = new Sequential(layer, ACTIVATIONS.get(3).get()).forward(x);
      out.detach().add_(1);
      out.sum().backward();
    }
  }

  @Test
  void gradientsOfRelu6AreDerivatives() {
    Talus.manualSeed(3);
    try (Scope scope = Scope.open();
        Module linear = new Sequential(new Linear(6, 5), new ReLU6()).to(DType.FLOAT64);
        Module conv = new Sequential(new Conv2d(2, 3, 3), new ReLU6()).to(DType.FLOAT64)) {
      Tensor rows = Tensor.randn(4, 6).to(DType.FLOAT64).mul(12).requiresGrad_(true);
      assertThat(linear.forward(rows).toDoubleArray()).contains(0, 6);
      GradCheck.check(in -> linear.forward(in[0]), rows);
      Tensor images = Tensor.randn(1, 2, 5, 4).to(DType.FLOAT64).mul(12).requiresGrad_(true);
      assertThat(conv.forward(images).toDoubleArray()).contains(0, 6);
      GradCheck.check(in -> conv.forward(in[0]), images);
    }
  }

  /** The names of all nodes, in depth. */
  private static String names(Node node) {
    if (node == null) {
      return "-";
    }
    List<String> next = new ArrayList<>();
    node.nextFunctions().forEach(each -> next.add(names(each)));
    return node.name() + next;
  }

  private static List<double[]> gradients(Module layer, Tensor x, Tensor out, Tensor gradient) {
    layer.zeroGrad();
    x.setGrad(null);
    out.backward(gradient);
    List<double[]> all = new ArrayList<>();
    all.add(x.grad().toDoubleArray());
    for (Parameter parameter : layer.parameters()) {
      all.add(parameter.grad().toDoubleArray());
    }
    return all;
  }

  @Test
  void secondDerivatives() {
    ACTIVATIONS.forEach(SequentialReluTest::compareSecond);
  }

  private static void compareSecond(Supplier<Module> activation) {
    Talus.manualSeed(2);
    try (Scope scope = Scope.open();
        Sequential net = new Sequential(new Linear(3, 4), activation.get(), new Linear(4, 1));
        Linear first = (Linear) net.get(0)) {
      Tensor x = Tensor.randn(2, 3).mul(9).requiresGrad_(true);
      Tensor apart = net.get(2).forward(net.get(1).forward(first.forward(x))).square().sum();
      Tensor together = net.forward(x).square().sum();
      double[][] found = new double[2][];
      for (Tensor loss : List.of(apart, together)) {
        Tensor gradient = Autograd.grad(loss, new Tensor[] {x}, null, true, true)[0];
        Tensor again = Autograd.grad(gradient.square().sum(), first.weight())[0];
        found[loss == apart ? 0 : 1] = again.toDoubleArray();
      }
      assertThat(found[1]).isEqualTo(found[0]).doesNotContain(Double.NaN);
    }
  }

  /** Its gradient passes, too, as PyTorch's does: no bound says otherwise. */
  @Test
  void notANumberStays() {
    for (Supplier<Module> activation : ACTIVATIONS) {
      try (Scope scope = Scope.open();
          Linear layer = new Linear(2, 3);
          Sequential net = new Sequential(layer, activation.get())) {
        Tensor x = Tensor.of(new float[] {Float.NaN, 1}, 1, 2);
        Tensor out = net.forward(x);
        assertThat(out.toDoubleArray()).containsOnly(Double.NaN);
        out.sum().backward();
        assertThat(layer.bias().grad().toDoubleArray()).containsOnly(1);
      }
    }
  }

  @Test
  void changesInBetweenAreFound() {
    try (Scope scope = Scope.open();
        Sequential net = new Sequential(new Linear(2, 3), new ReLU())) {
      Tensor out = net.forward(Tensor.ones(1, 2));
      Tensor loss = out.sum();
      out.detach().zero_();
      assertThatIllegalStateException()
          .isThrownBy(loss::backward)
          .withMessageContaining("needed by ReluBackward, is at version 1; expected version 0");
    }
  }

  @Test
  void errorsNameTheLayer() {
    try (Scope scope = Scope.open();
        Sequential net = new Sequential(new Conv2d(1, 2, 3), new ReLU(), new Linear(4, 2))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> net.forward(Tensor.ones(1, 2, 5, 5)))
          .withMessageStartingWith("0: Conv2d(1, 2,");
    }
    try (Scope scope = Scope.open();
        Sequential net = new Sequential(new Linear(4, 2), new ReLU())) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> net.forward(Tensor.ones(1, 5)))
          .withMessageStartingWith("0: Linear(in_features=4,");
    }
  }
}
