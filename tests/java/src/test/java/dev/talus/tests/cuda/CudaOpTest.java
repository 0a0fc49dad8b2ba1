package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.tests.ops.OpRow;
import dev.talus.tests.ops.OpRow.Sample;
import dev.talus.tests.ops.OpTable;
import dev.talus.tests.ops.Same;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every op and its gradients on a GPU, against the CPU; and operands on two devices. */
@CudaTest
class CudaOpTest {
  /** Rows whose second operand may be anywhere. */
  private static final Set<String> TAKES_OTHER_DEVICES = Set.of("copy_");

  static Stream<Sample> samples() {
    return OpTable.samples();
  }

  static Stream<Sample> ofSeveral() {
    return OpTable.rows().stream()
        .filter(row -> row.samples().get(0).length > 1)
        .filter(row -> !TAKES_OTHER_DEVICES.contains(row.name()))
        .map(row -> new Sample(row, row.samples().get(0)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void agreesWithTheCpu(Sample sample) {
    check(sample, DType.FLOAT64);
    check(sample, DType.FLOAT32);
  }

  private static void check(Sample sample, DType type) {
    try (Scope scope = Scope.open()) {
      List<Tensor> expected = results(sample, type, Device.CPU);
      List<Tensor> actual = results(sample, type, Device.cuda());
      assertThat(actual).hasSameSizeAs(expected);
      for (int i = 0; i < actual.size(); i++) {
        String what = type + (i == 0 ? " output" : " gradient " + i);
        assertThat(actual.get(i).device()).as("device of " + what).isEqualTo(Device.cuda());
        boolean single = expected.get(i).dtype() == DType.FLOAT32;
        double tolerance = single ? 2 * sample.row().tolerance() : 1e-11;
        Same.close(actual.get(i), expected.get(i), tolerance, what);
      }
    }
  }

  /** The output, then the gradients of the inputs. */
  private static List<Tensor> results(Sample sample, DType type, Device device) {
    Tensor[] inputs = sample.make(type, false);
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = inputs[i].to(device);
    }
    return results(sample, inputs);
  }

  /** The output of an op on these inputs, then the gradients of those that can have one. */
  static List<Tensor> results(Sample sample, Tensor[] inputs) {
    for (int i = 0; i < inputs.length; i++) {
      if (inputs[i].dtype().isFloating()
          && sample.args()[i].isDifferentiable()
          && sample.row().gradient() != OpRow.Gradient.NONE) {
        inputs[i].requiresGrad_(true);
      }
    }
    Tensor out = sample.row().apply(inputs);
    List<Tensor> results = new ArrayList<>(List.of(out));
    if (out.requiresGrad()) {
      Tensor seed = Tensor.arange(out.numel()).to(out.dtype()).mul(0.37).sin();
      out.backward(seed.reshape(out.shape().toArray()).to(out.device()));
      for (Tensor input : inputs) {
        if (input.grad() != null) {
          results.add(input.grad());
        }
      }
    }
    return results;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ofSeveral")
  void operandsOnTwoDevicesAreRefused(Sample sample) {
    for (int moved = 0; moved < sample.args().length; moved++) {
      try (Scope scope = Scope.open()) {
        Tensor[] inputs = sample.make(DType.FLOAT32, false);
        if (inputs[moved].dim() == 0) {
          continue; // a number
        }
        inputs[moved] = inputs[moved].to(Device.cuda());
        assertThatThrownBy(() -> sample.row().apply(inputs))
            .as("input " + moved)
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith(
                "Expected all tensors to be on the same device, but found at least two devices, ")
            .hasMessageContaining("cuda:0")
            .hasMessageContaining("cpu");
      }
    }
  }
}
