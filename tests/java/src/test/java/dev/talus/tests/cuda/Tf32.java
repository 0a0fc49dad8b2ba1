package dev.talus.tests.cuda;

import dev.talus.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * Whether the GPU that tests use can round to TF32: from compute capability 8.0 on. Talus does not
 * tell it, so the driver's own program is asked. A GPU that it does not know is taken for one that
 * can, so that tests fail there and are not left out.
 */
final class Tf32 {
  private static final int FIRST_MAJOR = 8;

  private Tf32() {}

  /** Whether the first device has it; all emulated ones do. */
  static boolean isThere() {
    String name = Device.cuda().hardwareName();
    return CudaTestDevice.isEmulated(name) || isThere(name, gpus());
  }

  /**
   * Whether a GPU has it.
   *
   * @param name the GPU's own
   * @param gpus lines of a name, a comma and a compute capability
   */
  static boolean isThere(String name, String gpus) {
    return gpus.lines()
        .filter(line -> line.startsWith(name + ", "))
        .map(line -> line.substring(name.length() + 2).strip())
        .filter(capability -> capability.matches("\\d+\\.\\d+"))
        .allMatch(capability -> Integer.parseInt(capability.split("\\.")[0]) >= FIRST_MAJOR);
  }

  /** What nvidia-smi lists, or nothing where there is no such program. */
  private static String gpus() {
    Process process;
    try {
      process =
          new ProcessBuilder("nvidia-smi", "--query-gpu=name,compute_cap", "--format=csv,noheader")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      return "";
    }
    try (var out = process.getInputStream()) {
      return new String(out.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
