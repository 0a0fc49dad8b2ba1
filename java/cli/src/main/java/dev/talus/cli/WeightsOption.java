package dev.talus.cli;

import dev.talus.Scope;
import dev.talus.examples.Net;
import dev.talus.io.Safetensors;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** {@code --weights}: the file that a training wrote. */
final class WeightsOption {
  @Option(
      names = "--weights",
      paramLabel = "FILE",
      required = true,
      description = "The lenet.safetensors that a training wrote.")
  private Path file;

  /** What was given. */
  Path file() {
    return file;
  }

  /**
   * Makes the network and gives it the weights of the file.
   *
   * @throws UserError naming the file, if it is missing, broken or of another network
   */
  Net load() {
    Net net = new Net();
    try (Scope scope = Scope.open()) {
      UserError.reading(
          file,
          () -> {
            net.loadStateDict(Safetensors.read(file));
            return net;
          });
      return net;
    } catch (RuntimeException e) {
      net.close();
      throw e;
    }
  }
}
