package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.examples.Mlp;
import dev.talus.examples.ResNet;
import dev.talus.examples.VGG;
import dev.talus.nn.F;
import dev.talus.nn.Module;
import dev.talus.optim.SGD;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The example networks learn a batch by heart, and print and count as they should. */
class ExampleNetsTest {
  static Arguments[] nets() {
    return new Arguments[] {
      net("ResNet-18", () -> ResNet.resNet18(10), 11_173_962),
      net("VGG-11", () -> VGG.vgg11(false, 10), 9_225_610),
      net("VGG-11-BN", () -> VGG.vgg11(true, 10), 9_231_114),
      net("Mlp", () -> new Mlp(3 * 32 * 32, 64, 10), 3072 * 64 + 64 + 640 + 10)
    };
  }

  private static Arguments net(String name, Supplier<Module> net, long parameters) {
    return Arguments.of(name, net, parameters);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("nets")
  void learnsABatchByHeart(String name, Supplier<Module> make, long parameters) {
    Talus.manualSeed(0);
    try (Module net = make.get();
        SGD sgd = new SGD(net.parameters(), 0.02).momentum(0.9);
        Scope scope = Scope.open()) {
      assertThat(net.parameters().stream().mapToLong(Tensor::numel).sum()).isEqualTo(parameters);
      Tensor x = Tensor.randn(4, 3, 32, 32);
      Tensor y = Tensor.of(new long[] {1, 7, 3, 9}, 4);
      double first = 0;
      double last = 0;
      for (int step = 0; step < 4; step++) {
        try (Scope inner = Scope.open()) {
          sgd.zeroGrad();
          Tensor loss = F.crossEntropy(net.forward(x), y);
          loss.backward();
          sgd.step();
          last = loss.item();
          first = step == 0 ? last : first;
        }
      }
      assertThat(last).isLessThan(first);
    }
  }

  @Test
  void aBlockPrintsItsLayers() {
    try (ResNet.BasicBlock block = new ResNet.BasicBlock(2, 4, 2)) {
      assertThat(block)
          .hasToString(
              """
              BasicBlock(
                (conv1): Conv2d(2, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), bias=False)
                (bn1): BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
                (conv2): Conv2d(4, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
                (bn2): BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
                (downsample): Sequential(
                  (0): Conv2d(2, 4, kernel_size=(1, 1), stride=(2, 2), bias=False)
                  (1): BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
                )
              )\
              """);
    }
  }
}
