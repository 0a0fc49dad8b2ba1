package dev.talus.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.talus.memory.MemoryStats;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The memory that training needs, each network and library in a process of its own. */
final class MemoryBench {
  static final String NAME = "memory";

  private static final String TITLE =
      "a training step: growth of resident memory to its peak, and what a steady step costs";

  /** Bytes of Java heap that an operation may take. */
  private static final double MOST_HEAP = 2000;

  private MemoryBench() {}

  /** Prints the table and returns it for the JSON file. */
  static Map<String, Object> run() throws IOException, InterruptedException {
    System.out.println();
    System.out.println(NAME + ": " + TITLE);
    Map<String, Object> family = new LinkedHashMap<>();
    family.put("family", NAME);
    family.put("title", TITLE);
    if (!Files.isReadable(Path.of("/proc/self/status"))) {
      String problem = "needs /proc/self/status, which this system does not have";
      System.out.println(problem);
      family.put("failures", List.of(problem));
      return family;
    }
    List<List<String>> cells = new ArrayList<>();
    cells.add(
        List.of(
            "",
            "peak Talus",
            "peak libtorch",
            "ratio",
            "system allocations",
            "page faults",
            "the JVM's",
            "libtorch's",
            "heap an op",
            "ops",
            "Java heap",
            "libtorch's",
            "target",
            ""));
    List<Object> rows = new ArrayList<>();
    List<Double> ratios = new ArrayList<>();
    int count = 0;
    for (Nets.Net net : Nets.all()) {
      Map<String, Object> talus = probe(net, Rival.TALUS);
      Map<String, Object> torch = probe(net, Rival.TORCH);
      double ratio = number(torch, "peak_bytes") / number(talus, "peak_bytes");
      ratios.add(ratio);
      System.out.printf(Locale.ROOT, "  %s %s: %.2f%n", NAME, net, ratio);
      double heapAnOperation = number(talus, "heap_bytes") / number(talus, "operations");
      boolean met =
          ratio >= 1
              && number(talus, "system_allocations") == 0
              && number(talus, "page_faults") == 0
              && heapAnOperation <= MOST_HEAP;
      count += met ? 1 : 0;
      cells.add(
          List.of(
              net.toString(),
              MemoryStats.human((long) number(talus, "peak_bytes")),
              MemoryStats.human((long) number(torch, "peak_bytes")),
              String.format(Locale.ROOT, "%.2f", ratio),
              perStep(talus, "system_allocations"),
              perStep(talus, "page_faults"),
              perStep(talus, "other_page_faults"),
              perStep(torch, "page_faults"),
              String.format(Locale.ROOT, "%.0f B", heapAnOperation),
              perStep(talus, "operations"),
              perStep(talus, "heap_bytes") + " B",
              perStep(torch, "heap_bytes") + " B",
              "1.00, 0, 0, 2000 B",
              met ? "met" : "MISSED"));
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("row", net.toString());
      row.put("talus", talus);
      row.put("libtorch", torch);
      row.put("peak_ratio", ratio);
      row.put("heap_bytes_an_operation", heapAnOperation);
      row.put("met", met);
      rows.add(row);
    }
    System.out.print(Report.align(cells));
    System.out.println(
        "peak: resident memory at its peak less that before the first step, libtorch's over"
            + " Talus's; the others: a step, when three times as many were done before. Page faults"
            + " are those of the threads that compute, in the quietest of three rounds, beside them"
            + " those of the JVM's own; an op is a node of the graph, its backward and the optimizer"
            + " included. malloc is as it comes,"
            + " whatever the other families use.");
    double mean = Statistics.geometricMean(ratios);
    double worst = Collections.min(ratios);
    System.out.printf(
        Locale.ROOT,
        "%s: %d of %d targets met; geometric mean %.2f; worst %.2f, %s%n",
        NAME,
        count,
        rows.size(),
        mean,
        worst,
        Nets.all().get(ratios.indexOf(worst)));
    family.put("rows", rows);
    family.put("total", Map.of("geometric_mean", mean, "worst", worst, "met", count));
    return family;
  }

  private static String perStep(Map<String, Object> probe, String what) {
    double value = number(probe, what);
    return String.format(Locale.ROOT, value == 0 || value >= 10 ? "%.0f" : "%.2f", value);
  }

  private static double number(Map<String, Object> map, String key) {
    return ((Number) map.get(key)).doubleValue();
  }

  private static Map<String, Object> probe(Nets.Net net, String side)
      throws IOException, InterruptedException {
    // A heap that is all there from the start does not grow into the measurement.
    List<String> options = List.of("-Xms256m", "-Xmx256m", "-XX:+AlwaysPreTouch");
    ProcessBuilder builder =
        Bench.java(options, MemoryProbe.class, net.toString(), side)
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put("OMP_WAIT_POLICY", "passive");
    Process process = builder.start();
    String json = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IllegalStateException("the process for " + net + " of " + side + " failed");
    }
    return JSON.std.mapFrom(json);
  }
}
