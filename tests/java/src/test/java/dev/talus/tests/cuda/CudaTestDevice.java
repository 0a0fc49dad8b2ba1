package dev.talus.tests.cuda;

import dev.talus.Device;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a class before its first test, with the reason, where there is no device or not the one
 * that system property {@code talus.test.device} asks for: a GPU that cannot be used must not end
 * in tests of the emulator.
 */
final class CudaTestDevice implements BeforeAllCallback {
  @Override
  public void beforeAll(ExtensionContext context) {
    boolean available = Device.isCudaAvailable();
    String problem =
        problem(
            System.getProperty("talus.test.device"),
            available ? Device.cuda().hardwareName() : null,
            Device.whyNoCuda());
    if (problem != null) {
      throw new IllegalStateException(problem);
    }
  }

  /**
   * What is wrong.
   *
   * @param wanted {@code emulated}, {@code cuda}, or null for either
   * @param name the first device's, or null where none can be used
   * @param whyNone the reason where none can be used
   * @return null if the device is the one that was asked for
   */
  static String problem(String wanted, String name, String whyNone) {
    if (name == null) {
      return "tests of group \"cuda\" find no device (talus.test.device="
          + wanted
          + "): "
          + whyNone;
    }
    boolean emulated = isEmulated(name);
    if ("cuda".equals(wanted) && emulated) {
      return "talus.test.device=cuda asks for a GPU, and the library that was loaded has \""
          + name
          + "\"; leave out -Dtalus.cuda.library and build with -Pcuda";
    }
    if ("emulated".equals(wanted) && !emulated) {
      return "talus.test.device=emulated, and the library that was loaded has \""
          + name
          + "\"; -Pcuda -Dtalus.test.device=cuda tests it";
    }
    return null;
  }

  /**
   * Whether a device is the emulator's.
   *
   * @param name what the device calls itself
   */
  static boolean isEmulated(String name) {
    return name.startsWith("Emulated device");
  }
}
