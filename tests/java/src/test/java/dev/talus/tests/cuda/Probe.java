package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.memory.Allocator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program of its own, for settings that are read once. It prints what a question is about. */
final class Probe {
  private Probe() {}

  /**
   * Answers a question, or ends with what Talus throws.
   *
   * @param question its one argument
   */
  public static void main(String[] question) {
    switch (question[0]) {
      case "product" -> product();
      case "limit" -> limit();
      default -> throw new IllegalArgumentException(question[0]);
    }
  }

  /** Nothing was chosen or asked before the product. */
  private static void product() {
    Allocator allocator = Allocator.of(Device.cuda());
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.eye(4, 4, Device.cuda());
      allocator.resetPeak();
      long before = allocator.stats().peakBytes();
      x.mm(x);
      long taken = allocator.stats().peakBytes() - before;
      System.out.println(taken >= 4 << 20 ? "with a workspace" : "without a workspace");
    }
    System.out.println("by " + Talus.gemmProvider());
  }

  private static void limit() {
    for (int i = 0; i < Device.cudaCount(); i++) {
      System.out.println(Device.cuda(i) + " " + Talus.memory(Device.cuda(i)).limitBytes());
    }
    try (Scope scope = Scope.open()) {
      Tensor.zeros(DType.FLOAT32, 1 << 20); // the CPU's is another
      Tensor.zeros(DType.FLOAT32, Device.cuda(), 1 << 20);
    }
  }

  /**
   * Runs it with this JVM's library and environment.
   *
   * @param question {@code product} or {@code limit}
   * @param options of the JVM
   * @return all that it printed
   */
  static String ask(String question, String... options) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String name : List.of("java.library.path", "org.bytedeco.javacpp.pathsFirst")) {
      command.add("-D" + name + "=" + System.getProperty(name));
    }
    command.addAll(List.of(options));
    String classPath = System.getProperty("java.class.path");
    command.addAll(List.of("-cp", classPath, Probe.class.getName(), question));
    Path out = Files.createTempFile("out", ".txt");
    try {
      ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
      Process process = builder.redirectOutput(out.toFile()).start();
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
      return Files.readString(out);
    } finally {
      Files.delete(out);
    }
  }
}
