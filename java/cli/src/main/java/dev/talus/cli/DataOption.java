package dev.talus.cli;

import dev.talus.data.Mnist;
import dev.talus.examples.EmbeddedMnist;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** {@code --data}: where the images come from. */
final class DataOption {
  private static final String EMBEDDED = "mnist";

  @Option(
      names = "--data",
      paramLabel = "DIR",
      defaultValue = EMBEDDED,
      description =
          "mnist for the digits inside this program, or a directory with the four IDX files"
              + " (train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte,"
              + " t10k-labels-idx1-ubyte), each as it is or gzipped as .gz.")
  private String source;

  /** What was given. */
  String source() {
    return source;
  }

  /**
   * Reads the training or the test images.
   *
   * @param train true for the training images
   * @return the images, which the caller closes
   * @throws UserError naming the file that is missing or broken, or has images of another size
   */
  Mnist load(boolean train) {
    Mnist mnist =
        UserError.reading(
            source,
            () ->
                source.equals(EMBEDDED)
                    ? EmbeddedMnist.open(train)
                    : Mnist.load(Path.of(source), train));
    long height = mnist.images().size(1);
    long width = mnist.images().size(2);
    if (height != DigitImage.SIDE || width != DigitImage.SIDE) {
      mnist.close();
      throw new UserError(
          source
              + " holds images of "
              + height
              + " x "
              + width
              + " pixels; the network takes 28 x 28");
    }
    return mnist;
  }
}
