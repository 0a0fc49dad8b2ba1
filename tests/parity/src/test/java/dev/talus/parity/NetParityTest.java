package dev.talus.parity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.examples.ResNet;
import dev.talus.examples.VGG;
import dev.talus.nn.Dropout;
import dev.talus.nn.Embedding;
import dev.talus.nn.F;
import dev.talus.nn.Module;
import dev.talus.optim.SGD;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.EmbeddingImpl;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Convolutional networks with batch norm follow libtorch's loss curve; so do random layers. */
class NetParityTest {
  private static final double LR = 0.01;

  /** libtorch's side of a network: the functions of its layers, on copies of the weights. */
  private record State(Map<String, org.bytedeco.pytorch.Tensor> tensors) {
    static State of(Module net, ScalarType type) {
      Map<String, org.bytedeco.pytorch.Tensor> copies = new LinkedHashMap<>();
      net.stateDict().forEach((name, tensor) -> copies.put(name, Torch.copy(tensor).to(type)));
      net.namedParameters().keySet().forEach(name -> copies.get(name).set_requires_grad(true));
      return new State(copies);
    }

    org.bytedeco.pytorch.Tensor conv(
        org.bytedeco.pytorch.Tensor x, String name, long stride, long padding) {
      org.bytedeco.pytorch.Tensor bias = tensors.get(name + ".bias");
      org.bytedeco.pytorch.Tensor w = tensors.get(name + ".weight");
      return TorchImages.conv(
          bias == null ? tensors(x, w) : tensors(x, w, bias), stride, padding, 1, 1);
    }

    private static org.bytedeco.pytorch.Tensor[] tensors(org.bytedeco.pytorch.Tensor... all) {
      return all;
    }

    org.bytedeco.pytorch.Tensor norm(org.bytedeco.pytorch.Tensor x, String name) {
      return torch.batch_norm(
          x,
          some(name + ".weight"),
          some(name + ".bias"),
          some(name + ".running_mean"),
          some(name + ".running_var"),
          true,
          0.1,
          1e-5,
          false);
    }

    private TensorOptional some(String name) {
      return new TensorOptional(tensors.get(name));
    }

    org.bytedeco.pytorch.Tensor linear(org.bytedeco.pytorch.Tensor x, String name) {
      return torch.linear(
          torch.flatten(x, 1, -1), tensors.get(name + ".weight"), some(name + ".bias"));
    }

    void step() {
      for (org.bytedeco.pytorch.Tensor tensor : tensors.values()) {
        if (tensor.requires_grad()) {
          tensor.data().sub_(tensor.grad().mul(Torch.scalar(LR)));
          tensor.mutable_grad().zero_();
        }
      }
    }
  }

  private static org.bytedeco.pytorch.Tensor resNet(State s, org.bytedeco.pytorch.Tensor x) {
    x = torch.relu(s.norm(s.conv(x, "conv1", 1, 1), "bn1"));
    for (int stage = 1; stage <= 4; stage++) {
      for (int block = 0; block < 2; block++) {
        String name = "layer" + stage + "." + block + ".";
        long stride = stage > 1 && block == 0 ? 2 : 1;
        org.bytedeco.pytorch.Tensor y = s.conv(x, name + "conv1", stride, 1);
        y = torch.relu(s.norm(y, name + "bn1"));
        y = s.norm(s.conv(y, name + "conv2", 1, 1), name + "bn2");
        org.bytedeco.pytorch.Tensor around =
            stride == 1
                ? x
                : s.norm(s.conv(x, name + "downsample.0", stride, 0), name + "downsample.1");
        x = torch.relu(y.add(around));
      }
    }
    return s.linear(torch.adaptive_avg_pool2d(x, 1, 1), "fc");
  }

  /** VGG-11 with batch norm. */
  private static org.bytedeco.pytorch.Tensor vgg(State s, org.bytedeco.pytorch.Tensor x) {
    int[] convolutionsBeforePooling = {1, 1, 2, 2, 2};
    int layer = 0;
    for (int count : convolutionsBeforePooling) {
      for (int i = 0; i < count; i++, layer += 3) {
        x = s.conv(x, "features." + layer, 1, 1);
        x = torch.relu(s.norm(x, "features." + (layer + 1)));
      }
      x = TorchImages.maxPool(x, 2, 2, 0, 1, false);
      layer++;
    }
    return s.linear(x, "classifier");
  }

  @Test
  void resNet18() {
    Talus.manualSeed(0);
    try (ResNet net = ResNet.resNet18(10)) {
      compare(net, NetParityTest::resNet);
    }
  }

  @Test
  void vgg11() {
    Talus.manualSeed(1);
    try (VGG net = VGG.vgg11(true, 10)) {
      compare(net, NetParityTest::vgg);
    }
  }

  /**
   * The exact curve is libtorch's in float64. One step of libtorch's own float32 curve is up to
   * 0.09% off it: rounding errors decide which side of a ReLU's kink some values fall on. So the
   * mean over the steps counts.
   */
  private static void compare(
      Module net,
      BiFunction<State, org.bytedeco.pytorch.Tensor, org.bytedeco.pytorch.Tensor> theirs) {
    try (Scope scope = Scope.open();
        PointerScope pointers = new PointerScope();
        SGD sgd = new SGD(net.parameters(), LR)) {
      State exact = State.of(net, ScalarType.Double);
      State single = State.of(net, ScalarType.Float);
      Tensor x = Tensor.randn(8, 3, 32, 32);
      Tensor y = Tensor.randint(0, 10, 8);
      org.bytedeco.pytorch.Tensor torchX = Torch.copy(x);
      org.bytedeco.pytorch.Tensor exactX = torchX.to(ScalarType.Double);
      org.bytedeco.pytorch.Tensor torchY = Torch.copy(y);
      double[] off = new double[6];
      for (int step = 0; step < off.length; step++) {
        try (Scope inner = Scope.open();
            PointerScope innerPointers = new PointerScope()) {
          org.bytedeco.pytorch.Tensor expected =
              torch.cross_entropy_loss(theirs.apply(exact, exactX), torchY);
          expected.backward();
          sgd.zeroGrad();
          Tensor loss = F.crossEntropy(net.forward(x), y);
          if (step == 0) {
            // Later ones drift apart: differences of rounding grow with every step.
            theirs.apply(single, torchX);
            compareStatistics(net, single);
          }
          loss.backward();
          sgd.step();
          exact.step();
          off[step] = Math.abs(loss.item() / expected.item_double() - 1);
        }
      }
      assertThat(off[0]).as("the loss before training").isLessThan(1e-5);
      assertThat(Arrays.stream(off).average().orElseThrow())
          .as("mean distance of the losses from the exact ones, %s", Arrays.toString(off))
          .isLessThan(1e-3);
    }
  }

  private static void compareStatistics(Module net, State state) {
    net.namedBuffers()
        .forEach(
            (name, tensor) -> {
              if (!name.endsWith("num_batches_tracked")) {
                Agreement.check(tensor, state.tensors().get(name), 1e-5, name);
              }
            });
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 7, 16, 100, 5000, 70_001})
  void dropoutKeepsLibtorchsElements(long n) {
    for (DType type : new DType[] {DType.FLOAT32, DType.FLOAT64}) {
      for (double p : new double[] {0.1, 0.5, 0.9, 1}) {
        try (Scope scope = Scope.open();
            PointerScope pointers = new PointerScope()) {
          Tensor x = Tensor.randn(type, n).requiresGrad_(true);
          org.bytedeco.pytorch.Tensor copy = Torch.copy(x);
          copy.set_requires_grad(true);
          seed(n);
          Tensor actual = new Dropout(p).forward(x);
          org.bytedeco.pytorch.Tensor expected = torch.dropout(copy, p, true);
          Agreement.check(actual, expected, 0, "dropout of " + n + " with " + p);
          actual.sum().backward();
          expected.sum().backward();
          Agreement.check(x.grad(), copy.grad(), 0, "gradient");
        }
      }
    }
  }

  @Test
  void dropoutOfChannels() {
    try (Scope scope = Scope.open();
        PointerScope pointers = new PointerScope()) {
      Tensor x = Tensor.randn(5, 7, 3, 2);
      org.bytedeco.pytorch.Tensor copy = Torch.copy(x);
      seed(3);
      Tensor actual = F.dropout2d(x, 0.3, true);
      Agreement.check(actual, torch.feature_dropout(copy, 0.3, true), 0, "dropout2d");
    }
  }

  @Test
  void embeddingsStartWithLibtorchsNumbers() {
    try (PointerScope pointers = new PointerScope()) {
      seed(5);
      EmbeddingImpl theirs = new EmbeddingImpl(13, 7);
      try (Embedding ours = new Embedding(13, 7)) {
        Agreement.check(ours.weight(), theirs.parameters().get(0), 0, "weight");
      }
    }
  }

  private static void seed(long seed) {
    Talus.manualSeed(seed);
    torch.manual_seed(seed);
  }
}
