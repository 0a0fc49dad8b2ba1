package dev.talus.cli;

import dev.talus.Talus;
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
   * @throws UserError if it is less than 1, or {@code TALUS_ISA} names what this machine lacks
   */
  void apply() {
    if (threads != null) {
      Check.atLeast(1, "--threads", threads);
      Talus.setNumThreads(threads);
    }
    checkIsa();
  }

  /** The kernels look at {@code TALUS_ISA} when they first run; this looks before they do. */
  static String checkIsa() {
    try {
      return Talus.isa();
    } catch (IllegalArgumentException e) {
      throw new UserError(e.getMessage(), e);
    }
  }
}
