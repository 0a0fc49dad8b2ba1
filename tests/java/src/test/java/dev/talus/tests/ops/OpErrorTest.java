package dev.talus.tests.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.tests.ops.OpRow.Failure;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Wrong calls are refused with the exception and the words the table says. */
class OpErrorTest {
  static Stream<Arguments> failures() {
    return OpTable.rows().stream()
        .flatMap(
            row ->
                row.failures().stream()
                    .map(f -> Arguments.of(row.name() + Arrays.toString(f.args()), f)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("failures")
  void refused(String name, Failure failure) {
    try (Scope scope = Scope.open()) {
      Throwable thrown = catchThrowable(() -> failure.op().apply(inputs(failure)));
      assertThat(thrown)
          .as(name)
          .isInstanceOf(failure.type())
          .hasMessageContaining(failure.message());
    }
  }

  static Tensor[] inputs(Failure failure) {
    Tensor[] inputs = new Tensor[failure.args().length];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = failure.args()[i].make(DType.FLOAT32, i);
    }
    return inputs;
  }
}
