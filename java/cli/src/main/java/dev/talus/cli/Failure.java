package dev.talus.cli;

import dev.talus.memory.OutOfMemoryException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Turns what went wrong into one line and an exit status. */
final class Failure {
  /** The exit status for an error of Talus itself. */
  static final int INTERNAL = 1;

  /** The exit status for something the caller can put right. */
  static final int USAGE = 2;

  private Failure() {}

  /**
   * Prints one line about a failure.
   *
   * @param e what happened
   * @param err where to print
   * @param command the name to begin the line with
   * @return the exit status
   */
  static int report(Throwable e, PrintWriter err, String command) {
    String message;
    int status;
    if (e instanceof UserError) {
      message = e.getMessage();
      status = USAGE;
    } else if (e instanceof OutOfMemoryException) {
      message = "out of memory: " + e.getMessage();
      status = INTERNAL;
    } else if (e instanceof OutOfMemoryError) {
      message = "the Java heap is full (" + e.getMessage() + "); raise it with java -Xmx...";
      status = INTERNAL;
    } else if (e instanceof LinkageError) {
      String hint = command.endsWith("doctor") ? "" : "; see: talus doctor";
      message = "the native library cannot be loaded: " + root(e) + hint;
      status = USAGE;
    } else {
      message = "internal error: " + e;
      status = INTERNAL;
    }
    err.println(command + ": " + oneLine(message));
    if ("1".equals(System.getenv("TALUS_STACKTRACE"))) {
      e.printStackTrace(err);
    }
    return status;
  }

  /** The chain of causes, outermost first, without the wrappers that only pass a cause on. */
  static List<String> causes(Throwable e) {
    Set<String> lines = new LinkedHashSet<>();
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      boolean wrapper =
          cause.getCause() != null
              && (cause instanceof ExceptionInInitializerError
                  || cause instanceof NoClassDefFoundError);
      if (!wrapper) {
        lines.add(cause.getClass().getSimpleName() + ": " + oneLine(cause.getMessage()));
      }
    }
    return new ArrayList<>(lines);
  }

  private static String root(Throwable e) {
    List<String> causes = causes(e);
    return causes.get(causes.size() - 1);
  }

  private static String oneLine(String text) {
    return text == null ? "" : text.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
