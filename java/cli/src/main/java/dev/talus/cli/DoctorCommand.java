package dev.talus.cli;

import dev.talus.ConvRules;
import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Talus;
import dev.talus.memory.MemoryStats;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.Loader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code talus doctor}: what was loaded and what it found, or why loading failed. */
@Command(
    name = "doctor",
    description = {
      "Shows the native library, instruction set, threads, memory, Java and system.",
      "Where the native library cannot be loaded, says why and ends with status 2.",
      "With --conv also the rule by which convolutions choose their algorithm."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class DoctorCommand implements Callable<Integer> {
  /** The types that convolutions have. */
  private enum FloatType {
    FLOAT32(DType.FLOAT32),
    FLOAT64(DType.FLOAT64);

    private final DType dtype;

    FloatType(DType dtype) {
      this.dtype = dtype;
    }
  }

  @Option(
      names = "--conv",
      arity = "0..1",
      fallbackValue = "float32",
      paramLabel = "TYPE",
      description =
          "Prints the table of conditions, with this machine's numbers, by which convolutions of"
              + " float32 (where no TYPE is given) or float64 choose their algorithm.")
  private FloatType conv;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    row(out, "Talus", Main.version());
    Throwable failure = describeLibrary(out);
    describeSystem(out);
    if (failure == null && conv != null) {
      out.println();
      out.print(Talus.convRules(conv.dtype));
    }
    return failure == null
        ? 0
        : Failure.report(failure, spec.commandLine().getErr(), "talus doctor");
  }

  /** Describes what was loaded; returns what went wrong, or null. */
  private static Throwable describeLibrary(PrintWriter out) {
    boolean loaded = false;
    try {
      // Throws what the static initialisers of the bindings throw.
      String file = Loader.load(dev.talus.bindings.talus.class);
      row(out, "Native library", Talus.version() + " from " + file);
      loaded = true;
      row(
          out,
          "Instruction set",
          ThreadsOption.checkIsa() + " (this machine has: " + Talus.availableIsas() + ")");
      row(out, "Threads", Talus.numThreads() + " of " + cores() + " cores granted to this process");
      row(out, "Convolutions", convolutions(ThreadsOption.checkConv()));
      row(out, "Memory", ThreadsOption.checkMemory().toString());
      row(out, "CUDA devices", cudaDevices());
      return null;
    } catch (LinkageError | RuntimeException e) {
      if (loaded) {
        row(out, "Problem", "the library is loaded, but cannot be used; see the line below");
      } else {
        explain(out, e);
      }
      return e;
    }
  }

  private static String convolutions(ConvRules rules) {
    String otherwise = rules.rules().size() + " rules choose by shape (see --conv)";
    if (rules.forced().isEmpty()) {
      return otherwise;
    }
    return rules.forced().entrySet().stream()
        .map(choice -> choice.getKey() + " by " + choice.getValue())
        .collect(Collectors.joining(", ", "", " where that can; otherwise " + otherwise));
  }

  private static String cudaDevices() {
    if (!Device.isCudaAvailable()) {
      return "none, because " + Device.whyNoCuda();
    }
    return IntStream.range(0, Device.cudaCount())
        .mapToObj(i -> Device.cuda(i) + " is " + Device.cuda(i).hardwareName())
        .collect(Collectors.joining(", "));
  }

  private static void explain(PrintWriter out, Throwable e) {
    row(out, "Native library", "NOT LOADED");
    List<String> causes = Failure.causes(e);
    for (int i = 0; i < causes.size(); i++) {
      row(out, i == 0 ? "  because" : "  caused by", causes.get(i));
    }
    String platform = platform();
    row(out, "  platform", platform);
    String resource = resource(platform);
    // JavaCPP takes the variant for GPUs first, unless it is told another one.
    String variant = System.getProperty("org.bytedeco.javacpp.platform.extension", "-gpu");
    ClassLoader loader = DoctorCommand.class.getClassLoader();
    var found = loader.getResource(resource(platform + variant));
    if (found == null) {
      found = loader.getResource(resource);
    }
    row(out, "  library file", found == null ? resource + " is not on the class path" : "" + found);
    row(
        out,
        "  what to do",
        found == null
            ? "use a talus jar that was built for " + platform + ", or build one here: mvn package"
            : "the file is there but does not load: rebuild it here with mvn clean package, and"
                + " empty the cache folder of unpacked libraries");
    row(out, "  cache folder", cacheFolder());
  }

  private static String resource(String variant) {
    return "dev/talus/bindings/" + variant + "/" + System.mapLibraryName("jnitalus");
  }

  private static String platform() {
    try {
      return Loader.getPlatform();
    } catch (LinkageError | RuntimeException e) {
      return "unknown (" + e + ")";
    }
  }

  private static String cacheFolder() {
    try {
      return Loader.getCacheDir().toString();
    } catch (java.io.IOException | LinkageError | RuntimeException e) {
      return "cannot be used: " + e.getMessage();
    }
  }

  private static void describeSystem(PrintWriter out) {
    row(
        out,
        "Java",
        String.format(
            Locale.ROOT,
            "%s, %s (%s) in %s",
            property("java.version"),
            property("java.vm.name"),
            property("java.vendor"),
            property("java.home")));
    row(out, "Java heap", "at most " + MemoryStats.human(Runtime.getRuntime().maxMemory()));
    row(
        out,
        "System",
        property("os.name") + " " + property("os.version") + ", " + property("os.arch"));
    row(out, "Settings", settings());
  }

  private static String settings() {
    StringBuilder text = new StringBuilder();
    String isa = System.getenv("TALUS_ISA");
    if (isa != null) {
      text.append("TALUS_ISA=").append(isa);
    }
    System.getProperties().stringPropertyNames().stream()
        .filter(name -> name.startsWith("talus.") || name.startsWith("org.bytedeco.javacpp."))
        .sorted()
        .forEach(
            name ->
                text.append(text.length() == 0 ? "" : " ")
                    .append("-D" + name + "=" + property(name)));
    return text.length() == 0 ? "all at their defaults" : text.toString();
  }

  private static String property(String name) {
    return System.getProperty(name);
  }

  private static int cores() {
    return Runtime.getRuntime().availableProcessors();
  }

  private static void row(PrintWriter out, String name, String value) {
    out.println(String.format(Locale.ROOT, "%-17s%s", name, value));
  }
}
