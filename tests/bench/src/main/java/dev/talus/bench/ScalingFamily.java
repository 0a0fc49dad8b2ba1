package dev.talus.bench;

import java.util.List;
import java.util.stream.Stream;

/** Talus with all threads against Talus with one, on the convolutions and matrix products. */
final class ScalingFamily implements Family {
  private static final double TARGET = 1.85;

  @Override
  public String name() {
    return "scaling";
  }

  @Override
  public String title() {
    return "Talus with several threads against Talus with one";
  }

  @Override
  public boolean isScaling() {
    return true;
  }

  @Override
  public List<Row> rows() {
    // One image is the harder case: a batch could be split by its images alone.
    Stream<Row> convolutions =
        new ConvFamily(false).rows().stream().filter(row -> row.name().contains(" n1 "));
    return Stream.concat(new GemmFamily().rows().stream(), convolutions)
        .map(row -> row.withTarget(TARGET))
        .toList();
  }
}
