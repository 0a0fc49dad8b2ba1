package dev.talus.bench;

import dev.talus.Talus;
import dev.talus.examples.ResNet;
import dev.talus.examples.VGG;
import dev.talus.nn.Linear;
import dev.talus.nn.ReLU;
import dev.talus.nn.Sequential;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.function.Supplier;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.global.torch;

/** The networks that are trained in both libraries; each is one entry of the list. */
final class Nets {
  // So small that thousands of steps on one batch do not drive its loss, and with it the gradients,
  // into denormal numbers, which are slow on both sides.
  static final double LR = 1e-6;

  private static final List<Net> ALL =
      List.of(
          mlp(64),
          mlp(256),
          new Net(
              "resnet18",
              32,
              3,
              MultiplyAdds.resNet18(),
              () -> talus(() -> ResNet.resNet18(10), cifarBatch(32)),
              () -> torch(TorchCifar::resNet18, cifarBatch(32))),
          new Net(
              "vgg11",
              32,
              10,
              MultiplyAdds.vgg11(),
              () -> talus(() -> VGG.vgg11(false, 10), cifarBatch(32)),
              () -> torch(TorchCifar::vgg11, cifarBatch(32))),
          new Net(
              "lenet",
              64,
              100,
              MultiplyAdds.lenet(),
              () -> lenet(new TalusLeNet(LR, 0.9), 64),
              () -> lenet(new TorchLeNet(LR, 0.9), 64)));

  private Nets() {}

  /**
   * A network.
   *
   * @param name what it is called
   * @param batch images in a step
   * @param steps how many steps are watched for what they take of memory
   * @param work what it must compute
   * @param talus makes it in Talus
   * @param torch makes it in libtorch
   */
  record Net(
      String name,
      int batch,
      int steps,
      MultiplyAdds work,
      Supplier<Trainer> talus,
      Supplier<Trainer> torch) {
    @Override
    public String toString() {
      return name + " batch " + batch;
    }
  }

  /** Numbers and labels in 0…9. */
  record Batch(float[] x, long[] shape, long[] labels) {
    static Batch random(long... shape) {
      Random random = new Random(0);
      float[] x = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
      for (int i = 0; i < x.length; i++) {
        x[i] = (float) random.nextGaussian();
      }
      return new Batch(x, shape, random.longs(shape[0], 0, 10).toArray());
    }
  }

  static List<Net> all() {
    return ALL;
  }

  static Net named(String name) {
    return ALL.stream()
        .filter(net -> net.toString().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no network is called " + name));
  }

  static LeNetTrainer lenet(LeNetTrainer trainer, int batch) {
    Batch images = Batch.random(batch, 1, 32, 32);
    trainer.setBatch(images.x(), images.labels());
    return trainer;
  }

  /** Images of 32 x 32 in three colours. */
  private static Batch cifarBatch(int n) {
    return Batch.random(n, 3, 32, 32);
  }

  private static Trainer talus(Supplier<dev.talus.nn.Module> net, Batch batch) {
    Talus.manualSeed(0);
    return new TalusTrainer(net.get(), batch);
  }

  private static Trainer torch(Function<Batch, Trainer> net, Batch batch) {
    torch.manual_seed(0);
    return net.apply(batch);
  }

  private static Net mlp(int batch) {
    return new Net(
        "mlp",
        batch,
        100,
        MultiplyAdds.mlp(),
        () -> talusMlp(mlpBatch(batch)),
        () -> torchMlp(mlpBatch(batch)));
  }

  private static Batch mlpBatch(int n) {
    return Batch.random(n, 784);
  }

  private static Trainer talusMlp(Batch batch) {
    Talus.manualSeed(0);
    return new TalusTrainer(
        new Sequential(
            new Linear(784, 1024),
            new ReLU(),
            new Linear(1024, 1024),
            new ReLU(),
            new Linear(1024, 10)),
        batch);
  }

  private static Trainer torchMlp(Batch batch) {
    torch.manual_seed(0);
    Module net = new Module();
    LinearImpl first = net.register_module("0", new LinearImpl(784, 1024));
    LinearImpl second = net.register_module("2", new LinearImpl(1024, 1024));
    LinearImpl third = net.register_module("4", new LinearImpl(1024, 10));
    return new TorchTrainer(
        net, x -> third.forward(torch.relu(second.forward(torch.relu(first.forward(x))))), batch);
  }
}
