package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Which device tests of group "cuda" accept. It needs none itself. */
class CudaTestDeviceTest {
  @Test
  void theDeviceMustBeTheOneThatWasAskedFor() {
    assertThat(CudaTestDevice.problem("cuda", "NVIDIA H100", null)).isNull();
    assertThat(CudaTestDevice.problem("emulated", "Emulated device 0", null)).isNull();
    assertThat(CudaTestDevice.problem(null, "Emulated device 0", null)).isNull();
    assertThat(CudaTestDevice.problem(null, "NVIDIA H100", null)).isNull();
    assertThat(CudaTestDevice.problem("cuda", "Emulated device 0", null))
        .contains("\"Emulated device 0\"", "-Dtalus.cuda.library");
    assertThat(CudaTestDevice.problem("emulated", "NVIDIA H100", null))
        .contains("\"NVIDIA H100\"", "-Dtalus.test.device=cuda");
  }

  @Test
  void noDeviceIsAnErrorWithTheReason() {
    for (String wanted : new String[] {"cuda", "emulated", null}) {
      assertThat(CudaTestDevice.problem(wanted, null, "no driver is installed"))
          .contains("talus.test.device=" + wanted, "no driver is installed");
    }
  }
}
