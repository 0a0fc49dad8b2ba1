package dev.talus.tests.ops;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.tests.ops.OpRow.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Results and gradients have the same bits for any number of threads. */
class OpThreadsTest {
  private final int before = Talus.numThreads();

  static Stream<Sample> large() {
    return OpTable.rows().stream().map(row -> new Sample(row, row.large()));
  }

  @AfterEach
  void restore() {
    Talus.setNumThreads(before);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("large")
  void sameBits(Sample sample) {
    try (Scope scope = Scope.open()) {
      List<Tensor> one = results(sample, 1);
      for (int threads = 2; threads <= 4; threads++) {
        List<Tensor> several = results(sample, threads);
        for (int i = 0; i < one.size(); i++) {
          Same.bits(several.get(i), one.get(i), threads + " threads, result " + i);
        }
      }
    }
  }

  private static List<Tensor> results(Sample sample, int threads) {
    Talus.setNumThreads(threads);
    Tensor[] inputs = sample.make(DType.FLOAT32, true);
    Tensor out = sample.row().apply(inputs);
    List<Tensor> results = new ArrayList<>(List.of(out));
    if (out.requiresGrad()) {
      out.backward(Tensor.fullLike(out, 0.75));
      for (Tensor input : inputs) {
        if (input.grad() != null) {
          results.add(input.grad());
        }
      }
    }
    return results;
  }
}
