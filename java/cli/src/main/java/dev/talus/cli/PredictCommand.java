package dev.talus.cli;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.data.Mnist;
import dev.talus.examples.Net;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code talus predict}: which digit each picture shows. */
@Command(
    name = "predict",
    description = {
      "Prints the digit that each image shows, and the probability of every digit.",
      "",
      "An image of any size and format (PNG, JPEG, GIF, BMP, TIFF) is made like MNIST's: grey, with"
          + " transparent pixels white; inverted if its border is light; then, unless it is 28 x"
          + " 28 already, its ink scaled to fit 20 x 20 and centred by mass in 28 x 28. As in"
          + " training it is padded to 32 x 32 and normalised."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    sortOptions = false,
    showDefaultValues = true)
final class PredictCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private WeightsOption weightsOption;
  @Mixin private ThreadsOption threadsOption;

  @Parameters(paramLabel = "IMAGE", arity = "1..*", description = "The image files.")
  private List<Path> files;

  @Override
  public Integer call() {
    threadsOption.apply();
    List<byte[]> images = files.stream().map(DigitImage::read).toList();
    try (Net net = weightsOption.load();
        Autograd.GradMode mode = Autograd.noGrad();
        Scope scope = Scope.open()) {
      net.eval();
      float[] probabilities = net.forward(batch(images)).softmax(1).toFloatArray();
      for (int i = 0; i < files.size(); i++) {
        print(files.get(i), probabilities, 10 * i);
      }
    }
    return 0;
  }

  /** The images as the network takes them: padded and normalised, [N, 1, 32, 32]. */
  private static Tensor batch(List<byte[]> images) {
    int size = DigitImage.SIDE * DigitImage.SIDE;
    byte[] pixels = new byte[images.size() * size];
    for (int i = 0; i < images.size(); i++) {
      System.arraycopy(images.get(i), 0, pixels, i * size, size);
    }
    return Mnist.normalize(Tensor.of(pixels, images.size(), DigitImage.SIDE, DigitImage.SIDE));
  }

  private void print(Path file, float[] probabilities, int start) {
    int best = 0;
    StringBuilder all = new StringBuilder();
    for (int digit = 0; digit < 10; digit++) {
      float p = probabilities[start + digit];
      best = p > probabilities[start + best] ? digit : best;
      all.append(String.format(Locale.ROOT, "  %d: %.4f", digit, p));
    }
    spec.commandLine().getOut().println(file + ": " + best + " " + all);
  }
}
