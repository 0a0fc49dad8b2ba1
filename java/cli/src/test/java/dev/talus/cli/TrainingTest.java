package dev.talus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.talus.Talus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Trains on a small data set, then evaluates and predicts with what was written. */
class TrainingTest {
  @TempDir private static Path dir;

  private static Path data;
  private static Path result;
  private static Cli training;

  @BeforeAll
  static void train() throws IOException {
    System.setProperty("java.awt.headless", "true");
    data = TinyDigits.write(dir.resolve("data"), 640, 100, true);
    result = dir.resolve("some/where");
    training =
        Cli.run(
            "train",
            "--data",
            data,
            "--out",
            result,
            "--epochs",
            1,
            "--batch-size",
            16,
            "--optimizer",
            "adam",
            "--lr",
            0.005,
            "--log-every",
            10,
            "--threads",
            2);
  }

  @Test
  void printsNetworkSettingsProgressAndResults() {
    assertThat(training.succeeds().out())
        .startsWith("Net(\n  (conv1): Conv2d(1, 6, kernel_size=(3, 3), stride=(1, 1))\n")
        .contains("640 training and 100 test images")
        .contains("adam, learning rate 0.005 (cosine decay to 0), weight decay 0.0")
        .contains("epochs 1, batch size 16, seed 0")
        .containsPattern("Epoch 1/1  160/640 images  loss .* images/s  ETA \\d+ s")
        .containsPattern("Epoch 1/1: .* test accuracy 100.00 %")
        .containsPattern("Training took .* s, \\d+\\.\\d % of it waiting for data\\.")
        .contains("Wrote " + result.resolve("lenet.safetensors"))
        .contains("Wrote " + result.resolve("metrics.jsonl"))
        .contains("Wrote " + result.resolve("loss.png"));
  }

  @Test
  void leavesThreeWholeFilesAndNothingElse() throws IOException {
    assertThatDirectoryHolds(result, "lenet.safetensors", "metrics.jsonl", "loss.png");
    assertThat(ImageIO.read(result.resolve("loss.png").toFile()).getWidth()).isGreaterThan(400);
  }

  @Test
  void writesOneJsonObjectPerLoggedStepAndPerEpoch() throws IOException {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (String line : Files.readAllLines(result.resolve("metrics.jsonl"))) {
      rows.add(JSON.std.mapFrom(line));
    }
    assertThat(rows).hasSize(5);
    assertThat(rows)
        .extracting(r -> r.get("kind"))
        .containsExactly("step", "step", "step", "step", "epoch");
    assertThat(rows).extracting(r -> r.get("step")).containsExactly(10, 20, 30, 40, 40);
    assertThat(rows)
        .allSatisfy(
            row ->
                assertThat(row)
                    .containsKeys(
                        "epoch", "loss", "accuracy", "images_per_second", "seconds", "live_bytes"));
    assertThat((double) rows.get(3).get("loss")).isLessThan((double) rows.get(0).get("loss"));
    assertThat(rows.get(4)).containsEntry("accuracy", 1.0);
  }

  @Test
  void evaluatesTheWeights() {
    assertThat(
            Cli.run("eval", "--weights", result.resolve("lenet.safetensors"), "--data", data)
                .succeeds()
                .out())
        .contains("test accuracy 100.00 % (100 of 100)", "test loss 0.");
  }

  @Test
  void predictsEachImage() throws IOException {
    Path three = TinyDigits.png(dir.resolve("three.png"), 3);
    Path eight = TinyDigits.png(dir.resolve("eight.png"), 8);
    List<String> lines =
        Cli.run("predict", "--weights", result.resolve("lenet.safetensors"), three, eight)
            .succeeds()
            .out()
            .lines()
            .toList();
    assertThat(lines).hasSize(2);
    assertThat(lines.get(0)).startsWith(three + ": 3 ").containsPattern("3: (0\\.[5-9]|1)");
    assertThat(lines.get(1)).startsWith(eight + ": 8 ").containsPattern("8: (0\\.[5-9]|1)");
  }

  @Test
  void theSameSeedGivesTheSameWeightsWhateverThreadsAndWorkers() throws IOException {
    Path one = small("one", "--threads", 1, "--workers", 0);
    Path two = small("two", "--threads", 2, "--workers", 2);
    Path other = small("other", "--seed", 1);
    assertThat(Files.readAllBytes(two)).isEqualTo(Files.readAllBytes(one));
    assertThat(Files.readAllBytes(other)).isNotEqualTo(Files.readAllBytes(one));
  }

  private static Path small(String name, Object... more) {
    Path out = dir.resolve(name);
    List<Object> args = new ArrayList<>(List.of("train", "--data", data, "--out", out));
    args.addAll(List.of("--epochs", 1, "--nesterov", "--weight-decay", 1e-4));
    args.addAll(Arrays.asList(more));
    Cli.run(args.toArray()).succeeds();
    return out.resolve("lenet.safetensors");
  }

  @Test
  void keepsNoNativeMemory() {
    small("warm");
    long before = Talus.memory().liveBlocks();
    small("again");
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
  }

  @Test
  void saysWhenTheTrainingDiverges() {
    Cli.run(
            "train",
            "--data",
            data,
            "--out",
            dir.resolve("diverged"),
            "--lr",
            1e30,
            "--log-every",
            1)
        .isRejectedWith("diverged", "smaller --lr");
    assertThat(dir.resolve("diverged")).isEmptyDirectory();
  }

  @Test
  void leavesOnlyWholeFilesWhenItIsInterrupted() throws Exception {
    Path out = dir.resolve("interrupted");
    Process process =
        new CliProcess().start("train", "--data", data, "--epochs", 9999, "--out", out);
    try {
      Path last = out.resolve("loss.png");
      for (int i = 0; i < 600 && !Files.exists(last); i++) {
        Thread.sleep(100);
      }
    } finally {
      process.destroy();
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    }
    assertThatDirectoryHolds(out, "lenet.safetensors", "metrics.jsonl", "loss.png");
    Cli.run("eval", "--weights", out.resolve("lenet.safetensors"), "--data", data).succeeds();
    for (String line : Files.readAllLines(out.resolve("metrics.jsonl"))) {
      assertThat(JSON.std.mapFrom(line)).containsKey("loss");
    }
  }

  private static void assertThatDirectoryHolds(Path directory, String... names) throws IOException {
    try (var files = Files.list(directory)) {
      assertThat(files.map(f -> f.getFileName().toString())).containsExactlyInAnyOrder(names);
    }
  }

  @Test
  void rejectsImagesOfAnotherSize() throws IOException {
    Path copy = TinyDigits.write(dir.resolve("another-size"), 20, 10, false);
    Path images = copy.resolve("train-images-idx3-ubyte");
    byte[] bytes = Files.readAllBytes(images);
    // 20 images of 28 x 28 are also 20 of 14 x 56.
    bytes[11] = 14;
    bytes[15] = 56;
    Files.write(images, bytes);
    Cli.run("train", "--data", copy, "--out", dir.resolve("unused"))
        .isRejectedWith("14 x 56", "28 x 28");
  }

  @Test
  void namesTheBrokenWeights() throws IOException {
    Path image = TinyDigits.png(dir.resolve("1.png"), 1);
    byte[] whole = Files.readAllBytes(result.resolve("lenet.safetensors"));
    Path cut =
        Files.write(dir.resolve("cut.safetensors"), Arrays.copyOf(whole, whole.length - 100));
    Path text = Files.writeString(dir.resolve("text.safetensors"), "these are no weights at all");
    Path absent = dir.resolve("absent.safetensors");
    for (Path file : List.of(cut, text, absent, dir)) {
      Cli.run("eval", "--weights", file, "--data", data).isRejectedWith(file.toString());
      Cli.run("predict", "--weights", file, image).isRejectedWith(file.toString());
    }
  }

  @Test
  void namesTheBrokenImage() throws IOException {
    Path weights = result.resolve("lenet.safetensors");
    Path text = Files.writeString(dir.resolve("text.png"), "no image");
    Cli.run("predict", "--weights", weights, text).isRejectedWith(text.toString());
    Cli.run("predict", "--weights", weights, dir.resolve("absent.png"))
        .isRejectedWith("absent.png");
  }

  @Test
  void namesTheBrokenIdxFile() throws IOException {
    for (String name : List.of("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte")) {
      Path copy = TinyDigits.write(dir.resolve("broken-" + name), 20, 10, false);
      byte[] whole = Files.readAllBytes(copy.resolve(name));
      byte[] magic = whole.clone();
      magic[3] = 7;
      byte[][] broken = {Arrays.copyOf(whole, whole.length - 1), magic, new byte[0]};
      for (byte[] bytes : broken) {
        Files.write(copy.resolve(name), bytes);
        Cli.run("train", "--data", copy, "--out", dir.resolve("unused")).isRejectedWith(name);
      }
    }
  }

  @Test
  void namesTheGzipFileThatIsCutShort() throws IOException {
    Path copy = TinyDigits.write(dir.resolve("broken-gzip"), 20, 10, true);
    Path file = copy.resolve("train-images-idx3-ubyte.gz");
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length / 2));
    Cli.run("train", "--data", copy, "--out", dir.resolve("unused"))
        .isRejectedWith("train-images-idx3-ubyte.gz");
  }
}
