package dev.talus.bench;

import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** A classifier in libtorch. */
final class TorchTrainer implements Trainer {
  private final PointerScope pointers = new PointerScope();
  private final Module net;
  private final UnaryOperator<Tensor> forward;
  private final SGD optimizer;
  private final Tensor x;
  private final Tensor labels;

  /**
   * A trainer.
   *
   * @param net holds the parameters
   * @param forward gives a score for each class
   * @param batch what it is trained on
   */
  TorchTrainer(Module net, UnaryOperator<Tensor> forward, Nets.Batch batch) {
    this.net = net;
    this.forward = forward;
    SGDOptions options = new SGDOptions(Nets.LR);
    options.momentum().put(0.9);
    optimizer = new SGD(net.parameters(), options);
    x = Tensor.create(batch.x(), batch.shape());
    labels = Tensor.create(batch.labels(), batch.labels().length);
  }

  @Override
  public void setThreads(int threads) {
    Threads.torch(threads, threads);
  }

  @Override
  public double step() {
    try (PointerScope scope = new PointerScope()) {
      optimizer.zero_grad();
      Tensor loss = torch.cross_entropy_loss(forward.apply(x), labels);
      loss.backward();
      optimizer.step();
      return loss.item_float();
    }
  }

  @Override
  public float[][] parameters() {
    return values(net.parameters());
  }

  /** Copies of tensors. */
  static float[][] values(TensorVector tensors) {
    try (PointerScope scope = new PointerScope()) {
      float[][] values = new float[(int) tensors.size()][];
      for (int i = 0; i < values.length; i++) {
        Tensor tensor = tensors.get(i);
        values[i] = new float[(int) tensor.numel()];
        tensor.contiguous().data_ptr_float().get(values[i]);
      }
      return values;
    }
  }

  @Override
  public void close() {
    pointers.close();
  }
}
