package dev.talus.cli;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;

/** A small data set that is easy to learn: class c is a bright bar at a place of its own. */
final class TinyDigits {
  static final int SIDE = 28;

  private TinyDigits() {}

  /** Writes the four files, gzipped or not. */
  static Path write(Path directory, int train, int test, boolean gzip) throws IOException {
    Files.createDirectories(directory);
    pair(directory, "train", train, 1, gzip);
    pair(directory, "t10k", test, 2, gzip);
    return directory;
  }

  private static void pair(Path directory, String part, int count, long seed, boolean gzip)
      throws IOException {
    Random random = new Random(seed);
    ByteArrayOutputStream images = new ByteArrayOutputStream();
    ByteArrayOutputStream labels = new ByteArrayOutputStream();
    DataOutputStream header = new DataOutputStream(images);
    for (int word : new int[] {0x803, count, SIDE, SIDE}) {
      header.writeInt(word);
    }
    header = new DataOutputStream(labels);
    header.writeInt(0x801);
    header.writeInt(count);
    for (int i = 0; i < count; i++) {
      labels.write(i % 10);
      images.write(pixels(i % 10, random));
    }
    save(directory.resolve(part + "-images-idx3-ubyte"), images.toByteArray(), gzip);
    save(directory.resolve(part + "-labels-idx1-ubyte"), labels.toByteArray(), gzip);
  }

  private static void save(Path file, byte[] bytes, boolean gzip) throws IOException {
    if (!gzip) {
      Files.write(file, bytes);
      return;
    }
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(Path.of(file + ".gz")))) {
      out.write(bytes);
    }
  }

  /** The picture of a class: five horizontal places, in the upper or the lower half, and noise. */
  static byte[] pixels(int digit, Random random) {
    byte[] pixels = new byte[SIDE * SIDE];
    int left = 2 + digit % 5 * 5;
    int top = digit < 5 ? 2 : 15;
    for (int y = top; y < top + 11; y++) {
      for (int x = left; x < left + 4; x++) {
        pixels[y * SIDE + x] = (byte) (180 + random.nextInt(76));
      }
    }
    return pixels;
  }

  /** Writes the picture of a class as a PNG file, light on black. */
  static Path png(Path file, int digit) throws IOException {
    byte[] pixels = pixels(digit, new Random(3));
    BufferedImage image = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < pixels.length; i++) {
      image.setRGB(i % SIDE, i / SIDE, (pixels[i] & 255) * 0x010101);
    }
    ImageIO.write(image, "png", file.toFile());
    return file;
  }
}
