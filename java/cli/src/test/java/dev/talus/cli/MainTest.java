package dev.talus.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  @TempDir private Path dir;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                                           | missing command",
        "tran                                         | tran",
        "--nonsense                                   | --nonsense",
        "train --epoch 3                              | --epoch",
        "train --epochs many                          | --epochs",
        "train --epochs 0                             | --epochs must be 1 or more, got 0",
        "train --batch-size 0                         | --batch-size must be 1 or more",
        "train --lr                                   | --lr",
        "train --lr 0                                 | --lr must be more than 0, got 0.0",
        "train --lr NaN                               | --lr must be more than 0",
        "train --lr -0.1                              | --lr must be more than 0",
        "train --momentum 1                           | --momentum must be at least 0.0",
        "train --weight-decay -1                      | --weight-decay must be at least 0.0",
        "train --nesterov --momentum 0                | --nesterov needs",
        "train --optimizer adam --momentum 0.9        | belong to --optimizer sgd",
        "train --optimizer sdg                        | --optimizer",
        "train --lr-decay exponential                 | --lr-decay",
        "train --threads 0                            | --threads must be 1 or more",
        "train --workers -1                           | --workers must be 0 or more",
        "train --log-every 0                          | --log-every must be 1 or more",
        "train --seed 1.5                             | --seed",
        "train surplus                                | surplus",
        "eval                                         | --weights",
        "predict --weights w.safetensors              | IMAGE",
        "doctor --weights x                           | --weights",
      })
  void rejectsWrongOptions(String command, String expected) {
    Cli.run(words(command)).isRejectedWith("talus", expected.strip());
  }

  private static Object[] words(String command) {
    return command.isBlank() ? new Object[0] : command.strip().split(" ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"train", "eval", "predict", "doctor"})
  void everyCommandHasHelp(String command) {
    assertThat(Cli.run(command, "--help").succeeds().out()).contains("Usage: talus " + command);
    assertThat(Cli.run(command, "--version").succeeds().out()).startsWith("talus ");
  }

  @Test
  void helpNamesTheCommandsAndTheExitStatus() {
    assertThat(Cli.run("--help").succeeds().out())
        .contains("train", "eval", "predict", "doctor", "Exit status");
    assertThat(Cli.run("--version").succeeds().out()).startsWith("talus ");
  }

  @Test
  void helpShowsTheDefaults() {
    assertThat(Cli.run("train", "--help").succeeds().out())
        .containsPattern("--epochs=N.*[\\s\\S]*Default: 3")
        .containsPattern("--batch-size=N.*[\\s\\S]*Default: 64");
  }

  @Test
  void namesTheMissingDirectoryOrFile() throws Exception {
    Path absent = dir.resolve("absent");
    Cli.run("train", "--data", absent, "--out", dir.resolve("out"))
        .isRejectedWith(absent.toString());
    Path data = TinyDigits.write(dir.resolve("data"), 20, 10, false);
    Files.delete(data.resolve("t10k-labels-idx1-ubyte"));
    Cli.run("train", "--data", data, "--out", dir.resolve("out"))
        .isRejectedWith("t10k-labels-idx1-ubyte");
    assertThat(dir.resolve("out")).doesNotExist();
  }

  @Test
  void rejectsAnOutputDirectoryThatIsAFile() throws Exception {
    Path data = TinyDigits.write(dir.resolve("data"), 20, 10, false);
    Path file = Files.writeString(dir.resolve("file"), "taken");
    Cli.run("train", "--data", data, "--out", file).isRejectedWith("cannot write", file.toString());
    Cli.run("train", "--data", data, "--out", file.resolve("below"))
        .isRejectedWith("cannot write", file.toString());
  }
}
