package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.nn.Conv2d;
import dev.talus.nn.Linear;
import dev.talus.nn.Module;
import dev.talus.nn.Parameter;
import dev.talus.nn.ReLU;
import dev.talus.nn.Sequential;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A layer and its ReLU in a Sequential, computed in one pass, cannot be told from the two. */
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

  @ParameterizedTest(name = "{index}")
  @MethodSource("layers")
  void valuesGradientsAndGraph(Supplier<Module> maker, long[] sizes) {
    for (DType type : new DType[] {DType.FLOAT32, DType.FLOAT64}) {
      Talus.manualSeed(1);
      long before = Talus.memory().liveBlocks();
      try (Scope scope = Scope.open();
          Module layer = maker.get().to(type);
          Module relu = new ReLU()) {
        Sequential both = new Sequential(layer, relu);
        Tensor x = Tensor.randn(sizes).to(type).requiresGrad_(true);
        Tensor expected = relu.forward(layer.forward(x));
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
    Talus.manualSeed(2);
    try (Scope scope = Scope.open();
        Sequential net = new Sequential(new Linear(3, 4), new ReLU(), new Linear(4, 1));
        Linear first = (Linear) net.get(0)) {
      Tensor x = Tensor.randn(2, 3).requiresGrad_(true);
      Tensor apart = net.get(2).forward(first.forward(x).relu()).square().sum();
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

  @Test
  void notANumberStays() {
    try (Scope scope = Scope.open();
        Sequential net = new Sequential(new Linear(2, 3), new ReLU())) {
      Tensor x = Tensor.of(new float[] {Float.NaN, 1}, 1, 2);
      assertThat(net.forward(x).toDoubleArray()).containsOnly(Double.NaN);
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
