package dev.talus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The command line in a process of its own, where nothing is loaded yet. */
final class CliProcess {
  private final List<String> options = new ArrayList<>();
  private final ProcessBuilder builder = new ProcessBuilder();
  private String classPath = System.getProperty("java.class.path");

  CliProcess() {
    builder.environment().remove("TALUS_ISA");
  }

  /** Adds an option of the JVM. */
  CliProcess option(String option) {
    options.add(option);
    return this;
  }

  /** Sets an environment variable. */
  CliProcess environment(String name, String value) {
    builder.environment().put(name, value);
    return this;
  }

  /** Puts a directory before the class path. */
  CliProcess before(Path directory) {
    classPath = directory + java.io.File.pathSeparator + classPath;
    return this;
  }

  /** Starts a command; its output goes nowhere. */
  Process start(Object... args) throws IOException {
    return builder
        .command(command(args))
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  /** Runs a command to its end. */
  Cli run(Object... args) throws IOException, InterruptedException {
    Path out = Files.createTempFile("out", ".txt");
    Path err = Files.createTempFile("err", ".txt");
    try {
      Process process =
          builder
              .command(command(args))
              .redirectOutput(out.toFile())
              .redirectError(err.toFile())
              .start();
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
      return new Cli(process.exitValue(), Files.readString(out), Files.readString(err));
    } finally {
      Files.delete(out);
      Files.delete(err);
    }
  }

  private List<String> command(Object... args) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (Runtime.version().feature() >= 22) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(options);
    command.addAll(List.of("-cp", classPath, "dev.talus.cli.Main"));
    for (Object arg : args) {
      command.add(arg.toString());
    }
    return command;
  }
}
