package dev.talus.bench;

import dev.talus.Talus;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Training and inference of the tutorial's network. */
final class LeNetFamily implements Family {
  @Override
  public String name() {
    return "lenet";
  }

  @Override
  public String title() {
    return "the tutorial's LeNet: training steps and inference";
  }

  /** A step is hundreds of Java calls, which two cores need three seconds to compile. */
  @Override
  public double warmUpSeconds() {
    return 3.0;
  }

  @Override
  public List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    int[] batches = {1, 8, 64, 256};
    double[] training = {8, 6, 4, 4};
    double[] inference = {8, 5, 4, 4};
    MultiplyAdds net = MultiplyAdds.lenet();
    for (int i = 0; i < batches.length; i++) {
      int n = batches[i];
      rows.add(row("training", n, net.training(n), training[i], LeNetTrainer::step));
      rows.add(row("inference", n, net.inference(n), inference[i], LeNetTrainer::infer));
    }
    return rows;
  }

  private static Row row(
      String what, int batch, double flops, double target, ToDoubleFunction<LeNetTrainer> pass) {
    return new Row(
        what + " batch " + batch,
        flops,
        0,
        target,
        () -> {
          Talus.manualSeed(0);
          TorchLeNet.manualSeed(0);
          return new NetWork<>(
              Nets.lenet(new TalusLeNet(Nets.LR, 0.9), batch),
              Nets.lenet(new TorchLeNet(Nets.LR, 0.9), batch),
              pass);
        });
  }
}
