package dev.talus.cli;

import dev.talus.ConvRules;
import dev.talus.Talus;
import dev.talus.memory.MemoryStats;
import picocli.CommandLine.Option;

/** {@code --threads}, for every command that computes. */
final class ThreadsOption {
  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads to compute with (default: the cores granted to this process).")
  private Integer threads;

  /**
   * Sets the number of threads, if the option was given.
   *
   * @throws UserError if it is less than 1, {@code TALUS_ISA} names what this machine lacks, or the
   *     system property {@code talus.conv} what does not exist, or one about memory makes no sense
   */
  void apply() {
    if (threads != null) {
      Check.atLeast(1, "--threads", threads);
      Talus.setNumThreads(threads);
    }
    checkIsa();
    checkConv();
    checkMemory();
  }

  /** The kernels look at {@code TALUS_ISA} when they first run; this looks before they do. */
  static String checkIsa() {
    try {
      return Talus.isa();
    } catch (IllegalArgumentException e) {
      throw new UserError(e.getMessage(), e);
    }
  }

  /** Convolutions look at {@code talus.conv} when the first one runs; this looks before they do. */
  static ConvRules checkConv() {
    try {
      return Talus.convRules();
    } catch (IllegalArgumentException e) {
      throw new UserError(e.getMessage(), e);
    }
  }

  /** Tensors look at {@code talus.memory.limit} and {@code .leak}; this looks before they do. */
  static MemoryStats checkMemory() {
    try {
      return Talus.memory();
    } catch (IllegalArgumentException e) {
      throw new UserError(e.getMessage(), e);
    }
  }
}
