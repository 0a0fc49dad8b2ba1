package dev.talus.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.talus.DType;
import dev.talus.Talus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class DoctorCommandTest {
  @TempDir private Path dir;

  @Test
  void tellsWhatWasLoaded() {
    assertThat(Cli.run("doctor").succeeds().out())
        .contains("jnitalus", Talus.version() + " from ")
        .contains(Talus.isa() + " (this machine has: " + Talus.availableIsas() + ")")
        .contains("Threads", "limit", "CUDA devices", System.getProperty("java.version"))
        .contains(System.getProperty("os.arch"));
  }

  @Test
  void explainsAMissingLibrary() throws Exception {
    String platform = "-Dorg.bytedeco.javacpp.platform=linux-toaster";
    Cli doctor = new CliProcess().option(platform).run("doctor").isRejectedWith("cannot be loaded");
    assertThat(doctor.out())
        .contains("NOT LOADED", "UnsatisfiedLinkError", "linux-toaster", "is not on the class path")
        .contains(System.getProperty("java.version"));
    new CliProcess()
        .option(platform)
        .run("train", "--out", dir)
        .isRejectedWith("native library cannot be loaded", "talus doctor");
    assertThat(dir).isEmptyDirectory();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void explainsABrokenLibrary() throws Exception {
    Path file =
        dir.resolve("dev/talus/bindings")
            .resolve(Loader.getPlatform())
            .resolve(System.mapLibraryName("jnitalus"));
    Files.createDirectories(file.getParent());
    byte[] library = Files.readAllBytes(Path.of(Loader.load(dev.talus.bindings.talus.class)));
    // In an ELF header this is the machine: now one that no JDK runs on, Motorola 88000.
    library[18] = 5;
    library[19] = 0;
    Files.write(file, library);
    Cli doctor =
        new CliProcess()
            .before(dir)
            .option("-Dorg.bytedeco.javacpp.platform.extension=")
            .run("doctor")
            .isRejectedWith("cannot be loaded");
    assertThat(doctor.out()).contains("NOT LOADED", file.toString(), "the file is there");
  }

  @Test
  void takesTheVariantForGpusUnlessToldAnother() throws Exception {
    Path built = Path.of(Loader.load(dev.talus.bindings.talus.class)).getParent();
    Path bindings = dir.resolve("dev/talus/bindings");
    Path plain = bindings.resolve(Loader.getPlatform());
    Path gpu = bindings.resolve(Loader.getPlatform() + "-gpu");
    for (Path variant : List.of(plain, gpu)) {
      Files.createDirectories(variant);
      for (String name : List.of("jnitalus", "talus")) {
        String file = System.mapLibraryName(name);
        Files.copy(built.resolve(file), variant.resolve(file));
      }
    }
    String library = System.mapLibraryName("jnitalus");
    assertThat(new CliProcess().before(dir).run("doctor").succeeds().out())
        .contains(" from " + gpu.resolve(library));
    CliProcess told = new CliProcess().before(dir);
    assertThat(
            told.option("-Dorg.bytedeco.javacpp.platform.extension=")
                .run("doctor")
                .succeeds()
                .out())
        .contains(" from " + plain.resolve(library));
  }

  /** With the library that has emulated devices, where it was built. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void listsDevicesOrSaysWhyThereAreNone() throws Exception {
    Path library = Path.of(System.getProperty("talus.emulated.library"));
    assumeTrue(Files.exists(library.resolve("libtalus.so")), "no emulator in " + library);
    CliProcess emulated =
        new CliProcess()
            .option("-Djava.library.path=" + library)
            .option("-Dorg.bytedeco.javacpp.pathsFirst=true");
    assertThat(emulated.environment("TALUS_EMULATED_DEVICES", "0").run("doctor").succeeds().out())
        .containsPattern("CUDA devices +none, because .*the NVIDIA driver finds no GPU; see what");
    assertThat(emulated.environment("TALUS_EMULATED_DEVICES", "2").run("doctor").succeeds().out())
        .containsPattern("CUDA devices +cuda:0 is Emulated device 0, cuda:1 is Emulated device 1");
  }

  @Test
  void rejectsASettingThatMakesNoSense() throws Exception {
    for (Object[] command : new Object[][] {{"doctor"}, {"train", "--out", dir}}) {
      new CliProcess()
          .option("-Dtalus.memory.limit=plenty")
          .run(command)
          .isRejectedWith("-Dtalus.memory.limit=plenty is not a size; leave the property out");
      new CliProcess()
          .option("-Dtalus.memory.leak=some")
          .run(command)
          .isRejectedWith("-Dtalus.memory.leak=some is unknown", "use off, count or full");
      new CliProcess()
          .environment("TALUS_ISA", "abacus")
          .run(command)
          .isRejectedWith("TALUS_ISA", "abacus", "baseline");
    }
  }

  @Test
  void printsTheRuleOfConvolutions() {
    assertThat(Cli.run("doctor").succeeds().out())
        .containsPattern("Convolutions +[0-9]+ rules choose by shape \\(see --conv\\)")
        .doesNotContain("Condition");
    for (Object[] command : new Object[][] {{"doctor", "--conv"}, {"doctor", "--conv=float32"}}) {
      assertThat(Cli.run(command).succeeds().out())
          .contains("Threads", "How convolutions of float32", "Pass     Algorithm   Condition")
          .endsWith("\n" + Talus.convRules());
    }
    assertThat(Cli.run("doctor", "--conv", "float64").succeeds().out())
        .endsWith("\n" + Talus.convRules(DType.FLOAT64));
    Cli.run("doctor", "--conv", "int64").isRejectedWith("--conv", "int64", "FLOAT32, FLOAT64");
  }

  @Test
  void followsThePropertyOfConvolutions() throws Exception {
    assertThat(
            new CliProcess()
                .option("-Dtalus.conv=forward=gemm,weight=direct")
                .run("doctor", "--conv")
                .succeeds()
                .out())
        .containsPattern("Convolutions +forward by gemm, weight by direct where that can; other")
        .contains("Overridden: forward takes gemm wherever it can.", "weight takes direct wher");
    for (Object[] command : new Object[][] {{"doctor"}, {"train", "--out", dir}}) {
      new CliProcess()
          .option("-Dtalus.conv=fft")
          .run(command)
          .isRejectedWith("-Dtalus.conv=fft: ", "expected one of auto, direct", "write it as");
    }
    assertThat(dir).isEmptyDirectory();
  }

  @Test
  void followsTheSettings() throws Exception {
    Cli doctor =
        new CliProcess()
            .option("-Dtalus.memory.limit=1g")
            .environment("TALUS_ISA", "baseline")
            .run("doctor")
            .succeeds();
    assertThat(doctor.out())
        .contains("limit 1.0 GiB", "TALUS_ISA=baseline -Dtalus.memory.limit=1g")
        .contains("Instruction set  baseline (");
  }
}
