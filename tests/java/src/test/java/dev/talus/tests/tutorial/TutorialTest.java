package dev.talus.tests.tutorial;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Node;
import dev.talus.nn.F;
import dev.talus.nn.MSELoss;
import dev.talus.nn.Parameter;
import dev.talus.optim.SGD;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The tutorial, statement by statement. Every number and text is what PyTorch 2.13.0 printed for
 * the same statements after torch.manual_seed(0), with the names of nodes as the tutorial shows
 * them, without the 0 that PyTorch appends since.
 */
class TutorialTest {
  private Net net;
  private Scope scope;

  @BeforeEach
  void open() {
    Talus.manualSeed(0);
    net = new Net();
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
    net.close();
  }

  @Test
  void inOrder() {
    defineTheNetwork();
    runItForwardAndBackward();
    Tensor input = Tensor.randn(1, 1, 32, 32);
    Tensor out = net.forward(input);
    Tensor target = Tensor.randn(10).view(1, -1);
    Tensor loss = computeTheLoss(out, target);
    walkTheGraph(loss);
    backpropagate(loss);
    updateByHand(input, target);
    updateByOptimizer(input, target);
  }

  private void defineTheNetwork() {
    assertThat(net)
        .hasToString(
            """
            Net(
              (conv1): Conv2d(1, 6, kernel_size=(3, 3), stride=(1, 1))
              (conv2): Conv2d(6, 16, kernel_size=(3, 3), stride=(1, 1))
              (fc1): Linear(in_features=576, out_features=120, bias=True)
              (fc2): Linear(in_features=120, out_features=84, bias=True)
              (fc3): Linear(in_features=84, out_features=10, bias=True)
            )\
            """);
    List<Parameter> params = net.parameters();
    assertThat(params.size()).isEqualTo(10);
    assertThat(params.get(0).shape()).hasToString("[6, 1, 3, 3]");
  }

  private void runItForwardAndBackward() {
    Tensor out = net.forward(Tensor.randn(1, 1, 32, 32));
    assertThat(out)
        .hasToString(
            """
            tensor([[ 0.0118, -0.1022, -0.0414, -0.0177, -0.2162,  0.0153, -0.0586,  0.1904,
                      0.0214, -0.0695]], grad_fn=<AddmmBackward>)\
            """);
    net.zeroGrad();
    out.backward(Tensor.randn(1, 10));
    assertThat(net.conv1.bias().grad())
        .hasToString("tensor([ 0.0459,  0.0567,  0.0638,  0.0352, -0.0452,  0.0229])");
  }

  private static Tensor computeTheLoss(Tensor out, Tensor target) {
    Tensor loss = new MSELoss().forward(out, target);
    assertThat(loss).hasToString("tensor(0.6797, grad_fn=<MseLossBackward>)");
    assertThat(loss.item()).isCloseTo(0.679723024, within(1e-6));
    return loss;
  }

  private static void walkTheGraph(Tensor loss) {
    Node mse = loss.gradFn();
    Node addmm = mse.nextFunctions().get(0);
    Node accumulate = addmm.nextFunctions().get(0);
    assertThat(mse.toString()).matches("<MseLossBackward object at 0x[0-9A-F]{16}>");
    assertThat(addmm.toString()).matches("<AddmmBackward object at 0x[0-9A-F]{16}>");
    assertThat(accumulate.toString()).matches("<AccumulateGrad object at 0x[0-9A-F]{16}>");
  }

  private void backpropagate(Tensor loss) {
    net.zeroGrad();
    assertThat(net.conv1.bias().grad()).isNull();
    loss.backward();
    assertThat(net.conv1.bias().grad())
        .hasToString("tensor([ 0.0030,  0.0017, -0.0083, -0.0101, -0.0027,  0.0070])");
  }

  private void updateByHand(Tensor input, Tensor target) {
    double learningRate = 0.01;
    for (Parameter f : net.parameters()) {
      f.data().sub_(f.grad().mul(learningRate));
    }
    assertThat(net.conv1.bias())
        .hasToString(
            """
            Parameter containing:
            tensor([ 0.2235, -0.1963,  0.0622, -0.2583, -0.2310, -0.1723],
                   requires_grad=True)\
            """);
    Tensor loss = new MSELoss().forward(net.forward(input), target);
    assertThat(loss).hasToString("tensor(0.6662, grad_fn=<MseLossBackward>)");
  }

  private void updateByOptimizer(Tensor input, Tensor target) {
    MSELoss criterion = new MSELoss();
    try (SGD optimizer = new SGD(net.parameters(), 0.01)) {
      for (String printed : List.of("0.6662", "0.6531", "0.6414")) {
        optimizer.zeroGrad();
        Tensor output = net.forward(input);
        Tensor loss = criterion.forward(output, target);
        assertThat(loss).hasToString("tensor(" + printed + ", grad_fn=<MseLossBackward>)");
        loss.backward();
        optimizer.step();
      }
    }
    assertThat(net.fc3.bias())
        .hasToString(
            """
            Parameter containing:
            tensor([-0.0308, -0.0921, -0.0563, -0.0066, -0.1081,  0.0368, -0.0660,  0.0949,
                     0.0331, -0.0665], requires_grad=True)\
            """);
  }

  /** SGD with momentum on one batch: the losses of ten steps, to a relative 1e-5. */
  @Test
  void followsTheLossCurve() {
    double[] printed = {
      2.33347654, 2.30232358, 2.25613737, 2.1994698, 2.129704,
      2.03316021, 1.8897934, 1.70591295, 1.64883137, 1.65730989
    };
    Tensor x = Tensor.randn(8, 1, 32, 32);
    Tensor labels = Tensor.randint(0, 10, 8);
    try (SGD optimizer = new SGD(net.parameters(), 0.05).momentum(0.9)) {
      for (double expected : printed) {
        optimizer.zeroGrad();
        Tensor loss = F.crossEntropy(net.forward(x), labels);
        assertThat(loss.item()).isCloseTo(expected, within(1e-5 * expected));
        loss.backward();
        optimizer.step();
      }
    }
  }

  @Test
  void onlyMiniBatchesAreAccepted() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> net.forward(Tensor.randn(1, 32, 32)))
        .withMessageContaining("conv1")
        .withMessageContaining("[1, 32, 32]")
        .withMessageContaining("only mini-batches are accepted, use input.unsqueeze(0)");
    Tensor single = Tensor.randn(1, 32, 32);
    assertThat(net.forward(single.unsqueeze(0)).shape()).hasToString("[1, 10]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> F.maxPool2d(single, 2))
        .withMessageContaining("use input.unsqueeze(0)");
  }

  @Test
  void anImageOfAnotherSizeIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> net.forward(Tensor.randn(1, 1, 28, 28)))
        .withMessageContaining("fc1: Linear(in_features=576, out_features=120, bias=True)")
        .withMessageContaining("expected input of shape [*, 576], got [1, 400]");
  }

  @Test
  void threeChannelsAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> net.forward(Tensor.randn(1, 3, 32, 32)))
        .withMessageContaining("conv1: Conv2d(1, 6, kernel_size=(3, 3), stride=(1, 1))")
        .withMessageContaining("[1, 3, 32, 32]");
  }
}
