package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.nn.F;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What convolutions of float32 tensors may lose on a GPU. */
@CudaTest
class CudaConvPrecisionTest {
  @AfterEach
  void putBack() {
    Talus.setConvFp32Precision("ieee");
    Talus.setFloat32MatmulPrecision("highest");
  }

  private static Tensor halfways(Device device, long... shape) {
    return Tensor.full(DType.FLOAT32, device, Tf32.HALFWAY, shape);
  }

  /** Of the middle tap alone, so that nothing is summed up. */
  private static float convolution(Device device, int kernel) {
    try (Scope scope = Scope.open()) {
      Tensor x = halfways(device, 2, 16, 6, 6);
      Tensor w = Tensor.zeros(DType.FLOAT32, device, 16, 16, kernel, kernel);
      w.narrow(1, 3, 1).narrow(2, kernel / 2, 1).narrow(3, kernel / 2, 1).fill_(1);
      return F.conv2d(x, w, null).cpu().toFloatArray()[7];
    }
  }

  @Test
  void tf32RoundsOperandsAndIeeeDoesNot() {
    assertThat(Talus.convFp32Precision()).isEqualTo("ieee");
    for (int kernel : new int[] {1, 3}) {
      assertThat(convolution(Device.cuda(), kernel)).isEqualTo(Tf32.HALFWAY);
      Talus.setConvFp32Precision("tf32");
      assertThat(Talus.convFp32Precision()).isEqualTo("tf32");
      assertThat(convolution(Device.cuda(), kernel)).isEqualTo(Tf32.halfwayRounded());
      assertThat(convolution(Device.CPU, kernel)).isEqualTo(Tf32.HALFWAY);
      Talus.setConvFp32Precision("ieee");
      assertThat(convolution(Device.cuda(), kernel)).isEqualTo(Tf32.HALFWAY);
    }
  }

  @Test
  void matricesHaveASettingOfTheirOwn() {
    Talus.setFloat32MatmulPrecision("high");
    assertThat(Talus.convFp32Precision()).isEqualTo("ieee");
    assertThat(convolution(Device.cuda(), 1)).isEqualTo(Tf32.HALFWAY);
    assertThat(convolution(Device.cuda(), 3)).isEqualTo(Tf32.HALFWAY);
    Talus.setFloat32MatmulPrecision("highest");
    Talus.setConvFp32Precision("tf32");
    try (Scope scope = Scope.open()) {
      Tensor a = halfways(Device.cuda(), 16, 16);
      assertThat(a.matmul(Tensor.eye(16, 16, Device.cuda())).cpu().toFloatArray()[3])
          .isEqualTo(Tf32.HALFWAY);
    }
  }

  /** All bits of a convolution of arbitrary numbers, as for products of matrices. */
  @Test
  void onlyGpusWithTf32ComputeSomethingElse() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.arange(1152).to(DType.FLOAT32).div(7).view(2, 16, 6, 6).to(Device.cuda());
      Tensor w = Tensor.arange(2304).to(DType.FLOAT32).div(7).view(16, 16, 3, 3).to(Device.cuda());
      float[] ieee = F.conv2d(x, w, null).toFloatArray();
      Talus.setConvFp32Precision("tf32");
      assertThat(Arrays.equals(F.conv2d(x, w, null).toFloatArray(), ieee))
          .isEqualTo(!Tf32.isThere());
    }
  }

  @Test
  void gradientsAreRoundedToo() {
    Talus.setConvFp32Precision("tf32");
    try (Scope scope = Scope.open()) {
      Tensor x = halfways(Device.cuda(), 2, 16, 6, 6).requiresGrad_(true);
      Tensor w = halfways(Device.cuda(), 16, 16, 3, 3).requiresGrad_(true);
      F.conv2d(x, w, null).sum().backward();
      // A corner is seen by one tap of each output channel, a tap by 16 positions of both images.
      assertThat(x.grad().cpu().toFloatArray()[0])
          .isCloseTo(16 * Tf32.halfwayRounded(), within(1e-4f));
      assertThat(w.grad().cpu().toFloatArray()[0])
          .isCloseTo(32 * Tf32.halfwayRounded(), within(1e-4f));
    }
  }

  @Test
  void otherWordsAreRefused() {
    for (String word : new String[] {"high", "TF32", "none", "", null}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Talus.setConvFp32Precision(word))
          .withMessageContaining("expected \"ieee\" or \"tf32\", got ");
    }
    assertThat(Talus.convFp32Precision()).isEqualTo("ieee");
  }
}
