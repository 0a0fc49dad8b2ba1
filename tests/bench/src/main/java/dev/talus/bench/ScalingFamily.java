package dev.talus.bench;

import java.util.List;
import java.util.stream.Stream;

/** Talus with all threads against Talus with one, on the convolutions and matrix products. */
final class ScalingFamily implements Family {
  @Override
  public String name() {
    return "scaling";
  }

  @Override
  public String title() {
    return "Talus with several threads against Talus with one";
  }

  @Override
  public double target() {
    return 1.8;
  }

  @Override
  public boolean isScaling() {
    return true;
  }

  @Override
  public List<Row> rows() {
    return Stream.concat(new GemmFamily().rows().stream(), new ConvFamily(false).rows().stream())
        .toList();
  }
}
