package dev.talus.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DigitImageTest {
  private static final int SIDE = DigitImage.SIDE;

  @Test
  void takesAnImageOf28By28AsItIs(@TempDir Path dir) throws IOException {
    Path file = TinyDigits.png(dir.resolve("7.png"), 7);
    assertThat(DigitImage.read(file)).isEqualTo(TinyDigits.pixels(7, new Random(3)));
  }

  @Test
  void invertsALightBackground() {
    byte[] onWhite = DigitImage.fromImage(bar(SIDE, SIDE, 10, 4, 3, 20, Color.WHITE, Color.BLACK));
    byte[] onBlack = DigitImage.fromImage(bar(SIDE, SIDE, 10, 4, 3, 20, Color.BLACK, Color.WHITE));
    assertThat(onWhite).isEqualTo(onBlack);
    assertThat(onWhite[5 * SIDE + 11]).isEqualTo((byte) 255);
    assertThat(onWhite[0]).isZero();
  }

  @Test
  void scalesTheInkTo20PixelsAndCentersIt() {
    // 60 x 200 of ink, far from the middle, becomes 6 x 20 in the middle.
    byte[] pixels = DigitImage.fromImage(bar(400, 300, 300, 20, 60, 200, Color.WHITE, Color.BLACK));
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        boolean ink = y >= 4 && y < 24 && x >= 11 && x < 17;
        assertThat(pixels[y * SIDE + x] & 255)
            .as("row %d column %d", y, x)
            .isEqualTo(ink ? 255 : 0);
      }
    }
  }

  @Test
  void enlargesSmallImages() {
    byte[] pixels = DigitImage.fromImage(bar(9, 9, 3, 2, 1, 5, Color.BLACK, Color.WHITE));
    long lit = 0;
    for (byte pixel : pixels) {
      lit += (pixel & 255) == 255 ? 1 : 0;
    }
    assertThat(lit).isEqualTo(20 * 4);
  }

  @Test
  void showsTransparentPixelsAsWhite() {
    BufferedImage image = new BufferedImage(SIDE, SIDE, BufferedImage.TYPE_INT_ARGB);
    image.setRGB(14, 14, 0xff000000);
    byte[] pixels = DigitImage.fromImage(image);
    assertThat(pixels[14 * SIDE + 14]).isEqualTo((byte) 255);
    assertThat(pixels[0]).isZero();
  }

  @Test
  void weighsColoursByBrightness() {
    BufferedImage image = bar(SIDE, SIDE, 10, 10, 3, 3, Color.BLACK, new Color(200, 100, 50));
    assertThat(DigitImage.fromImage(image)[11 * SIDE + 11] & 255).isEqualTo(124);
  }

  @Test
  void rejectsABlankImage() {
    BufferedImage blank = bar(100, 100, 0, 0, 0, 0, Color.WHITE, Color.BLACK);
    assertThatThrownBy(() -> DigitImage.fromImage(blank)).hasMessageContaining("blank");
  }

  @Test
  void namesTheFileThatIsNoImage(@TempDir Path dir) throws IOException {
    Path text = Files.writeString(dir.resolve("notes.png"), "no image");
    assertThatThrownBy(() -> DigitImage.read(text))
        .isInstanceOf(UserError.class)
        .hasMessageContainingAll(text.toString(), "no image of a known format");
    assertThatThrownBy(() -> DigitImage.read(dir.resolve("absent.png")))
        .isInstanceOf(UserError.class)
        .hasMessageContaining("there is no " + dir.resolve("absent.png"));
    assertThatThrownBy(() -> DigitImage.read(dir))
        .isInstanceOf(UserError.class)
        .hasMessageContaining("directory");
  }

  @Test
  void namesTheFileThatIsCutShort(@TempDir Path dir) throws IOException {
    Path whole = TinyDigits.png(dir.resolve("3.png"), 3);
    byte[] bytes = Files.readAllBytes(whole);
    Path cut = Files.write(dir.resolve("cut.png"), java.util.Arrays.copyOf(bytes, 40));
    assertThatThrownBy(() -> DigitImage.read(cut))
        .isInstanceOf(UserError.class)
        .hasMessageContaining(cut.toString());
  }

  private static BufferedImage bar(
      int width, int height, int x, int y, int w, int h, Color background, Color ink) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = image.createGraphics();
    g.setColor(background);
    g.fillRect(0, 0, width, height);
    g.setColor(ink);
    g.fillRect(x, y, w, h);
    g.dispose();
    return image;
  }
}
