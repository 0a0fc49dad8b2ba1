package dev.talus.bench;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Page faults so far that needed no disk, told apart by thread.
 *
 * @param computing of the calling thread and those that libraries compute with
 * @param other of the rest: the JVM's compilers, its garbage collector and so on
 */
record Faults(long computing, long other) {
  /** Reads the counters of the process's threads; one that ended meanwhile counts no more. */
  static Faults now() throws IOException {
    String self = Path.of("/proc/thread-self").toRealPath().getFileName().toString();
    long computing = 0;
    long other = 0;
    try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
      for (Path thread : threads) {
        String stat;
        try {
          stat = Files.readString(thread.resolve("stat"));
        } catch (NoSuchFileException e) {
          continue;
        }
        // The second field is the name in parentheses; minflt is the tenth.
        String name = stat.substring(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
        long faults = Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[7]);
        if (thread.getFileName().toString().equals(self) || computes(name)) {
          computing += faults;
        } else {
          other += faults;
        }
      }
    }
    return new Faults(computing, other);
  }

  Faults since(Faults before) {
    return new Faults(computing - before.computing, other - before.other);
  }

  /** Talus names its threads; libtorch's have the name of the program that started them. */
  private static boolean computes(String name) {
    return name.equals("talus") || name.equals("java");
  }
}
