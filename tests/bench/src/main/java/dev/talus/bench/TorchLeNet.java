package dev.talus.bench;

import java.util.function.Function;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** The tutorial's network in libtorch, trained by its own SGD: the peer, and the oracle. */
public final class TorchLeNet implements LeNetTrainer {
  private final Net net = new Net();
  private final Optimizer optimizer;
  private Tensor images;
  private Tensor labels;

  /**
   * A network initialised from libtorch's default generator.
   *
   * @param lr learning rate
   * @param momentum of the SGD
   */
  public TorchLeNet(double lr, double momentum) {
    this(parameters -> sgd(parameters, lr, momentum));
  }

  /**
   * A network initialised from libtorch's default generator.
   *
   * @param maker makes the optimizer of the network's parameters
   */
  public TorchLeNet(Function<TensorVector, Optimizer> maker) {
    optimizer = maker.apply(net.parameters());
  }

  private static Optimizer sgd(TensorVector parameters, double lr, double momentum) {
    SGDOptions options = new SGDOptions(lr);
    options.momentum().put(momentum);
    return new SGD(parameters, options);
  }

  /** The layers, registered in the tutorial's order. */
  private static final class Net extends Module {
    private final Conv2dImpl conv1 =
        register_module("conv1", new Conv2dImpl(1, 6, new LongPointer(3, 3)));
    private final Conv2dImpl conv2 =
        register_module("conv2", new Conv2dImpl(6, 16, new LongPointer(3, 3)));
    private final LinearImpl fc1 = register_module("fc1", new LinearImpl(16 * 6 * 6, 120));
    private final LinearImpl fc2 = register_module("fc2", new LinearImpl(120, 84));
    private final LinearImpl fc3 = register_module("fc3", new LinearImpl(84, 10));

    Tensor forward(Tensor input) {
      Tensor x = torch.max_pool2d(torch.relu(conv1.forward(input)), 2, 2);
      x = torch.max_pool2d(torch.relu(conv2.forward(x)), 2, 2);
      x = x.view(-1, 16 * 6 * 6);
      x = torch.relu(fc1.forward(x));
      x = torch.relu(fc2.forward(x));
      return fc3.forward(x);
    }
  }

  /** Seeds libtorch's default generator. */
  public static void manualSeed(long seed) {
    torch.manual_seed(seed);
  }

  @Override
  public float[][] parameters() {
    return TorchTrainer.values(net.parameters());
  }

  @Override
  public void setThreads(int threads) {
    Threads.torch(threads, threads);
  }

  @Override
  public void setBatch(float[] pixels, long[] classes) {
    try (PointerScope scope = new PointerScope()) {
      images = Tensor.create(pixels, classes.length, 1, 32, 32).retainReference();
      labels = Tensor.create(classes, classes.length).retainReference();
    }
  }

  @Override
  public double step() {
    try (PointerScope scope = new PointerScope()) {
      optimizer.zero_grad();
      Tensor loss = torch.cross_entropy_loss(net.forward(images), labels);
      loss.backward();
      optimizer.step();
      return loss.item_float();
    }
  }

  /** The network's output for images [n, 1, 32, 32]. */
  public Tensor forward(Tensor input) {
    return net.forward(input);
  }

  /** The parameters themselves, in the network's order. */
  public TensorVector tensors() {
    return net.parameters();
  }

  @Override
  public double infer() {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      return net.forward(images).sum().item_float();
    }
  }

  @Override
  public void close() {
    optimizer.close();
    net.close();
    if (images != null) {
      images.close();
      labels.close();
    }
  }
}
