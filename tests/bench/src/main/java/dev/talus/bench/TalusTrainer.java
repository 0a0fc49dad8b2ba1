package dev.talus.bench;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.nn.F;
import dev.talus.nn.Module;
import dev.talus.optim.Optimizer;
import dev.talus.optim.SGD;

/** A classifier in Talus. */
final class TalusTrainer implements Trainer {
  private final Module net;
  private final Optimizer optimizer;
  private final Tensor x;
  private final Tensor labels;

  /**
   * A trainer that owns the network.
   *
   * @param net gives a score for each class
   * @param batch what it is trained on
   */
  TalusTrainer(Module net, Nets.Batch batch) {
    this.net = net;
    optimizer = new SGD(net.parameters(), Nets.LR).momentum(0.9);
    x = Tensor.of(batch.x(), batch.shape()).keep();
    labels = Tensor.of(batch.labels()).keep();
  }

  @Override
  public void setThreads(int threads) {
    Threads.talus(threads);
  }

  @Override
  public double step() {
    try (Scope scope = Scope.open()) {
      optimizer.zeroGrad();
      Tensor loss = F.crossEntropy(net.forward(x), labels);
      loss.backward();
      optimizer.step();
      return loss.item();
    }
  }

  @Override
  public float[][] parameters() {
    return net.parameters().stream().map(Tensor::toFloatArray).toArray(float[][]::new);
  }

  @Override
  public void close() {
    optimizer.close();
    net.close();
    x.close();
    labels.close();
  }
}
