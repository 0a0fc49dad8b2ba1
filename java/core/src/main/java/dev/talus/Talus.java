package dev.talus;

import dev.talus.internal.Native;
import dev.talus.memory.Allocator;
import dev.talus.memory.MemoryStats;

/** What concerns the whole process: the random seed, threads, memory, and what was loaded. */
public final class Talus {
  private Talus() {}

  /**
   * Seeds the default generator: every random number from here on is PyTorch's for this seed.
   *
   * @param seed any number
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.manual_seed.html">manual_seed</a>
   */
  public static void manualSeed(long seed) {
    Generator.defaultGenerator().manualSeed(seed);
  }

  /**
   * Sets how many threads kernels may use, the caller included. The default is the number of cores
   * this process was granted. Results do not depend on it.
   *
   * @param threads 1 or more
   * @throws IllegalArgumentException if it is less than 1
   */
  public static void setNumThreads(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("expected 1 or more threads, got " + threads);
    }
    Native.setNumThreads(threads);
  }

  /** How many threads kernels may use. */
  public static int numThreads() {
    return Native.numThreads();
  }

  /** The memory counters of the CPU now. */
  public static MemoryStats memory() {
    return Allocator.CPU.stats();
  }

  /** The instruction set the kernels use: baseline, avx2, avx512 or neon; see {@code TALUS_ISA}. */
  public static String isa() {
    return Native.isa();
  }

  /** The instruction sets this machine could use, separated by commas. */
  public static String availableIsas() {
    return Native.availableIsas();
  }

  /** The version of the native library. */
  public static String version() {
    return Native.version();
  }
}
