package dev.talus.cli;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Draws {@code loss.png}: the training loss along the steps, and the test loss after each epoch.
 */
final class LossChart {
  private final List<Double> steps = new ArrayList<>();
  private final List<Double> losses = new ArrayList<>();
  private final List<Double> epochEnds = new ArrayList<>();
  private final List<Double> testLosses = new ArrayList<>();

  /** Adds a point of the training curve. */
  void addStep(long step, double loss) {
    steps.add((double) step);
    losses.add(loss);
  }

  /** Adds a point of the test curve. */
  void addEpoch(long step, double testLoss) {
    epochEnds.add((double) step);
    testLosses.add(testLoss);
  }

  /**
   * Draws what was added so far.
   *
   * @param file the PNG file to write or replace
   * @throws UserError naming the file, if it cannot be written
   */
  void save(Path file) {
    XYChart chart =
        new XYChartBuilder()
            .width(900)
            .height(540)
            .title("Loss")
            .xAxisTitle("step")
            .yAxisTitle("cross entropy")
            .build();
    chart.getStyler().setLegendPosition(LegendPosition.InsideNE);
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    chart.getStyler().setYAxisMin(0.0);
    chart.addSeries("training", steps, losses).setMarker(SeriesMarkers.NONE);
    XYSeries test = chart.addSeries("test", epochEnds, testLosses);
    test.setMarker(SeriesMarkers.CIRCLE);
    OutputFile.write(file, part -> draw(chart, part));
  }

  /**
   * Why no chart can be drawn here, or null where it can: Java draws text with the system's fonts,
   * and a bare server may have none.
   */
  static String obstacle() {
    try {
      Graphics2D graphics = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB).createGraphics();
      graphics.getFontMetrics().stringWidth("loss");
      graphics.dispose();
      return null;
    } catch (Error | RuntimeException e) {
      // Which error it is depends on what exactly is missing.
      return "Java finds no fonts to draw with ("
          + e
          + "); install fontconfig and a font, such as fonts-dejavu-core";
    }
  }

  private static void draw(XYChart chart, Path part) throws IOException {
    try (var out = Files.newOutputStream(part)) {
      BitmapEncoder.saveBitmap(chart, out, BitmapFormat.PNG);
    }
  }
}
