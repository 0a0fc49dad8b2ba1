package dev.talus.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Something only the caller can put right: a wrong value, or a file that is missing or broken. */
final class UserError extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What reads a file, for {@link #reading}. */
  @FunctionalInterface
  interface Read<T> {
    /** Reads it. */
    T read() throws IOException;
  }

  UserError(String message) {
    super(message);
  }

  UserError(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * Reads a file; what goes wrong is reported with the file's name.
   *
   * @param file the file, or whatever names the source
   * @param read reads it; an IOException or an argument it rejects means the file is at fault
   */
  static <T> T reading(Object file, Read<T> read) {
    try {
      return read.read();
    } catch (IOException | IllegalArgumentException | IllegalStateException e) {
      String reason = reason(e);
      // Many reasons name the file already.
      boolean named = reason.contains(file.toString());
      throw new UserError(named ? reason : "cannot read " + file + ": " + reason, e);
    }
  }

  /**
   * The error for a file that cannot be written.
   *
   * @param file the file or directory
   * @param e what happened
   */
  static UserError writing(Path file, IOException e) {
    return new UserError("cannot write " + file + ": " + reason(e), e);
  }

  /**
   * The exceptions of java.nio carry only the file's name; this says what is the matter with it.
   */
  private static String reason(Exception e) {
    if (e instanceof NoSuchFileException) {
      return "there is no " + e.getMessage();
    }
    if (e instanceof FileAlreadyExistsException) {
      return e.getMessage() + " is a file, not a directory";
    }
    if (e instanceof AccessDeniedException) {
      return "permission denied: " + e.getMessage();
    }
    if (e instanceof FileSystemException system && system.getReason() == null) {
      return e.getClass().getSimpleName() + ": " + e.getMessage();
    }
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
