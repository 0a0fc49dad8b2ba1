package dev.talus.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program in a JVM of its own, for settings that are read once. */
public final class ChildJvm {
  private ChildJvm() {}

  /**
   * Runs a class with this JVM's library, class path and environment.
   *
   * @param program its main class
   * @param argument its one argument
   * @param options of the JVM
   * @return all that it printed
   */
  public static String run(Class<?> program, String argument, String... options)
      throws IOException, InterruptedException {
    return run(null, null, program, argument, options);
  }

  /**
   * Runs a class with this JVM's library, class path and environment, and more places to look.
   *
   * @param jar a folder that comes first on the class path, or null
   * @param libraries a folder where the system looks for libraries first, or null
   * @param program its main class
   * @param argument its one argument
   * @param options of the JVM
   * @return all that it printed
   */
  public static String run(
      Path jar, Path libraries, Class<?> program, String argument, String... options)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String name : List.of("java.library.path", "org.bytedeco.javacpp.pathsFirst")) {
      String value = System.getProperty(name);
      if (value != null) {
        command.add("-D" + name + "=" + value);
      }
    }
    command.addAll(List.of(options));
    String classPath = System.getProperty("java.class.path");
    if (jar != null) {
      classPath = jar + File.pathSeparator + classPath;
    }
    command.addAll(List.of("-cp", classPath, program.getName(), argument));
    Path out = Files.createTempFile("out", ".txt");
    try {
      ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
      if (libraries != null) {
        builder.environment().put("LD_LIBRARY_PATH", libraries.toString());
      }
      Process process = builder.redirectOutput(out.toFile()).start();
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
      return Files.readString(out);
    } finally {
      Files.delete(out);
    }
  }
}
