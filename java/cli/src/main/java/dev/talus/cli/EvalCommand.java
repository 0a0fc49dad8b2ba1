package dev.talus.cli;

import dev.talus.data.Mnist;
import dev.talus.examples.Net;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code talus eval}: loss and accuracy of trained weights on the test images. */
@Command(
    name = "eval",
    description = "Prints the loss and accuracy of trained weights on the test images.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    sortOptions = false,
    showDefaultValues = true)
final class EvalCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private WeightsOption weightsOption;
  @Mixin private DataOption dataOption;
  @Mixin private ThreadsOption threadsOption;

  @Override
  public Integer call() {
    threadsOption.apply();
    try (Net net = weightsOption.load();
        Mnist test = dataOption.load(false)) {
      long start = System.nanoTime();
      Evaluation result = Evaluation.of(net, test);
      double seconds = (System.nanoTime() - start) / 1e9;
      spec.commandLine()
          .getOut()
          .println(
              String.format(
                  Locale.ROOT,
                  "%s on %s: test accuracy %.2f %% (%d of %d), test loss %.4f, %.2f s, %.0f"
                      + " images/s",
                  weightsOption.file(),
                  dataOption.source(),
                  100 * result.accuracy(),
                  result.correct(),
                  result.images(),
                  result.loss(),
                  seconds,
                  result.images() / seconds));
    }
    return 0;
  }
}
