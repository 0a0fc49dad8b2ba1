package dev.talus.examples;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.nn.MSELoss;
import dev.talus.nn.Module;
import dev.talus.nn.Parameter;
import dev.talus.optim.SGD;

/**
 * PyTorch's tutorial on neural networks, statement by statement: define the network, look at its
 * parameters, run it, compute a loss, follow the graph, go backward, and update the weights.
 */
public final class Tutorial {
  private Tutorial() {}

  /**
   * Prints what the tutorial prints.
   *
   * @param args none
   */
  public static void main(String[] args) {
    // The tutorial does not seed, so its numbers differ from run to run; these repeat.
    Talus.manualSeed(0);
    try (Net net = new Net();
        Scope scope = Scope.open()) {
      System.out.println(net);
      parameters(net);
      forward(net);
      Tensor input = Tensor.randn(1, 1, 32, 32);
      Tensor target = Tensor.randn(10).view(1, -1);
      MSELoss criterion = new MSELoss();
      Tensor loss = loss(net, criterion, input, target);
      backward(net, loss);
      updateByHand(net);
      updateWithOptimizer(net, criterion, input, target);
    }
  }

  private static void parameters(Module net) {
    System.out.println(net.parameters().size());
    System.out.println(net.parameters().get(0).shape());
  }

  private static void forward(Module net) {
    Tensor out = net.forward(Tensor.randn(1, 1, 32, 32));
    System.out.println(out);
    net.zeroGrad();
    out.backward(Tensor.randn(1, 10));
  }

  private static Tensor loss(Module net, MSELoss criterion, Tensor input, Tensor target) {
    Tensor loss = criterion.forward(net.forward(input), target);
    System.out.println(loss);
    System.out.println(loss.gradFn());
    System.out.println(loss.gradFn().nextFunctions().get(0));
    System.out.println(loss.gradFn().nextFunctions().get(0).nextFunctions().get(0));
    return loss;
  }

  private static void backward(Net net, Tensor loss) {
    net.zeroGrad();
    showGradient(net);
    loss.backward();
    showGradient(net);
  }

  private static void showGradient(Net net) {
    Tensor gradient = net.conv1().bias().grad();
    System.out.println(gradient == null ? "None" : gradient);
  }

  private static void updateByHand(Module net) {
    double learningRate = 0.01;
    for (Parameter f : net.parameters()) {
      f.data().sub_(f.grad().mul(learningRate));
    }
  }

  private static void updateWithOptimizer(
      Module net, MSELoss criterion, Tensor input, Tensor target) {
    try (SGD optimizer = new SGD(net.parameters(), 0.01)) {
      optimizer.zeroGrad();
      Tensor output = net.forward(input);
      Tensor loss = criterion.forward(output, target);
      loss.backward();
      optimizer.step();
    }
  }
}
