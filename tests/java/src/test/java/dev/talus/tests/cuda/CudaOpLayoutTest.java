package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.tests.ops.Arg;
import dev.talus.tests.ops.Layout;
import dev.talus.tests.ops.OpRow.Sample;
import dev.talus.tests.ops.OpTable;
import dev.talus.tests.ops.Same;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every op on a GPU with inputs that lie in memory in any way, and with integers. */
@CudaTest
class CudaOpLayoutTest {
  private static final List<DType> INTEGERS =
      List.of(DType.INT64, DType.INT32, DType.UINT8, DType.BOOL);

  static Stream<Sample> anyLayout() {
    return OpTable.samples().filter(sample -> sample.row().anyLayout());
  }

  static Stream<Sample> samples() {
    return OpTable.samples();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("anyLayout")
  void layoutsAgreeWithTheCpu(Sample sample) {
    for (Layout layout : Layout.values()) {
      try (Scope scope = Scope.open()) {
        Tensor[] there = sample.make(DType.FLOAT32, false);
        Tensor[] here = there.clone();
        for (int i = 0; i < here.length; i++) {
          here[i] = layout.of(here[i]);
          there[i] = layout.of(there[i].to(Device.cuda()));
          assertThat(there[i].strides()).isEqualTo(here[i].strides());
        }
        List<Tensor> expected = CudaOpTest.results(sample, here);
        same(CudaOpTest.results(sample, there), expected, sample, layout.name());
      }
    }
  }

  /** A GPU computes what the CPU does, and refuses what it refuses in the same words. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void integersAgreeWithTheCpu(Sample sample) {
    for (DType type : INTEGERS) {
      try (Scope scope = Scope.open()) {
        Tensor[] here = integers(sample, type);
        Tensor[] there = here.clone();
        for (int i = 0; i < there.length; i++) {
          there[i] = here[i].to(Device.cuda());
        }
        List<Tensor> expected;
        try {
          expected = CudaOpTest.results(sample, here);
        } catch (RuntimeException e) {
          refuses(sample, there, e, type);
          continue;
        }
        same(CudaOpTest.results(sample, there), expected, sample, type.toString());
      }
    }
  }

  /** The sample's inputs but for indices and truth values, as whole numbers in [-6, 6]. */
  private static Tensor[] integers(Sample sample, DType type) {
    Tensor[] inputs = sample.make(DType.FLOAT64, false);
    for (int i = 0; i < inputs.length; i++) {
      if (inputs[i].dtype().isFloating()) {
        inputs[i] = inputs[i].mul(3).to(DType.INT64);
      } else if (sample.args()[i].kind() != Arg.Kind.INTEGER) {
        continue;
      }
      inputs[i] = inputs[i].to(type);
    }
    return inputs;
  }

  private static void refuses(Sample sample, Tensor[] there, RuntimeException cpu, DType type) {
    RuntimeException gpu = null;
    try {
      CudaOpTest.results(sample, there).forEach(Tensor::toDoubleArray);
    } catch (RuntimeException e) {
      gpu = e;
    }
    assertThat(gpu).as("%s, which the CPU refuses: %s", type, cpu).isInstanceOf(cpu.getClass());
    assertThat(gpu).as(type.toString()).hasMessage(cpu.getMessage());
  }

  private static void same(
      List<Tensor> actual, List<Tensor> expected, Sample sample, String which) {
    assertThat(actual).as(which).hasSameSizeAs(expected);
    for (int i = 0; i < actual.size(); i++) {
      String what = which + (i == 0 ? " output" : " gradient " + i);
      DType type = expected.get(i).dtype();
      assertThat(actual.get(i).device()).as("device of " + what).isEqualTo(Device.cuda());
      assertThat(actual.get(i).dtype()).as("type of " + what).isEqualTo(type);
      double tolerance = type.isFloating() ? 2 * sample.row().tolerance() : 0;
      Same.close(actual.get(i), expected.get(i), tolerance, what);
    }
  }
}
