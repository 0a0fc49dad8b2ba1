package dev.talus.tests.ops;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.tests.ops.OpRow.Gradient;
import dev.talus.tests.ops.OpRow.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Results and gradients depend neither on how inputs lie in memory nor, much, on their type. */
class OpLayoutTest {
  static Stream<Sample> samples() {
    return OpTable.samples();
  }

  static Stream<Sample> anyLayout() {
    return OpTable.samples().filter(s -> s.row().anyLayout());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("anyLayout")
  void layoutsAgree(Sample sample) {
    for (Layout layout : Layout.values()) {
      try (Scope scope = Scope.open()) {
        Tensor[] laid = sample.make(DType.FLOAT64, false);
        Tensor[] plain = laid.clone();
        for (int i = 0; i < laid.length; i++) {
          laid[i] = layout.of(laid[i]);
          plain[i] = laid[i].clone();
        }
        wantGrad(sample, laid);
        wantGrad(sample, plain);
        compare(results(sample.row(), laid), results(sample.row(), plain), 1e-12, layout.name());
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void floatAgreesWithDouble(Sample sample) {
    try (Scope scope = Scope.open()) {
      List<Tensor> single = results(sample.row(), sample.make(DType.FLOAT32, true));
      List<Tensor> twice = results(sample.row(), sample.make(DType.FLOAT64, true));
      compare(single, twice, sample.row().tolerance(), "float32");
      if (sample.row().gradient() != Gradient.NONE && !sample.row().name().equals("to")) {
        assertThat(single.get(0).dtype()).isEqualTo(DType.FLOAT32);
        assertThat(twice.get(0).dtype()).isEqualTo(DType.FLOAT64);
      }
    }
  }

  private static void wantGrad(Sample sample, Tensor[] inputs) {
    for (int i = 0; i < inputs.length; i++) {
      if (sample.args()[i].isDifferentiable() && sample.row().gradient() != Gradient.NONE) {
        inputs[i].requiresGrad_(true);
      }
    }
  }

  /** The output, then the gradients of the inputs. */
  private static List<Tensor> results(OpRow row, Tensor[] inputs) {
    Tensor out = row.apply(inputs);
    List<Tensor> results = new ArrayList<>(List.of(out));
    if (out.requiresGrad()) {
      Tensor seed = Tensor.onesLike(out).mul(0.5);
      Autograd.backward(out, seed, false, false);
      Arrays.stream(inputs).filter(x -> x.grad() != null).forEach(x -> results.add(x.grad()));
    }
    return results;
  }

  private static void compare(
      List<Tensor> actual, List<Tensor> expected, double tolerance, String what) {
    assertThat(actual).as(what).hasSameSizeAs(expected);
    for (int i = 0; i < actual.size(); i++) {
      String which = what + (i == 0 ? " output" : " gradient " + i);
      Same.close(actual.get(i), expected.get(i), tolerance, which);
    }
  }
}
