package dev.talus.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.talus.DType;
import dev.talus.Generator;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Random numbers after manualSeed(0), as PyTorch 2.13.0 printed them. */
class GeneratorTest {
  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
    Talus.manualSeed(0);
  }

  @AfterEach
  void close() {
    scope.close();
  }

  @Test
  void oneStreamForAllKinds() {
    assertThat(Tensor.rand(3).toFloatArray())
        .containsExactly(0.49625659f, 0.768221796f, 0.0884774327f);
    near(Tensor.randn(3), 0.364338189, 0.13439633, 0.16421625);
    assertThat(Tensor.randint(0, 100, 5).toLongArray()).containsExactly(66, 56, 99, 78, 76);
    assertThat(Tensor.randperm(6).toLongArray()).containsExactly(0, 4, 1, 3, 2, 5);
    assertThat(Tensor.empty(6).bernoulli_(0.4).toFloatArray()).containsExactly(1, 0, 0, 1, 0, 0);
    near(Tensor.empty(2).uniform_(-2, 5), -0.111165047, -0.94524163);
    near(Tensor.empty(3).normal_(10, 2), 10.6115217, 9.9492979, 12.1478004);
  }

  @Test
  void doubles() {
    assertThat(Tensor.rand(DType.FLOAT64, 2).toDoubleArray())
        .containsExactly(0.97005300180655307, 0.70781986439978795);
    near(Tensor.randn(DType.FLOAT64, 2), -2.1787893820745574, 0.56843127728066778);
  }

  private static void near(Tensor actual, double... expected) {
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual.toDoubleArray()[i])
          .isCloseTo(expected[i], within(2e-6 * Math.abs(expected[i])));
    }
  }

  @Test
  void aGeneratorOfOnesOwn() {
    Generator own = new Generator();
    assertThat(own.initialSeed()).isEqualTo(67280421310721L);
    assertThat(Tensor.rand(own, 1).toFloatArray()).containsExactly(0.267295241f);
    Generator seeded = new Generator().manualSeed(0);
    assertThat(seeded.initialSeed()).isZero();
    assertThat(Tensor.rand(seeded, 1).toFloatArray()).containsExactly(0.49625659f);
    assertThat(Tensor.rand(1).toFloatArray()).as("the default one").containsExactly(0.49625659f);
  }

  @Test
  void aCopyGoesItsOwnWay() {
    Generator first = new Generator().manualSeed(3);
    Tensor.randn(first, 5);
    Generator copy = first.copy();
    assertThat(Tensor.randn(copy, 20).toFloatArray())
        .isEqualTo(Tensor.randn(first, 20).toFloatArray());
    Tensor.rand(copy, 1);
    assertThat(Tensor.rand(copy, 1).toFloatArray())
        .isNotEqualTo(Tensor.rand(first, 1).toFloatArray());
  }

  @Test
  void stridedTensorsAreFilledInTheOrderOfMemory() {
    Tensor strided = Tensor.zeros(2, 3).t();
    strided.uniform_(0, 1);
    float[] values = strided.t().toFloatArray();
    Talus.manualSeed(0);
    assertThat(values).isEqualTo(Tensor.rand(6).toFloatArray());
  }

  @Test
  void badArgumentsAreRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> Tensor.randint(3, 3, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tensor.rand(DType.INT64, 1))
        .withMessageContaining("floating point type");
    assertThatIllegalArgumentException().isThrownBy(() -> Tensor.empty(1).bernoulli_(1.5));
    assertThatIllegalArgumentException().isThrownBy(() -> Tensor.empty(1).uniform_(2, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> Tensor.empty(1).normal_(0, -1));
  }
}
