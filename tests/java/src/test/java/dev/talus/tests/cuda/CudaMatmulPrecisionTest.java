package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What products of float32 matrices may lose on a GPU. */
@CudaTest
class CudaMatmulPrecisionTest {
  @AfterEach
  void putBack() {
    Talus.setFloat32MatmulPrecision("highest");
  }

  private static float product(Device device) {
    try (Scope scope = Scope.open()) {
      Tensor a = Tensor.full(DType.FLOAT32, device, Tf32.HALFWAY, 4, 3);
      Tensor b = Tensor.eye(3, 3, device);
      return a.matmul(b).cpu().toFloatArray()[7];
    }
  }

  @Test
  void highRoundsOperandsToTf32AndHighestDoesNot() {
    assertThat(Talus.float32MatmulPrecision()).isEqualTo("highest");
    assertThat(product(Device.cuda())).isEqualTo(Tf32.HALFWAY);
    Talus.setFloat32MatmulPrecision("high");
    assertThat(Talus.float32MatmulPrecision()).isEqualTo("high");
    assertThat(product(Device.cuda())).isEqualTo(Tf32.halfwayRounded());
    assertThat(product(Device.CPU)).isEqualTo(Tf32.HALFWAY);
    Talus.setFloat32MatmulPrecision("highest");
    assertThat(product(Device.cuda())).isEqualTo(Tf32.HALFWAY);
  }

  /** All bits of a product of arbitrary numbers: GPUs without TF32 compute what they always do. */
  @Test
  void onlyGpusWithTf32ComputeSomethingElse() {
    try (Scope scope = Scope.open()) {
      Tensor a = Tensor.arange(600).to(DType.FLOAT32).div(7).view(20, 30).to(Device.cuda());
      Tensor b = a.t().contiguous();
      float[] highest = a.matmul(b).toFloatArray();
      Talus.setFloat32MatmulPrecision("high");
      assertThat(Arrays.equals(a.matmul(b).toFloatArray(), highest)).isEqualTo(!Tf32.isThere());
    }
  }

  @Test
  void gradientsAreRoundedToo() {
    Talus.setFloat32MatmulPrecision("high");
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.full(DType.FLOAT32, Device.cuda(), Tf32.HALFWAY, 4, 3).requiresGrad_(true);
      Tensor w = Tensor.full(DType.FLOAT32, Device.cuda(), Tf32.HALFWAY, 3, 5).requiresGrad_(true);
      x.matmul(w).sum().backward();
      assertThat(x.grad().cpu().toFloatArray()[0])
          .isCloseTo(5 * Tf32.halfwayRounded(), within(1e-5f));
      assertThat(w.grad().cpu().toFloatArray()[0])
          .isCloseTo(4 * Tf32.halfwayRounded(), within(1e-5f));
    }
  }

  @Test
  void otherWordsAreRefused() {
    for (String word : new String[] {"medium", "HIGH", "", null}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Talus.setFloat32MatmulPrecision(word))
          .withMessageContaining("expected \"highest\" or \"high\", got ");
    }
    assertThat(Talus.float32MatmulPrecision()).isEqualTo("highest");
  }
}
