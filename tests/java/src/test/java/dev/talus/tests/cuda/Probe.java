package dev.talus.tests.cuda;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.cuda.Stream;
import dev.talus.memory.Allocator;
import dev.talus.tests.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

/** A program of its own, for settings that are read once. It prints what a question is about. */
final class Probe {
  private Probe() {}

  /**
   * Answers a question, or ends with what Talus throws.
   *
   * @param question its one argument
   */
  public static void main(String[] question) throws IOException {
    switch (question[0]) {
      case "product" -> product();
      case "limit" -> limit();
      case "provider" -> provider();
      case "rejected" -> rejected();
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

  /** Asks cuBLAS for nothing yet, so that what stands in for it need not compute. */
  private static void provider() throws IOException {
    System.out.println("by " + Talus.gemmProvider());
    try (var maps = Files.lines(Path.of("/proc/self/maps"))) {
      maps.map(line -> line.substring(line.lastIndexOf(' ') + 1))
          .filter(file -> file.contains("cublas"))
          .distinct()
          .forEach(file -> System.out.println("loaded " + file));
    }
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

  /** What is thrown is a line, too. */
  private static void rejected() {
    List<Callable<String>> uses =
        List.of(
            () -> {
              Tensor.zeros(3);
              return "on the CPU";
            },
            () -> {
              new Stream(Device.cuda()).close();
              return "a stream";
            },
            () -> Tensor.zeros(DType.FLOAT32, Device.cuda(), 3).toString(),
            () -> Tensor.zeros(DType.FLOAT32, Device.cuda(), 3).toString(),
            () -> Talus.memory(Device.cuda()).toString());
    for (Callable<String> use : uses) {
      try (Scope scope = Scope.open()) {
        System.out.println(use.call());
      } catch (Exception | LinkageError e) {
        System.out.println(e);
      }
    }
  }

  /**
   * Runs it with this JVM's library and environment.
   *
   * @param question {@code product}, {@code limit}, {@code provider} or {@code rejected}
   * @param options of the JVM
   * @return all that it printed
   */
  static String ask(String question, String... options) throws IOException, InterruptedException {
    return ask(null, null, question, options);
  }

  /**
   * Runs it with this JVM's library and environment, and more places to look.
   *
   * @param jar a folder that comes first on the class path, or null
   * @param libraries a folder where the system looks for libraries first, or null
   * @param question {@code product}, {@code limit}, {@code provider} or {@code rejected}
   * @param options of the JVM
   * @return all that it printed
   */
  static String ask(Path jar, Path libraries, String question, String... options)
      throws IOException, InterruptedException {
    return ChildJvm.run(jar, libraries, Probe.class, question, options);
  }
}
