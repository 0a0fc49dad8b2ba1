package dev.talus.bench;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.nn.Conv2d;
import dev.talus.nn.F;
import dev.talus.nn.Linear;
import dev.talus.nn.Module;
import dev.talus.nn.Parameter;
import dev.talus.optim.Optimizer;
import dev.talus.optim.SGD;
import java.util.List;
import java.util.function.Function;

/** The tutorial's network in Talus. */
public final class TalusLeNet implements LeNetTrainer {
  private final Net net = new Net();
  private final Optimizer optimizer;
  private Tensor images;
  private Tensor labels;

  /**
   * A network initialised from the default generator.
   *
   * @param lr learning rate
   * @param momentum of the SGD
   */
  public TalusLeNet(double lr, double momentum) {
    this(parameters -> new SGD(parameters, lr).momentum(momentum));
  }

  /**
   * A network initialised from the default generator.
   *
   * @param maker makes the optimizer of the network's parameters
   */
  public TalusLeNet(Function<List<Parameter>, Optimizer> maker) {
    optimizer = maker.apply(net.parameters());
  }

  private static final class Net extends Module {
    private final Conv2d conv1 = register("conv1", new Conv2d(1, 6, 3));
    private final Conv2d conv2 = register("conv2", new Conv2d(6, 16, 3));
    private final Linear fc1 = register("fc1", new Linear(16 * 6 * 6, 120));
    private final Linear fc2 = register("fc2", new Linear(120, 84));
    private final Linear fc3 = register("fc3", new Linear(84, 10));

    @Override
    public Tensor forward(Tensor input) {
      Tensor x = F.maxPool2d(F.relu(conv1.forward(input)), 2, 2);
      x = F.maxPool2d(F.relu(conv2.forward(x)), 2);
      x = x.view(-1, 16 * 6 * 6);
      x = F.relu(fc1.forward(x));
      x = F.relu(fc2.forward(x));
      return fc3.forward(x);
    }
  }

  @Override
  public float[][] parameters() {
    List<Parameter> parameters = net.parameters();
    return parameters.stream().map(Tensor::toFloatArray).toArray(float[][]::new);
  }

  @Override
  public void setThreads(int threads) {
    Threads.talus(threads);
  }

  @Override
  public void setBatch(float[] pixels, long[] classes) {
    release();
    images = Tensor.of(pixels, classes.length, 1, 32, 32).keep();
    labels = Tensor.of(classes).keep();
  }

  @Override
  public double step() {
    try (Scope scope = Scope.open()) {
      optimizer.zeroGrad();
      Tensor loss = F.crossEntropy(net.forward(images), labels);
      loss.backward();
      optimizer.step();
      return loss.item();
    }
  }

  /** The network itself. */
  public Module net() {
    return net;
  }

  @Override
  public double infer() {
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      return net.forward(images).sum().item();
    }
  }

  private void release() {
    if (images != null) {
      images.close();
      labels.close();
    }
  }

  @Override
  public void close() {
    release();
    optimizer.close();
    net.close();
  }
}
