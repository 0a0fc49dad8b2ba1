package dev.talus.cli;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The rows of {@code metrics.jsonl}: one JSON object per line, in the order they were added. */
final class MetricsLog {
  private final List<String> lines = new ArrayList<>();

  /**
   * Adds a row.
   *
   * @param row names and values, in the order to write them
   */
  void add(Map<String, Object> row) {
    try {
      lines.add(JSON.std.asString(row));
    } catch (IOException e) {
      throw new UncheckedIOException("a metrics row cannot be written as JSON", e);
    }
  }

  /**
   * Writes all rows so far.
   *
   * @param file the file to write or replace
   */
  void save(Path file) {
    OutputFile.write(file, part -> Files.write(part, lines));
  }
}
