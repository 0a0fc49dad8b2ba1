package dev.talus.bench;

import dev.talus.Talus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a reader must know to trust the numbers, or to get them again. */
final class Header {
  /** Properties that belong to the command, those of {@link Settings} among them. */
  private static final List<String> OPTIONS =
      List.of(
          "bench",
          "bench.rows",
          "bench.threads",
          "bench.rounds",
          "bench.seconds",
          "bench.row",
          "bench.malloc");

  private Header() {}

  /** Everything, in the order it is printed in. */
  static Map<String, Object> of(Settings settings, boolean mallocKeeps, Peaks peaks)
      throws IOException {
    Map<String, Object> header = new LinkedHashMap<>();
    header.put("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    header.put("command", command());
    header.put("cpu", cpu());
    header.put("cores", Runtime.getRuntime().availableProcessors());
    header.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version"));
    header.put("talus", Talus.version());
    header.put("isa", Talus.isa());
    header.put("libtorch", version(org.bytedeco.pytorch.presets.torch.class));
    header.put("openblas", version(org.bytedeco.openblas.presets.openblas_nolapack.class));
    header.put("java", System.getProperty("java.vm.version"));
    header.put("malloc", mallocKeeps ? "keep" : "plain");
    header.put("rounds", settings.rounds());
    header.put("round_seconds", settings.seconds());
    header.put("peaks", peaks.byThreads().values());
    return header;
  }

  /** The header as lines of text. */
  static String text(Map<String, Object> header, Peaks peaks) {
    boolean keeps = header.get("malloc").equals("keep");
    return String.join(
        System.lineSeparator(),
        header.get("date") + "  " + header.get("command"),
        "cpu: " + header.get("cpu") + ", " + header.get("cores") + " cores, " + header.get("os"),
        "versions: Talus "
            + header.get("talus")
            + " with kernels for "
            + header.get("isa")
            + ", libtorch "
            + header.get("libtorch")
            + ", OpenBLAS "
            + header.get("openblas")
            + ", Java "
            + header.get("java"),
        "malloc, which only the peers use for tensors: "
            + (keeps
                ? "set to keep freed memory, its best (-Dbench.malloc=plain: as it comes)"
                : "as it comes: it gives large blocks back to the system"),
        "peaks: " + peaks);
  }

  /** What was typed, as far as it matters: Maven passes all options, most of them not set. */
  static String command() {
    StringBuilder command = new StringBuilder("mvn -Pbench");
    for (String name : OPTIONS) {
      String value = Settings.property(name, "");
      if (!value.isEmpty()) {
        command.append(" -D").append(name).append('=');
        command.append(value.contains(" ") ? "'" + value + "'" : value);
      }
    }
    return command.toString();
  }

  /** Of the JavaCPP Presets' archive, which begins with the library's own version. */
  private static String version(Class<?> preset) {
    String version = preset.getPackage().getImplementationVersion();
    return version == null ? "unknown" : version;
  }

  private static String cpu() throws IOException {
    Path cpus = Path.of("/proc/cpuinfo");
    String architecture = System.getProperty("os.arch");
    if (!Files.isReadable(cpus)) {
      return architecture;
    }
    return Files.readAllLines(cpus).stream()
        .filter(line -> line.startsWith("model name"))
        .map(line -> line.substring(line.indexOf(':') + 1).strip())
        .findFirst()
        .orElse(architecture);
  }
}
