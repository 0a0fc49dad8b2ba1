package dev.talus.parity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.tests.ops.Arg;
import dev.talus.tests.ops.OpRow;
import dev.talus.tests.ops.OpRow.Failure;
import dev.talus.tests.ops.OpTable;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What Talus refuses, libtorch refuses too, but for what is listed. */
class ErrorParityTest {
  /** A call of the table that must be refused. */
  record Refused(OpRow row, Failure failure) {
    /** The name under which {@link TorchErrors} lists it, if it is not a call of the op itself. */
    String variant() {
      return row.name() + ": " + failure.message();
    }

    boolean isVariant() {
      return failure.op() != row.function();
    }

    Function<Tensor[], Tensor> torch() {
      return isVariant() ? TorchErrors.variant(row, variant()) : TorchOps.of(row);
    }

    @Override
    public String toString() {
      return variant() + Stream.of(failure.args()).map(Arg::toString).toList();
    }
  }

  static Stream<Refused> refused() {
    return OpTable.rows().stream()
        .flatMap(row -> row.failures().stream().map(failure -> new Refused(row, failure)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refused")
  void libtorchRefusesToo(Refused call) {
    try (Scope scope = Scope.open();
        PointerScope pointers = new PointerScope()) {
      Arg[] args = call.failure().args();
      Tensor[] inputs = new Tensor[args.length];
      for (int i = 0; i < args.length; i++) {
        inputs[i] = Torch.copy(args[i].make(DType.FLOAT32, i));
      }
      Throwable thrown = catchThrowable(() -> call.torch().apply(inputs));
      if (TorchErrors.ACCEPTED.containsKey(call.toString())) {
        assertThat(thrown).as("thrown by libtorch, though listed as accepted").isNull();
      } else {
        assertThat(thrown).as("thrown by libtorch").isInstanceOf(RuntimeException.class);
      }
    }
  }

  @Test
  void everyExceptionListedIsUsed() {
    Set<String> calls = refused().map(Refused::toString).collect(Collectors.toSet());
    assertThat(calls).containsAll(TorchErrors.ACCEPTED.keySet());
    assertThat(refused().filter(Refused::isVariant).map(Refused::variant).toList())
        .containsAll(TorchErrors.variants());
  }
}
