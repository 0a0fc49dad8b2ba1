package dev.talus.bench;

import dev.talus.nn.F;
import java.util.List;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/** Float64: few train in it, but it is not to be left behind. */
final class DoubleFamily implements Family {
  private static final double TARGET = 1.0;

  @Override
  public String name() {
    return "double";
  }

  @Override
  public String title() {
    return "float64: a matrix product, and a layer of ResNet-18";
  }

  @Override
  public List<Row> rows() {
    return List.of(product(512), convolution(false), convolution(true));
  }

  private static Row product(int n) {
    Input matrix = Input.of(n, n).doubles();
    return new Row(
            "matmul " + n,
            2.0 * n * n * n,
            0,
            TARGET,
            () ->
                new OpWork(
                    List.of(matrix, matrix),
                    t -> t[0].matmul(t[1]),
                    t -> torch.matmul(t[0], t[1]),
                    false))
        .withDoubles();
  }

  private static Row convolution(boolean backward) {
    int channels = 64;
    int size = 56;
    double flops = 2.0 * channels * channels * 9 * size * size;
    int[] one = {1, 1};
    long[] ones = {1, 1};
    Input x = Input.of(1, channels, size, size).doubles();
    Input weight = Input.of(channels, channels, 3, 3).doubles();
    return new Row(
            "conv n1 64>64 56x56 k3 s1 " + (backward ? "fwd+bwd" : "fwd"),
            backward ? 3 * flops : flops,
            0,
            TARGET,
            () -> {
              TensorOptional none = new TensorOptional();
              return new OpWork(
                  List.of(x, weight),
                  t -> F.conv2d(t[0], t[1], null, one, one, one, 1),
                  t -> torch.conv2d(t[0], t[1], none, ones, ones, ones, 1),
                  backward);
            })
        .withDoubles();
  }
}
