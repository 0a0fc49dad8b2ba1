package dev.talus.bench;

import java.util.Arrays;

/**
 * How long and in what to measure, from system properties. The defaults let all families take some
 * twenty minutes on two cores; more rounds tell small differences apart.
 *
 * @param rounds turns of each rival ({@code bench.rounds})
 * @param seconds least length of a turn ({@code bench.seconds})
 * @param rowSeconds most seconds for all turns of a row, three rounds excepted ({@code bench.row})
 * @param threads numbers of threads to measure with ({@code bench.threads})
 * @param rows part of the rows' names to measure; empty: all ({@code bench.rows})
 */
record Settings(int rounds, double seconds, double rowSeconds, int[] threads, String rows) {
  /** What a property holds when nobody sets it; Maven passes this word for "not set", too. */
  static final String DEFAULT = "default";

  static Settings fromProperties() {
    int cores = Runtime.getRuntime().availableProcessors();
    String threads = property("bench.threads", cores > 1 ? "1," + Math.min(cores, 2) : "1");
    return new Settings(
        Integer.parseInt(property("bench.rounds", "3")),
        Double.parseDouble(property("bench.seconds", "0.03")),
        Double.parseDouble(property("bench.row", "1")),
        Arrays.stream(threads.split(",")).mapToInt(Integer::parseInt).toArray(),
        property("bench.rows", ""));
  }

  /** A property, or the fallback where it is not set. */
  static String property(String name, String fallback) {
    String value = System.getProperty(name, DEFAULT);
    return value.equals(DEFAULT) || value.isEmpty() ? fallback : value;
  }

  /** Whether a row is to be measured. */
  boolean selects(String row) {
    return row.contains(rows);
  }
}
