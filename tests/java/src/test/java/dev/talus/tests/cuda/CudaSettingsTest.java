package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.talus.Device;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Settings that are there before a program starts. */
@CudaTest
class CudaSettingsTest {
  private static final String CUBLAS = "-Dtalus.gemm=cublas";

  @Test
  void thePropertyChoosesWhoMultiplies() throws Exception {
    assertThat(Probe.ask("product")).contains("without a workspace", "by native");
    assertThat(Probe.ask("product", "-Dtalus.gemm=native"))
        .contains("without a workspace", "by native");
    assertThat(Probe.ask("product", "-Dtalus.gemm=openblas"))
        .contains("IllegalArgumentException", "'openblas', expected native or cublas")
        .doesNotContain("workspace");
    assertThat(Probe.ask("product", CUBLAS, "-Dtalus.cublas=/no/such/libcublas.so"))
        .contains("UnsupportedOperationException", "from -Dtalus.cublas=/no/such/libcublas.so: ")
        .doesNotContain("workspace");
  }

  @Test
  void thePropertyChoosesCublas() throws Exception {
    assumeTrue(
        CudaTestDevice.isEmulated(Device.cuda().hardwareName()),
        "GemmProviderTest chooses a GPU's cuBLAS");
    Path library = Path.of(System.getProperty("java.library.path"), "libtalus.so");
    assertThat(Probe.ask("product", CUBLAS, "-Dtalus.cublas=" + library))
        .contains("with a workspace", "by cublas");
  }

  @Test
  void thePropertyLimitsEachDevicesMemory() throws Exception {
    String limited = Probe.ask("limit", "-Dtalus.cuda.memory.limit=3m");
    for (int i = 0; i < Device.cudaCount(); i++) {
      assertThat(limited).contains("cuda:" + i + " " + (3 << 20) + System.lineSeparator());
    }
    assertThat(limited).contains("OutOfMemoryException", "-Dtalus.cuda.memory.limit=...");
    assertThat(Probe.ask("limit"))
        .contains("cuda:0 " + Long.MAX_VALUE)
        .doesNotContain("OutOfMemoryException");
    assertThat(Probe.ask("limit", "-Dtalus.cuda.memory.limit=plenty"))
        .contains("talus.cuda.memory.limit=plenty is not a size");
  }
}
