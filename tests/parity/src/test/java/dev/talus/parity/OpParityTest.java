package dev.talus.parity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.tests.ops.Arg;
import dev.talus.tests.ops.Layout;
import dev.talus.tests.ops.OpRow;
import dev.talus.tests.ops.OpRow.Sample;
import dev.talus.tests.ops.OpTable;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every op gives libtorch's values, types, shapes and gradients. */
class OpParityTest {
  private static final double DOUBLE = 1e-13;
  private static final double FLOAT = 1e-6;

  /** Whether libtorch has no gradient there; then Talus may have none or a better one. */
  private static boolean refusesBackward(Sample sample) {
    // The derivative of floor_divide is not implemented; that of scatter_add needs an index of
    // the source's shape.
    return sample.row().name().equals("floor_divide")
        || sample.toString().equals("scatter_add[real[2, 3], index[1, 3], real[2, 3]]");
  }

  static Stream<Sample> samples() {
    return OpTable.samples();
  }

  static Stream<Sample> anyLayout() {
    return OpTable.samples().filter(s -> s.row().anyLayout());
  }

  static Stream<Sample> large() {
    return OpTable.rows().stream().map(row -> new Sample(row, row.large()));
  }

  @Test
  void everyFunctionListedIsUsed() {
    assertThat(OpTable.rows().stream().map(TorchOps::nameFor).collect(Collectors.toSet()))
        .isEqualTo(TorchOps.names());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void float64(Sample sample) {
    compare(sample, DType.FLOAT64, x -> x, DOUBLE);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void float32(Sample sample) {
    compare(sample, DType.FLOAT32, x -> x, FLOAT);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("large")
  void largeFloat32(Sample sample) {
    // libtorch's own sums of thousands of products are this far from the exact ones.
    compare(sample, DType.FLOAT32, x -> x, 4 * FLOAT);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("anyLayout")
  void layouts(Sample sample) {
    for (Layout layout : Layout.values()) {
      // libtorch's mean of equal values is off by a bit, which 1 / sqrt(eps) multiplies by 300.
      boolean equals = layout == Layout.BROADCAST && sample.row().name().contains("_norm");
      double near = equals ? 32 * FLOAT : FLOAT;
      compare(sample, DType.FLOAT64, layout::of, DOUBLE);
      compare(sample, DType.FLOAT32, layout::of, near);
    }
  }

  private static void compare(
      Sample sample, DType type, UnaryOperator<Tensor> layout, double tolerance) {
    OpRow row = sample.row();
    Arg[] args = sample.args();
    try (Scope scope = Scope.open();
        PointerScope pointers = new PointerScope()) {
      Tensor[] inputs = new Tensor[args.length];
      org.bytedeco.pytorch.Tensor[] copies = new org.bytedeco.pytorch.Tensor[args.length];
      for (int i = 0; i < args.length; i++) {
        inputs[i] = layout.apply(args[i].make(type, i));
        copies[i] = Torch.copy(inputs[i]);
        inputs[i].requiresGrad_(args[i].isDifferentiable());
        copies[i].set_requires_grad(args[i].isDifferentiable());
      }
      Tensor actual = row.apply(inputs);
      org.bytedeco.pytorch.Tensor expected = TorchOps.of(row).apply(copies);
      // Integers become float32, whatever type the others have.
      double near = actual.dtype() == DType.FLOAT32 ? Math.max(FLOAT, tolerance) : tolerance;
      Agreement.check(actual, expected, near, "output");
      if (refusesBackward(sample)) {
        assertThatThrownBy(() -> Torch.backward(expected, expected.detach()))
            .as("a gradient that libtorch lacks")
            .isInstanceOf(RuntimeException.class);
        return;
      }
      assertThat(actual.requiresGrad()).as("requires grad").isEqualTo(expected.requires_grad());
      if (expected.requires_grad()) {
        Tensor gradient = Arg.real(actual.shape().toArray()).make(actual.dtype(), args.length);
        Torch.backward(expected, Torch.copy(gradient));
        Autograd.backward(actual, gradient, false, false);
        for (int i = 0; i < args.length; i++) {
          Agreement.check(inputs[i].grad(), copies[i].grad(), tolerance, "gradient " + i);
        }
      }
    }
  }
}
