package dev.talus.cli;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import javax.imageio.ImageIO;

/**
 * Turns any picture of a digit into what MNIST's pictures are: 28 x 28 grey values, light ink on
 * black.
 *
 * <ol>
 *   <li>Transparent pixels show white; colours become grey by 0.299 R + 0.587 G + 0.114 B.
 *   <li>A picture whose border is light on average is inverted.
 *   <li>A picture of 28 x 28 is then taken as it is.
 *   <li>Of any other, the rectangle that holds the ink (more than a fifth of full brightness) is
 *       scaled to fit 20 x 20 and placed so that the ink's centre of mass is the middle of the 28 x
 *       28 pixels, as was done with <a href="https://yann.lecun.org/exdb/mnist/">MNIST's
 *       digits</a>.
 * </ol>
 */
final class DigitImage {
  /** The side of the result, in pixels. */
  static final int SIDE = 28;

  private static final int DIGIT_SIDE = 20;
  private static final int INK = 51;

  private DigitImage() {}

  /**
   * Reads a picture.
   *
   * @param file a file of any format that ImageIO reads: PNG, JPEG, GIF, BMP, TIFF
   * @return SIDE * SIDE grey values, row by row
   * @throws UserError naming the file, if it is missing, is no picture or shows nothing
   */
  static byte[] read(Path file) {
    return UserError.reading(file, () -> fromImage(decode(file)));
  }

  private static BufferedImage decode(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new IOException("it is a directory; name image files");
    }
    BufferedImage image;
    try (var in = Files.newInputStream(file)) {
      image = ImageIO.read(in);
    } catch (RuntimeException e) {
      // The decoders answer some broken files with unchecked exceptions.
      throw new IOException("the image is broken: " + e, e);
    }
    if (image == null) {
      throw new IOException("it is no image of a known format (PNG, JPEG, GIF, BMP, TIFF)");
    }
    return image;
  }

  /** Applies the rules above to a picture. */
  static byte[] fromImage(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    double[][] grey = grey(image);
    if (borderMean(grey) > 127.5) {
      for (double[] row : grey) {
        Arrays.setAll(row, x -> 255 - row[x]);
      }
    }
    return bytes(width == SIDE && height == SIDE ? grey : center(grey));
  }

  private static double[][] grey(BufferedImage image) {
    double[][] grey = new double[image.getHeight()][image.getWidth()];
    for (int y = 0; y < grey.length; y++) {
      for (int x = 0; x < grey[y].length; x++) {
        int argb = image.getRGB(x, y);
        double alpha = (argb >>> 24) / 255.0;
        double light =
            0.299 * (argb >> 16 & 255) + 0.587 * (argb >> 8 & 255) + 0.114 * (argb & 255);
        grey[y][x] = alpha * light + (1 - alpha) * 255;
      }
    }
    return grey;
  }

  private static double borderMean(double[][] grey) {
    int height = grey.length;
    int width = grey[0].length;
    double sum = 0;
    for (int x = 0; x < width; x++) {
      sum += grey[0][x] + grey[height - 1][x];
    }
    for (double[] row : grey) {
      sum += row[0] + row[width - 1];
    }
    return sum / (2.0 * (width + height));
  }

  private static double[][] center(double[][] grey) {
    int top = grey.length;
    int left = grey[0].length;
    int bottom = 0;
    int right = 0;
    for (int y = 0; y < grey.length; y++) {
      for (int x = 0; x < grey[y].length; x++) {
        if (grey[y][x] > INK) {
          top = Math.min(top, y);
          bottom = Math.max(bottom, y + 1);
          left = Math.min(left, x);
          right = Math.max(right, x + 1);
        }
      }
    }
    if (bottom == 0) {
      throw new IllegalArgumentException("the image is blank: nothing stands out from its border");
    }
    int longest = Math.max(bottom - top, right - left);
    int height = Math.max(1, Math.round((float) DIGIT_SIDE * (bottom - top) / longest));
    int width = Math.max(1, Math.round((float) DIGIT_SIDE * (right - left) / longest));
    double[][] digit = scale(grey, top, bottom, left, right, height, width);
    return place(digit);
  }

  /** Scales a rectangle by area: each new pixel is the mean of what it covers. */
  private static double[][] scale(
      double[][] from, int top, int bottom, int left, int right, int height, int width) {
    double[][] to = new double[height][width];
    double stepY = (double) (bottom - top) / height;
    double stepX = (double) (right - left) / width;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        double y0 = top + y * stepY;
        double x0 = left + x * stepX;
        double sum = 0;
        for (int v = (int) y0; v < Math.min(bottom, y0 + stepY); v++) {
          double rows = Math.min(v + 1, y0 + stepY) - Math.max(v, y0);
          for (int u = (int) x0; u < Math.min(right, x0 + stepX); u++) {
            sum += from[v][u] * rows * (Math.min(u + 1, x0 + stepX) - Math.max(u, x0));
          }
        }
        to[y][x] = sum / (stepY * stepX);
      }
    }
    return to;
  }

  /** Puts a digit into the square with its centre of mass in the middle, as far as it fits. */
  private static double[][] place(double[][] digit) {
    double mass = 0;
    double momentY = 0;
    double momentX = 0;
    for (int y = 0; y < digit.length; y++) {
      for (int x = 0; x < digit[y].length; x++) {
        mass += digit[y][x];
        momentY += digit[y][x] * (y + 0.5);
        momentX += digit[y][x] * (x + 0.5);
      }
    }
    int top = within((int) Math.round(SIDE / 2.0 - momentY / mass), SIDE - digit.length);
    int left = within((int) Math.round(SIDE / 2.0 - momentX / mass), SIDE - digit[0].length);
    double[][] square = new double[SIDE][SIDE];
    for (int y = 0; y < digit.length; y++) {
      System.arraycopy(digit[y], 0, square[top + y], left, digit[y].length);
    }
    return square;
  }

  private static int within(int value, int max) {
    return Math.max(0, Math.min(max, value));
  }

  private static byte[] bytes(double[][] square) {
    byte[] pixels = new byte[SIDE * SIDE];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) Math.round(within255(square[i / SIDE][i % SIDE]));
    }
    return pixels;
  }

  private static double within255(double value) {
    return Math.max(0, Math.min(255, value));
  }
}
