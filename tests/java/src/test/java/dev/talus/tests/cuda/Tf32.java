package dev.talus.tests.cuda;

import dev.talus.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * What tests of TF32 share: a number that it rounds, and whether the GPU that tests use can round:
 * from compute capability 8.0 on. Talus does not tell it, so the driver's own program is asked. A
 * GPU that it does not know is taken for one that can, so that tests fail there and are not left
 * out.
 */
final class Tf32 {
  private static final int FIRST_MAJOR = 8;

  /**
   * Its last bit is beyond TF32's mantissa, and half of the last one in it: it becomes 1 + 2^-10.
   */
  static final float HALFWAY = 1 + 0x1p-11f;

  private Tf32() {}

  /** What {@link #HALFWAY} becomes on this GPU where rounding is allowed. */
  static float halfwayRounded() {
    return isThere() ? 1 + 0x1p-10f : HALFWAY;
  }

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
