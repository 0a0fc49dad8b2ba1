package dev.talus.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.locks.ReentrantLock;

/** Writes files whole or not at all: beside their place first, then moved there in one step. */
final class OutputFile {
  /** Held while a file is written. */
  private static final ReentrantLock WRITING = new ReentrantLock();

  static {
    // Ctrl-C ends the process at any moment: this lets a file be finished, and none be begun after.
    Runtime.getRuntime().addShutdownHook(new Thread(WRITING::lock, "finish-output-file"));
  }

  private OutputFile() {}

  /** Writes the content of a file. */
  @FunctionalInterface
  interface Write {
    /** Writes to a path beside the file's place. */
    void write(Path path) throws IOException;
  }

  /**
   * Writes a file, or replaces the one that is there.
   *
   * @param file its place
   * @param write writes the content
   * @throws UserError naming the file, if it cannot be written
   */
  static void write(Path file, Write write) {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    WRITING.lock();
    try {
      try {
        write.write(part);
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(part);
      }
    } catch (IOException e) {
      throw UserError.writing(file, e);
    } finally {
      WRITING.unlock();
    }
  }

  /**
   * Makes a directory and those above it, and checks that it can be written to.
   *
   * @param directory the directory
   * @throws UserError naming it, if that fails
   */
  static void makeDirectory(Path directory) {
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw UserError.writing(directory, e);
    }
    if (!Files.isWritable(directory)) {
      throw new UserError("cannot write " + directory + ": permission denied");
    }
  }
}
