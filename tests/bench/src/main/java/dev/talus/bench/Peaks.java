package dev.talus.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the machine can do at most, measured by the native {@code bench_peaks}.
 *
 * @param byThreads for each number of threads: fma_gflops; copy_gbs, read_gbs and update_gbs, bytes
 *     read plus bytes written of main memory; copy_l2_gbs of the second cache; l3_bytes, the size
 *     of the last
 */
record Peaks(Map<Integer, Map<String, Object>> byThreads) {
  /** The program's path is in {@code bench.peaks}; without it nothing is known. */
  static Peaks measure(int threads) throws IOException, InterruptedException {
    String program = Settings.property("bench.peaks", "");
    if (!program.isEmpty() && !Files.isExecutable(Path.of(program))) {
      program += ".exe";
    }
    if (program.isEmpty() || !Files.isExecutable(Path.of(program))) {
      return new Peaks(Map.of());
    }
    Process process =
        new ProcessBuilder(program, Integer.toString(threads))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    byte[] json = process.getInputStream().readAllBytes();
    if (process.waitFor() != 0) {
      return new Peaks(Map.of());
    }
    List<Object> list = JSON.std.listFrom(json);
    Map<Integer, Map<String, Object>> peaks = new HashMap<>();
    for (Object entry : list) {
      Map<String, Object> map = JSON.std.mapFrom(JSON.std.asString(entry));
      peaks.put(((Number) map.get("threads")).intValue(), map);
    }
    return new Peaks(peaks);
  }

  /** A rate, or 0 if it is not known. */
  double rate(String what, int threads) {
    Map<String, Object> peaks = byThreads.get(threads);
    return peaks == null ? 0 : ((Number) peaks.get(what)).doubleValue();
  }

  /**
   * The share of the physical limit that a row reaches, or 0 if it is not known. Where main memory
   * is the limit, it is what a copy reads and writes: a row that updates in place may reach more
   * than all of it, and one that only reads, less, where a core reads no faster alone than it does
   * while it copies.
   *
   * @param seconds of one operation
   */
  double share(Row row, int threads, double seconds) {
    if (byThreads.get(threads) == null) {
      return 0;
    }
    double least = row.flops() * (row.doubles() ? 2 : 1) / rate("fma_gflops", threads);
    if (isMemoryBound(row, threads)) {
      least = Math.max(least, row.bytes() / rate("copy_gbs", threads));
    }
    return least / 1e9 / seconds;
  }

  /** Whether a pass touches more than the last cache holds: less may stay there between calls. */
  private boolean isMemoryBound(Row row, int threads) {
    return row.held() > rate("l3_bytes", threads);
  }

  @Override
  public String toString() {
    if (byThreads.isEmpty()) {
      return "not measured: bench_peaks was not built, or found no fused multiply-add";
    }
    StringBuilder text = new StringBuilder();
    for (int threads : byThreads.keySet().stream().sorted().toList()) {
      text.append(
          String.format(
              "%s%d thread%s: %.0f GFLOP/s; memory read %.1f, update %.1f, copy %.1f GB/s; L2 %.0f;"
                  + " last cache %.0f MiB",
              text.isEmpty() ? "" : System.lineSeparator() + "       ",
              threads,
              threads == 1 ? "" : "s",
              rate("fma_gflops", threads),
              rate("read_gbs", threads),
              rate("update_gbs", threads),
              rate("copy_gbs", threads),
              rate("copy_l2_gbs", threads),
              rate("l3_bytes", threads) / (1 << 20)));
    }
    return text.toString();
  }
}
