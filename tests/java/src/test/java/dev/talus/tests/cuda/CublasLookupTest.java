package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.talus.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Where cuBLAS is looked for, and what is said where it is not: each by a program of its own,
 * because a library that was loaded stays. Copies of the library with emulated devices stand in for
 * cuBLAS, whose functions it has.
 */
@CudaTest
class CublasLookupTest {
  private static final String FIX =
      "Add the jar of the JavaCPP Presets for CUDA that has libcublas.so.13 to the class path"
          + " (org.bytedeco:cuda-platform-redist-cublas, or org.bytedeco:cuda-platform-redist of"
          + " older ones), or install the libcublas of CUDA 12 or later, or name its file with"
          + " -Dtalus.cublas=FILE, or choose -Dtalus.gemm=native";

  @TempDir Path folder;
  private Path jar; // as on a class path, unpacked
  private Path inJar;
  private Path system;
  private Path cache; // where jars are unpacked; JavaCPP puts links there, too

  @BeforeEach
  void makeFolders() throws IOException {
    assumeTrue(
        CudaTestDevice.isEmulated(Device.cuda().hardwareName()),
        "GemmProviderTest chooses a GPU's cuBLAS");
    cache = Files.createTempDirectory("cache").toRealPath();
    jar = folder.resolve("jar");
    inJar = Files.createDirectories(jar.resolve("org/bytedeco/cuda").resolve(Loader.getPlatform()));
    system = Files.createDirectories(folder.resolve("system"));
    // Where there is one outside of the test, these are found first.
    spoil(system.resolve("libcublas.so.13"));
    spoil(system.resolve("libcublas.so.12"));
  }

  @AfterEach
  void deleteCache() throws IOException {
    if (cache == null) {
      return;
    }
    try (Stream<Path> files = Files.walk(cache)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  @Test
  void whereThereIsNoneTheErrorSaysWhereItWasLookedForAndWhatToDo() throws Exception {
    String said = ask();
    assertThat(said)
        .contains("UnsupportedOperationException: cuBLAS is not there. Tried the class path: no ")
        .contains("/org/bytedeco/cuda/" + Loader.getPlatform() + "/libcublas.so.13; the class")
        .contains("/libcublas.so.12; the system: ")
        .contains("libcublas.so.13: ", "libcublas.so.12: ", FIX)
        .doesNotContain("by cublas");
  }

  @Test
  void aJarComesBeforeTheSystemAndThirteenBeforeTwelve() throws Exception {
    standIn(inJar.resolve("libcublas.so.13"));
    standIn(inJar.resolve("libcublas.so.12"));
    standIn(system.resolve("libcublas.so.13"));
    assertThat(loaded())
        .singleElement()
        .asString()
        .startsWith(cache + "/")
        .endsWith("/libcublas.so.13");
  }

  @Test
  void aJarOfCudaTwelveDoesAsWell() throws Exception {
    standIn(inJar.resolve("libcublas.so.12"));
    assertThat(loaded())
        .singleElement()
        .asString()
        .startsWith(cache + "/")
        .endsWith("/libcublas.so.12");
  }

  @Test
  void whatCublasNeedsIsLoadedWithIt() throws Exception {
    standIn(inJar.resolve("libcublas.so.13"));
    standIn(inJar.resolve("libcublasLt.so.13"));
    assertThat(loaded()).hasSize(2).anyMatch(file -> file.endsWith("/libcublasLt.so.13"));
  }

  @Test
  void theSystemsIsTakenWhereTheClassPathHasNone() throws Exception {
    standIn(system.resolve("libcublas.so.12"));
    assertThat(loaded()).containsExactly(system.resolve("libcublas.so.12").toString());
    standIn(system.resolve("libcublas.so.13"));
    assertThat(loaded()).containsExactly(system.resolve("libcublas.so.13").toString());
  }

  @Test
  void aJarThatDoesNotLoadIsPassedOver() throws Exception {
    spoil(inJar.resolve("libcublas.so.13"));
    standIn(inJar.resolve("libcublas.so.12"));
    // cuBLAS without what it needs would fail later.
    spoil(inJar.resolve("libcublasLt.so.12"));
    assertThat(ask()).contains("libcublas.so.13 does not load: ", "so.12 does not load: ", FIX);
    standIn(system.resolve("libcublas.so.13"));
    assertThat(loaded()).containsExactly(system.resolve("libcublas.so.13").toString());
  }

  @Test
  void aNamedFileComesBeforeAllOthers() throws Exception {
    standIn(inJar.resolve("libcublas.so.13"));
    Path named = folder.resolve("libcublas-of-mine.so");
    standIn(named);
    String option = "-Dtalus.cublas=" + named;
    assertThat(loaded(option)).containsExactly(named.toString());
    // Nothing takes its place.
    spoil(named);
    assertThat(ask(option))
        .contains("cuBLAS cannot be loaded from " + option + ": ")
        .contains("; name the file of libcublas of CUDA 12 or later, or choose -Dtalus.gemm=native")
        .doesNotContain("by cublas");
  }

  /** What a program says that chooses cuBLAS. */
  private String ask(String... options) throws IOException, InterruptedException {
    List<String> all = new ArrayList<>(List.of(options));
    all.add("-Dtalus.gemm=cublas");
    all.add("-Dorg.bytedeco.javacpp.cachedir=" + cache);
    return Probe.ask(jar, system, "provider", all.toArray(String[]::new));
  }

  /** The files of cuBLAS that a program loads that chooses it. */
  private List<String> loaded(String... options) throws IOException, InterruptedException {
    String said = ask(options);
    assertThat(said).contains("by cublas");
    return said.lines()
        .filter(line -> line.startsWith("loaded "))
        .map(line -> line.substring("loaded ".length()))
        .toList();
  }

  private static void standIn(Path file) throws IOException {
    Files.deleteIfExists(file);
    Files.copy(Path.of(System.getProperty("java.library.path"), "libtalus.so"), file);
  }

  private static void spoil(Path file) throws IOException {
    Files.deleteIfExists(file);
    Files.writeString(file, "no library");
  }
}
