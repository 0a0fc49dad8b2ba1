package dev.talus.examples;

import dev.talus.data.Mnist;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;

/** The MNIST digits that are part of this artifact: 60,000 to train and 10,000 to test with. */
public final class EmbeddedMnist {
  private EmbeddedMnist() {}

  /**
   * Reads the training or the test images.
   *
   * @param train true for the training images
   * @return the images, which the caller closes
   * @throws IOException if this artifact was built without the files, or they are damaged
   */
  public static Mnist open(boolean train) throws IOException {
    String part = train ? "train" : "t10k";
    try (InputStream images = stream("mnist/" + part + "-images-idx3-ubyte.gz");
        InputStream labels = stream("mnist/" + part + "-labels-idx1-ubyte.gz")) {
      return Mnist.read(images, labels);
    }
  }

  private static InputStream stream(String name) throws IOException {
    InputStream stream = EmbeddedMnist.class.getResourceAsStream(name);
    if (stream == null) {
      throw new FileNotFoundException(
          name + " is missing from " + EmbeddedMnist.class.getProtectionDomain().getCodeSource());
    }
    return stream;
  }
}
