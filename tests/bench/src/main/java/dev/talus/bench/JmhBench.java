package dev.talus.bench;

import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/** Runs the JMH benchmarks of the Java path; {@code bench.rows} selects some by pattern. */
final class JmhBench {
  private JmhBench() {}

  /** Runs them and writes {@code target/jmh.json}. */
  public static void main(String[] args) throws RunnerException {
    new Runner(
            new OptionsBuilder()
                .include("dev.talus.bench.jmh." + Settings.property("bench.rows", ""))
                .addProfiler("gc")
                .resultFormat(ResultFormatType.JSON)
                .result(Settings.property("bench.jmh", "target/jmh.json"))
                .build())
        .run();
  }
}
