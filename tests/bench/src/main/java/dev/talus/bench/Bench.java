package dev.talus.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs the families that the property {@code bench} names, each in processes of its own, prints
 * their tables and writes {@code target/bench.json}.
 *
 * <p>Where several threads are used, there are two processes: how OpenMP's idle threads wait is
 * read from the environment when libtorch is loaded, and neither way is best for all work.
 */
public final class Bench {
  /** libtorch's idle threads sleep, which is best on few cores. */
  static final String USUAL_WAITING = "passive";

  /** They spin first: what libtorch does when nothing is set. */
  private static final String DEFAULT_WAITING = "default";

  /** A call of this length does not feel how idle threads wait: only the usual way is measured. */
  private static final double LONG_CALL_SECONDS = 0.004;

  /**
   * libtorch takes memory from malloc, which by default gives large blocks back to the system, so
   * that every call takes thousands of page faults: here malloc keeps them, as its users are told
   * to arrange. {@code -Dbench.malloc=plain} leaves malloc alone.
   */
  private static final Map<String, String> KEEPING_MALLOC =
      Map.of(
          "MALLOC_ARENA_MAX", "1",
          "MALLOC_MMAP_MAX_", "0",
          "MALLOC_TRIM_THRESHOLD_", "17179869184",
          "MALLOC_TOP_PAD_", "67108864");

  private final Settings settings = Settings.fromProperties();
  private final boolean mallocKeeps = !Settings.property("bench.malloc", "keep").equals("plain");
  private boolean failed;

  private Bench() {}

  /** Runs what is selected. */
  public static void main(String[] args) throws Exception {
    String selection = Settings.property("bench", "all");
    if (selection.equals("jmh")) {
      JmhBench.main(args);
      return;
    }
    new Bench().run(selection);
  }

  private void run(String selection) throws Exception {
    List<String> known = new ArrayList<>(Families.all().stream().map(Family::name).toList());
    known.add(MemoryBench.NAME);
    List<String> chosen = selection.equals("all") ? known : List.of(selection.split(","));
    for (String name : chosen) {
      if (!known.contains(name) && !name.equals("peaks")) {
        throw new IllegalArgumentException(
            "-Dbench="
                + name
                + " is unknown; there are all, peaks, jmh, "
                + String.join(", ", known));
      }
    }
    int most = Arrays.stream(settings.threads()).max().orElseThrow();
    Peaks peaks = Peaks.measure(most);
    Map<String, Object> header = Header.of(settings, mallocKeeps, peaks);
    System.out.println(Header.text(header, peaks));
    Report report = new Report();
    Path file = Path.of(Settings.property("bench.json", "target/bench.json"));
    long start = System.nanoTime();
    for (String name : chosen) {
      if (name.equals(MemoryBench.NAME)) {
        report.add(MemoryBench.run());
      } else if (!name.equals("peaks")) {
        measure(Families.named(name), peaks, report);
      }
      // After each family: a run that is ended early loses only the family it was in.
      write(file, header, report);
    }
    System.out.println();
    System.out.printf(
        "written: %s, after %.1f minutes%n", file, (System.nanoTime() - start) / 60e9);
    if (failed) {
      System.out.println("some rows FAILED, see above");
      System.exit(1);
    }
  }

  private static void write(Path file, Map<String, Object> header, Report report)
      throws IOException {
    Map<String, Object> all = new LinkedHashMap<>(header);
    all.put("families", report.families());
    Files.createDirectories(file.toAbsolutePath().getParent());
    Files.writeString(file, JSON.std.with(JSON.Feature.PRETTY_PRINT_OUTPUT).asString(all));
  }

  private void measure(Family family, Peaks peaks, Report report)
      throws IOException, InterruptedException {
    List<Row> rows = family.rows().stream().filter(row -> settings.selects(row.name())).toList();
    List<Result> results = new ArrayList<>(worker(family, USUAL_WAITING, rows));
    if (!family.isScaling()) {
      List<Row> brief = rows.stream().filter(row -> isBrief(row, results)).toList();
      results.addAll(worker(family, DEFAULT_WAITING, brief));
    }
    List<String> failures =
        results.stream()
            .filter(result -> result.failure() != null)
            .map(result -> result.row() + ": " + result.failure())
            .toList();
    failed |= !failures.isEmpty();
    List<Line> lines = new ArrayList<>();
    for (int threads : settings.threads()) {
      for (Row row : family.rows()) {
        List<Result> same =
            results.stream()
                .filter(r -> r.row().equals(row.name()) && r.threads() == threads)
                .toList();
        if (!same.isEmpty()) {
          lines.add(Line.of(row, threads, same, peaks));
        }
      }
    }
    report.print(family, lines, failures);
  }

  /** Whether libtorch's call with several threads may feel how idle threads wait. */
  private static boolean isBrief(Row row, List<Result> results) {
    return results.stream()
        .filter(result -> result.row().equals(row.name()) && result.threads() > 1)
        .flatMap(result -> result.of(Rival.TORCH).stream())
        .anyMatch(timing -> timing.median() * row.calls() < LONG_CALL_SECONDS);
  }

  private List<Result> worker(Family family, String waiting, List<Row> rows)
      throws IOException, InterruptedException {
    List<Result> results = new ArrayList<>();
    if (rows.isEmpty()) {
      return results;
    }
    List<String> arguments = new ArrayList<>(List.of(family.name(), waiting));
    rows.forEach(row -> arguments.add(row.name()));
    ProcessBuilder builder =
        java(List.of(), Worker.class, arguments.toArray(new String[0]))
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    if (waiting.equals(USUAL_WAITING)) {
      builder.environment().put("OMP_WAIT_POLICY", "passive");
    } else {
      builder.environment().remove("OMP_WAIT_POLICY");
    }
    if (mallocKeeps) {
      builder.environment().putAll(KEEPING_MALLOC);
    }
    Process process = builder.start();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith(Worker.MARK)) {
          System.out.println(line);
          continue;
        }
        Result result = Result.fromJson(line.substring(Worker.MARK.length()));
        results.add(result);
        // At once: a run that is ended before the table is printed has told what it measured.
        System.out.println("  " + family.name() + " " + result.text());
      }
    }
    if (process.waitFor() != 0) {
      String problem = "ended with status " + process.exitValue();
      results.add(new Result("the process", 0, waiting, List.of(), problem));
    }
    return results;
  }

  /** A Java process with this one's class path and options. */
  static ProcessBuilder java(List<String> options, Class<?> main, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command);
  }
}
