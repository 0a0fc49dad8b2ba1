package dev.talus.cli;

import dev.talus.Talus;
import dev.talus.memory.MemoryStats;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a training tells: rows for {@code metrics.jsonl} and points for {@code loss.png}. */
final class TrainingRecord {
  private final MetricsLog log = new MetricsLog();
  private final LossChart chart = new LossChart();

  /**
   * Adds what a logged step tells.
   *
   * @param epoch the epoch, from 1
   * @param step steps done, over all epochs
   * @param loss the mean loss since the last logged step
   * @param accuracy the part of training images since then that were classified rightly
   * @param imagesPerSecond the rate since then
   * @param seconds training time so far, without the tests
   * @param learningRate the learning rate of the step
   */
  void addStep(
      int epoch,
      long step,
      double loss,
      double accuracy,
      double imagesPerSecond,
      double seconds,
      double learningRate) {
    Map<String, Object> row = row("step", epoch, step, loss, accuracy, imagesPerSecond, seconds);
    row.put("learning_rate", learningRate);
    log.add(row);
    chart.addStep(step, loss);
  }

  /**
   * Adds what an epoch and the test after it tell.
   *
   * @param epoch the epoch; its loss goes into training_loss
   * @param tested the test; its loss and accuracy are the row's
   */
  void addEpoch(Trainer.Epoch epoch, Evaluation tested) {
    Map<String, Object> row =
        row(
            "epoch",
            epoch.number(),
            epoch.step(),
            tested.loss(),
            tested.accuracy(),
            epoch.images() / epoch.seconds(),
            epoch.totalSeconds());
    row.put("training_loss", epoch.loss());
    row.put("epoch_seconds", epoch.seconds());
    log.add(row);
    chart.addEpoch(epoch.step(), tested.loss());
  }

  private static Map<String, Object> row(
      String kind,
      int epoch,
      long step,
      double loss,
      double accuracy,
      double imagesPerSecond,
      double seconds) {
    MemoryStats memory = Talus.memory();
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("kind", kind);
    row.put("epoch", epoch);
    row.put("step", step);
    row.put("loss", loss);
    row.put("accuracy", accuracy);
    row.put("images_per_second", imagesPerSecond);
    row.put("seconds", seconds);
    row.put("live_bytes", memory.liveBytes());
    row.put("live_blocks", memory.liveBlocks());
    row.put("peak_bytes", memory.peakBytes());
    return row;
  }

  /** Writes the rows so far. */
  void saveMetrics(Path file) {
    log.save(file);
  }

  /** Draws the points so far. */
  void saveChart(Path file) {
    chart.save(file);
  }
}
