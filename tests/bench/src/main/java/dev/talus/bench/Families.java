package dev.talus.bench;

import java.util.List;

/** The families, in the order they run in. */
final class Families {
  private static final List<Family> ALL =
      List.of(
          new LeNetFamily(),
          new NetsFamily(),
          new GemmFamily(),
          new ConvFamily(false),
          new ConvFamily(true),
          new OpsFamily(),
          new OptimFamily(),
          new DoubleFamily(),
          new TinyFamily(),
          new ScalingFamily());

  private Families() {}

  static List<Family> all() {
    return ALL;
  }

  static Family named(String name) {
    return ALL.stream().filter(family -> family.name().equals(name)).findFirst().orElseThrow();
  }
}
