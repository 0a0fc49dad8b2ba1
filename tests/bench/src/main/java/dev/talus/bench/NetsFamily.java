package dev.talus.bench;

import java.util.List;

/** Steps of training of whole networks. */
final class NetsFamily implements Family {
  private static final double TARGET = 1.5;

  @Override
  public String name() {
    return "nets";
  }

  @Override
  public String title() {
    return "training steps of networks: cross-entropy, backward, SGD with momentum";
  }

  @Override
  public List<Row> rows() {
    return Nets.all().stream().filter(net -> !net.name().equals("lenet")).map(this::row).toList();
  }

  private Row row(Nets.Net net) {
    return new Row(
        net.toString(),
        net.work().training(net.batch()),
        0,
        TARGET,
        () -> new NetWork<>(net.talus().get(), net.torch().get(), Trainer::step));
  }
}
