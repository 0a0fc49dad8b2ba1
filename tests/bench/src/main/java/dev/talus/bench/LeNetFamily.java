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

  @Override
  public List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    for (int batch : new int[] {1, 8, 64, 256}) {
      rows.add(row("training", batch, LeNetTrainer::step));
      rows.add(row("inference", batch, LeNetTrainer::infer));
    }
    return rows;
  }

  private static Row row(String what, int batch, ToDoubleFunction<LeNetTrainer> pass) {
    return new Row(
        what + " batch " + batch,
        0,
        0,
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
