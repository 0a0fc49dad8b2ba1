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
  }

  /** Every time, and as far as it concerns. */
  @Test
  void aWrongPropertyOfMemoryIsAnError() throws Exception {
    String wrong = "java.lang.IllegalArgumentException: ";
    assertThat(Probe.ask("rejected", "-Dtalus.cuda.memory.limit=plenty").lines())
        .hasSize(5)
        .startsWith("on the CPU", "a stream")
        .filteredOn(
            line -> line.startsWith(wrong + "-Dtalus.cuda.memory.limit=plenty is not a size"))
        .hasSize(3);
    assertThat(Probe.ask("rejected", "-Dtalus.memory.leak=some").lines())
        .hasSize(5)
        .allMatch(line -> line.startsWith(wrong + "-Dtalus.memory.leak=some is unknown"));
  }
}
