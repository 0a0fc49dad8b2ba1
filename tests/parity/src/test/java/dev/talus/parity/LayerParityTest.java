package dev.talus.parity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.nn.Conv2d;
import dev.talus.nn.Linear;
import dev.talus.nn.Module;
import dev.talus.nn.Parameter;
import java.util.List;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.Conv2dOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.LinearOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Layers start with libtorch's weights, to the last bit, and compute and learn what they do. */
class LayerParityTest {
  private static final double TOLERANCE = 1e-6;

  @ParameterizedTest
  @CsvSource({"1, 1, true", "576, 120, true", "7, 5, false", "84, 10, true"})
  void linear(int in, int out, boolean bias) {
    try (PointerScope pointers = new PointerScope()) {
      LinearOptions options = new LinearOptions(in, out);
      options.bias().put(bias);
      seed(in);
      LinearImpl theirs = new LinearImpl(options);
      try (Linear ours = new Linear(in, out, bias)) {
        compare(ours, theirs.parameters(), theirs::forward, 3, in);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 6, 3, 3, 1, 0, 1, 1, true",
    "6, 16, 3, 3, 1, 0, 1, 1, true",
    "4, 6, 2, 5, 2, 1, 1, 2, true",
    "3, 3, 1, 1, 1, 0, 1, 3, false",
    "2, 4, 3, 2, 1, 2, 2, 1, false"
  })
  void conv2d(
      int in,
      int out,
      int height,
      int width,
      int stride,
      int padding,
      int dilation,
      int groups,
      boolean bias) {
    try (PointerScope pointers = new PointerScope()) {
      Conv2dOptions options = new Conv2dOptions(in, out, new LongPointer(height, width));
      options.stride().put(0, stride).put(1, stride);
      options.padding().put(new LongPointer(padding, padding));
      options.dilation().put(0, dilation).put(1, dilation);
      options.groups().put(groups);
      options.bias().put(bias);
      Conv2d.Options same =
          Conv2d.options()
              .stride(stride)
              .padding(padding)
              .dilation(dilation)
              .groups(groups)
              .bias(bias);
      seed(in);
      Conv2dImpl theirs = new Conv2dImpl(options);
      try (Conv2d ours = new Conv2d(in, out, new int[] {height, width}, same)) {
        compare(ours, theirs.parameters(), theirs::forward, 2, in, 9, 8);
      }
    }
  }

  private static void seed(long seed) {
    Talus.manualSeed(seed);
    torch.manual_seed(seed);
  }

  private static void compare(
      Module ours,
      TensorVector theirs,
      UnaryOperator<org.bytedeco.pytorch.Tensor> forward,
      long... sizes) {
    List<Parameter> parameters = ours.parameters();
    assertThat(parameters).hasSize((int) theirs.size());
    try (Scope scope = Scope.open()) {
      for (int i = 0; i < parameters.size(); i++) {
        Agreement.check(parameters.get(i), theirs.get(i), 0, "initial parameter " + i);
      }
      Tensor input = Tensor.randn(sizes);
      Tensor actual = ours.forward(input);
      org.bytedeco.pytorch.Tensor expected = forward.apply(Torch.copy(input));
      Agreement.check(actual, expected, TOLERANCE, "output");
      Tensor gradient = Tensor.randnLike(actual);
      Autograd.backward(actual, gradient, false, false);
      Torch.backward(expected, Torch.copy(gradient));
      for (int i = 0; i < parameters.size(); i++) {
        Agreement.check(
            parameters.get(i).grad(), theirs.get(i).grad(), TOLERANCE, "gradient of " + i);
      }
    }
  }
}
