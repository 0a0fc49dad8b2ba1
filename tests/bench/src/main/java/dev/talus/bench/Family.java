package dev.talus.bench;

import java.util.List;

/** A table of rows that are measured and judged alike. */
interface Family {
  /** What {@code -Dbench=} calls it. */
  String name();

  /** A line that tells what is measured. */
  String title();

  /** The least geometric mean of the rows' ratios that counts as met; 0: only rows are judged. */
  default double meanTarget() {
    return 0;
  }

  /**
   * Seconds that each library runs before a row, for the JVM to compile it; 0 where it is quick.
   */
  default double warmUpSeconds() {
    return 0;
  }

  /** Whether Talus with one thread is the peer, instead of the other libraries. */
  default boolean isScaling() {
    return false;
  }

  /** The rows, nothing of them allocated yet. */
  List<Row> rows();
}
