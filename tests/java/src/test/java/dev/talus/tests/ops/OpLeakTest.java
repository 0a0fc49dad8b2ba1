package dev.talus.tests.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.memory.LeakDetector;
import dev.talus.tests.ops.OpRow.Failure;
import dev.talus.tests.ops.OpRow.Gradient;
import dev.talus.tests.ops.OpRow.Sample;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every op gives back every block: forward, backward, second derivatives, and when it fails. */
class OpLeakTest {
  static Stream<Sample> samples() {
    return OpTable.samples();
  }

  static Stream<Arguments> failures() {
    return OpErrorTest.failures();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void nothingIsLeft(Sample sample) {
    long before = Talus.memory().liveBlocks();
    long late = LeakDetector.lateFrees();
    try (Scope scope = Scope.open()) {
      Tensor[] inputs = sample.make(DType.FLOAT32, true);
      Tensor out = sample.row().apply(inputs);
      if (out.requiresGrad()) {
        out.backward(Tensor.onesLike(out));
      }
      if (sample.row().gradient() == Gradient.SECOND) {
        Tensor again = sample.row().apply(inputs);
        Autograd.backward(again, Tensor.onesLike(again), true, true);
      }
    }
    assertThat(Talus.memory().liveBlocks()).as("live blocks").isEqualTo(before);
    assertThat(LeakDetector.lateFrees()).as("late frees").isEqualTo(late);
  }

  /** Of what an op allocates, only its output and what it saved remain: temporaries are gone. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void outsideAnyGraphOnlyTheOutputRemains(Sample sample) {
    try (Scope scope = Scope.open()) {
      Tensor[] inputs = sample.make(DType.FLOAT32, false);
      long before = Talus.memory().liveBlocks();
      try (Scope inner = Scope.open()) {
        inner.escape(sample.row().apply(inputs));
      }
      assertThat(Talus.memory().liveBlocks() - before).isBetween(0L, 1L);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("failures")
  void nothingIsLeftByFailures(String name, Failure failure) {
    long before = Talus.memory().liveBlocks();
    try (Scope scope = Scope.open()) {
      Tensor[] inputs = OpErrorTest.inputs(failure);
      long made = Talus.memory().liveBlocks();
      assertThat(catchThrowable(() -> failure.op().apply(inputs))).isNotNull();
      assertThat(made).isGreaterThanOrEqualTo(before);
    }
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
  }
}
