package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.talus.ConvAlgorithms;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The choice of a convolution's algorithm: asked for, and overridden. */
class ConvAlgorithmsTest {
  private static final int[] ONE = {1};

  @AfterEach
  void leaveItToTheRule() {
    Talus.forceConvAlgorithms("auto");
  }

  private static ConvAlgorithms of(int stride, int dilation) {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.zeros(2, 6, 15, 15);
      Tensor w = Tensor.zeros(16, 6, 3, 3);
      return Talus.convAlgorithms(x, w, new int[] {stride}, ONE, new int[] {dilation}, 1);
    }
  }

  @Test
  void overriddenForAllPassesOrByPass() {
    Talus.forceConvAlgorithms("gemm");
    assertThat(of(1, 1)).hasToString("forward=gemm,input=gemm,weight=gemm");
    Talus.forceConvAlgorithms("forward=direct, weight=direct");
    assertThat(of(1, 1)).isEqualTo(new ConvAlgorithms("direct", "gemm", "direct"));
  }

  @Test
  void whatAnAlgorithmCannotDoIsLeftToTheRule() {
    Talus.forceConvAlgorithms("direct");
    assertThat(of(1, 1).input()).isEqualTo("direct");
    assertThat(of(2, 2)).isEqualTo(new ConvAlgorithms("direct", "gemm", "direct"));
  }

  @Test
  void unknownNamesAreListed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Talus.forceConvAlgorithms("fft"))
        .withMessageContaining("'fft', expected one of auto, direct, gemm");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Talus.forceConvAlgorithms("backward=gemm"))
        .withMessageContaining("'backward'");
  }
}
