package dev.talus.data;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.internal.Native;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The handwritten digits of MNIST, or data in its format. The images stay bytes in native memory;
 * batches are made from them by one kernel: padded with black from 28×28 to 32×32, scaled to 0…1
 * and normalised with mean 0.1307 and standard deviation 0.3081.
 *
 * <p>Close it to free the images.
 */
public final class Mnist implements Dataset, AutoCloseable {
  /** Mean of the training images' pixels. */
  public static final double MEAN = 0.1307;

  /** Standard deviation of the training images' pixels. */
  public static final double STD = 0.3081;

  /** Black pixels added at each side. */
  public static final int PADDING = 2;

  /** The number of digits. */
  public static final int CLASSES = 10;

  private final Tensor images;
  private final Tensor labels;

  private Mnist(Tensor images, Tensor labels) {
    this.images = images.keep();
    this.labels = labels.keep();
  }

  /**
   * Loads the training or the test images from a directory with the original files: {@code
   * train-images-idx3-ubyte}, {@code train-labels-idx1-ubyte}, {@code t10k-…}; gzipped with {@code
   * .gz} at the end, or not.
   *
   * @param directory where the files are
   * @param train true for the 60,000 training images, false for the 10,000 test images
   * @throws IOException naming the file that is missing or broken
   */
  public static Mnist load(Path directory, boolean train) throws IOException {
    String split = train ? "train" : "t10k";
    Path images = find(directory, split + "-images-idx3-ubyte");
    Path labels = find(directory, split + "-labels-idx1-ubyte");
    try (InputStream x = Files.newInputStream(images);
        InputStream y = Files.newInputStream(labels)) {
      return read(images.toString(), x, labels.toString(), y);
    }
  }

  private static Path find(Path directory, String name) throws IOException {
    if (!Files.isDirectory(directory)) {
      throw new IOException(directory + " is not a directory");
    }
    for (String suffix : new String[] {"", ".gz"}) {
      Path file = directory.resolve(name + suffix);
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    throw new IOException(
        directory + " has neither " + name + " nor " + name + ".gz; put the MNIST files there");
  }

  /**
   * Reads images and labels from streams, gzipped or not.
   *
   * @param images an IDX file of images
   * @param labels an IDX file of labels
   * @throws IOException if they are broken or do not belong together
   */
  public static Mnist read(InputStream images, InputStream labels) throws IOException {
    return read("images", images, "labels", labels);
  }

  private static Mnist read(
      String imagesName, InputStream images, String labelsName, InputStream labels)
      throws IOException {
    try (Scope scope = Scope.open()) {
      Tensor x = IdxReader.read(imagesName, images, 3);
      Tensor y = IdxReader.read(labelsName, labels, 1);
      if (x.size(0) != y.size(0)) {
        throw new IOException(
            imagesName
                + " has "
                + x.size(0)
                + " images, but "
                + labelsName
                + " has "
                + y.size(0)
                + " labels");
      }
      byte[] values = y.toByteArray();
      for (int i = 0; i < values.length; i++) {
        if (values[i] < 0 || values[i] >= CLASSES) {
          throw new IOException(
              labelsName + ": label " + i + " is " + (values[i] & 0xff) + ", expected 0 to 9");
        }
      }
      return new Mnist(x, y.to(DType.INT64));
    }
  }

  @Override
  public long size() {
    return labels.numel();
  }

  /** The images as they are in the file: uint8 [N, H, W], owned by this data set. */
  public Tensor images() {
    return images;
  }

  /** The digits: int64 [N], owned by this data set. */
  public Tensor labels() {
    return labels;
  }

  /** One image [1, H + 4, W + 4] and its digit []. */
  @Override
  public Sample get(long index) {
    try (Scope scope = Scope.open()) {
      Batch one = batch(index);
      return new Sample(scope.escape(one.x().squeeze(0)), scope.escape(one.y().squeeze(0)));
    }
  }

  /** Images [N, 1, H + 4, W + 4] and digits [N]. */
  @Override
  public Batch batch(long... indices) {
    for (long index : indices) {
      if (index < 0 || index >= size()) {
        throw new IndexOutOfBoundsException("no image " + index + ": there are " + size());
      }
    }
    try (Scope scope = Scope.open()) {
      Tensor index = Tensor.of(indices);
      return new Batch(
          scope.escape(normalized(images, index)), scope.escape(labels.indexSelect(0, index)));
    }
  }

  /**
   * Makes the network's input of gray images: padded, scaled and normalised like the data set's.
   *
   * @param images uint8 [N, H, W], white digits on black
   * @return float32 [N, 1, H + 4, W + 4]
   * @throws IllegalArgumentException for another type or number of dimensions
   */
  public static Tensor normalize(Tensor images) {
    if (images.dtype() != DType.UINT8 || images.dim() != 3) {
      throw new IllegalArgumentException(
          "expected uint8 images [N, H, W], got " + images.geometry().describe());
    }
    try (Scope scope = Scope.open()) {
      return scope.escape(
          normalized(images.contiguous(), Tensor.arange(0, images.size(0), 1, images.device())));
    }
  }

  private static Tensor normalized(Tensor images, Tensor index) {
    long height = images.size(1);
    long width = images.size(2);
    Tensor out =
        Tensor.allocate(
            DType.FLOAT32,
            images.device(),
            index.numel(),
            1,
            height + 2 * PADDING,
            width + 2 * PADDING);
    Native.imageBatch(
        out.device().id(),
        images.size(0),
        height,
        width,
        PADDING,
        MEAN,
        STD,
        index.numel(),
        images.address(),
        index.address(),
        out.address());
    return out;
  }

  /** Frees images and labels. Closing twice does nothing. */
  @Override
  public void close() {
    images.close();
    labels.close();
  }
}
