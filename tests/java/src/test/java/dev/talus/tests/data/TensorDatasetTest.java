package dev.talus.tests.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.data.Batch;
import dev.talus.data.DataLoader;
import dev.talus.data.Sample;
import dev.talus.data.TensorDataset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Examples cut out of two tensors. */
class TensorDatasetTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static TensorDataset squares() {
    return new TensorDataset(
        Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2), Tensor.of(new long[] {10, 20, 30}));
  }

  @Test
  void examplesAndBatches() {
    TensorDataset data = squares();
    assertThat(data.size()).isEqualTo(3);
    Sample one = data.get(1);
    assertThat(one.x().toFloatArray()).containsExactly(3, 4);
    assertThat(one.y().itemLong()).isEqualTo(20);
    Batch batch = data.batch(2, 0, 2);
    assertThat(batch.x().shape()).hasToString("[3, 2]");
    assertThat(batch.x().toFloatArray()).containsExactly(5, 6, 1, 2, 5, 6);
    assertThat(batch.y().toLongArray()).containsExactly(30, 10, 30);
  }

  @Test
  void examplesAreCopies() {
    TensorDataset data = squares();
    data.get(0).x().zero_();
    data.batch(0).x().zero_();
    assertThat(data.get(0).x().toFloatArray()).containsExactly(1, 2);
  }

  @Test
  void workersReadItAtTheSameTime() {
    TensorDataset data = new TensorDataset(Tensor.randn(101, 3), Tensor.arange(101).mul(2L));
    long before = Talus.memory().liveBlocks();
    long sum = 0;
    for (Batch batch : new DataLoader(data, 7).shuffle(true).workers(3)) {
      try (batch) {
        for (long y : batch.y().toLongArray()) {
          sum += y;
        }
      }
    }
    assertThat(sum).isEqualTo(100 * 101);
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
  }

  @Test
  void sizesMustAgree() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new TensorDataset(Tensor.ones(2, 3), Tensor.ones(3)))
        .withMessageContaining("Size mismatch between tensors: inputs [2, 3] and targets [3]");
    assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> squares().get(3));
    assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> squares().batch(3));
  }
}
