package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.nn.AvgPool2d;
import dev.talus.nn.Conv2d;
import dev.talus.nn.CrossEntropyLoss;
import dev.talus.nn.F;
import dev.talus.nn.Flatten;
import dev.talus.nn.Identity;
import dev.talus.nn.Linear;
import dev.talus.nn.LogSoftmax;
import dev.talus.nn.MSELoss;
import dev.talus.nn.MaxPool2d;
import dev.talus.nn.Module;
import dev.talus.nn.NLLLoss;
import dev.talus.nn.ReLU;
import dev.talus.nn.Sequential;
import dev.talus.nn.Sigmoid;
import dev.talus.nn.Softmax;
import dev.talus.nn.Tanh;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** How layers print, and what they refuse. */
class LayerTest {
  private static Arguments layer(Supplier<Module> layer, String printed) {
    return Arguments.of(layer, printed);
  }

  /** Printed by PyTorch 2.13.0. */
  static List<Arguments> layers() {
    return List.of(
        layer(
            () ->
                new Conv2d(
                    1,
                    2,
                    new int[] {3, 5},
                    Conv2d.options().stride(2).padding(1, 0).dilation(2).bias(false)),
            "Conv2d(1, 2, kernel_size=(3, 5), stride=(2, 2), padding=(1, 0), dilation=(2, 2),"
                + " bias=False)"),
        layer(
            () -> new Conv2d(4, 4, 3, Conv2d.options().padding(1).groups(2)),
            "Conv2d(4, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), groups=2)"),
        layer(ReLU::new, "ReLU()"),
        layer(
            () -> new MaxPool2d(2),
            "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"),
        layer(() -> new AvgPool2d(2), "AvgPool2d(kernel_size=2, stride=2, padding=0)"),
        layer(Flatten::new, "Flatten(start_dim=1, end_dim=-1)"),
        layer(() -> new Linear(3, 4, false), "Linear(in_features=3, out_features=4, bias=False)"),
        layer(() -> new Softmax(1), "Softmax(dim=1)"),
        layer(() -> new LogSoftmax(-1), "LogSoftmax(dim=-1)"),
        layer(Sigmoid::new, "Sigmoid()"),
        layer(Tanh::new, "Tanh()"),
        layer(Identity::new, "Identity()"),
        layer(MSELoss::new, "MSELoss()"),
        layer(CrossEntropyLoss::new, "CrossEntropyLoss()"),
        layer(NLLLoss::new, "NLLLoss()"),
        layer(Sequential::new, "Sequential()"),
        layer(
            () -> new Sequential(new ReLU(), new Sequential(new Linear(1, 1))),
            """
            Sequential(
              (0): ReLU()
              (1): Sequential(
                (0): Linear(in_features=1, out_features=1, bias=True)
              )
            )\
            """));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("layers")
  void printsAsInPyTorch(Supplier<Module> layer, String printed) {
    try (Module module = layer.get()) {
      assertThat(module).hasToString(printed);
    }
  }

  @Test
  void layersComputeWhatTheirFunctionsDo() {
    try (Scope scope = Scope.open();
        Conv2d conv = new Conv2d(2, 4, 3, Conv2d.options().stride(2).padding(1).groups(2));
        Linear linear = new Linear(5, 3)) {
      Tensor images = Tensor.randn(2, 2, 7, 6);
      Tensor rows = Tensor.randn(4, 5);
      int[] two = {2};
      int[] one = {1};
      same(conv.forward(images), F.conv2d(images, conv.weight(), conv.bias(), two, one, one, 2));
      same(linear.forward(rows), rows.matmul(linear.weight().t()).add(linear.bias()));
      same(
          linear.forward(rows.view(2, 2, 5)).view(4, 3),
          F.linear(rows, linear.weight(), linear.bias()));
      same(new MaxPool2d(2).forward(images), F.maxPool2d(images, 2, 2));
      same(new MaxPool2d(3, 1).forward(images), F.maxPool2d(images, 3, 1));
      same(new AvgPool2d(3, 2).forward(images), F.avgPool2d(images, 3, 2));
      same(new Flatten().forward(images), images.view(2, 84));
      same(new ReLU().forward(rows), rows.clamp(0, 1e9));
      same(new Sigmoid().forward(rows), rows.neg().exp().add(1.0).reciprocal());
      same(new Tanh().forward(rows), rows.tanh());
      same(new Softmax(1).forward(rows), rows.logSoftmax(1).exp());
      same(new LogSoftmax(1).forward(rows), rows.logSoftmax(1));
      assertThat(new Identity().forward(rows)).isSameAs(rows);
    }
  }

  private static void same(Tensor actual, Tensor expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.allclose(expected, 1e-5, 1e-6)).isTrue();
  }

  @Test
  void namedSequential() {
    Map<String, Module> parts = new LinkedHashMap<>();
    parts.put("first", new Linear(2, 3));
    parts.put("act", new ReLU());
    try (Sequential named = new Sequential(parts)) {
      assertThat(named.namedParameters().keySet()).containsExactly("first.weight", "first.bias");
      assertThat(named.size()).isEqualTo(2);
      assertThat(named.get(1)).isInstanceOf(ReLU.class);
    }
  }

  @Test
  void badArgumentsAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Conv2d(3, 4, 3, Conv2d.options().groups(2)))
        .withMessageContaining("in_channels must be divisible by groups, got 3 and 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Conv2d(0, 4, 3))
        .withMessageContaining("Conv2d: in_channels must be 1 or more, got 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Conv2d.options().stride(0))
        .withMessageContaining("stride");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Linear(3, -1))
        .withMessageContaining("Linear: out_features must be 1 or more, got -1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new MaxPool2d(0))
        .withMessageContaining("kernel_size");
  }

  @Test
  void theWrongTypeIsRefusedByName() {
    try (Scope scope = Scope.open();
        Sequential net = new Sequential(new ReLU(), new Linear(3, 2))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> net.forward(Tensor.ones(DType.FLOAT64, 1, 3)))
          .withMessageContaining("1: Linear(in_features=3, out_features=2, bias=True)")
          .withMessageContaining("torch.float64")
          .withMessageContaining("torch.float32");
    }
  }
}
