package dev.talus.ops;

import dev.talus.Device;
import dev.talus.internal.NativeNn;

/** Which library computes matrix products on CUDA devices. */
public final class GemmChoice {
  private static volatile boolean chosen;

  private GemmChoice() {}

  /**
   * Applies the system property {@code talus.gemm} before a product on a CUDA device, unless it
   * was, or another choice was made.
   *
   * @throws IllegalArgumentException if it names no provider
   * @throws UnsupportedOperationException if the provider is not there
   */
  static void readProperty(Device device) {
    if (!chosen && device.isCuda()) {
      apply();
    }
  }

  private static synchronized void apply() {
    if (!chosen) {
      choose(System.getProperty("talus.gemm", "native"));
    }
  }

  /** See {@link dev.talus.Talus#setGemmProvider}. */
  public static synchronized void choose(String provider) {
    NativeNn.chooseGemm(provider);
    chosen = true;
  }

  /** See {@link dev.talus.Talus#gemmProvider}. */
  public static String provider() {
    if (Device.isCudaAvailable()) {
      readProperty(Device.cuda());
    }
    return NativeNn.gemmProvider();
  }
}
