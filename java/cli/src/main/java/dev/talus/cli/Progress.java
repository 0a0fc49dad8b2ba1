package dev.talus.cli;

import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Shows how far an epoch is: a bar that moves on a terminal, else a plain line now and then. */
interface Progress extends AutoCloseable {
  /**
   * Tells that a step is done.
   *
   * @param images images seen in this epoch so far
   * @param loss the mean loss of this epoch so far
   * @param report whether this step is one of those that are logged
   */
  void step(long images, double loss, boolean report);

  @Override
  void close();

  /**
   * Begins an epoch.
   *
   * @param out for the plain lines
   * @param title what the epoch is called
   * @param images how many images it has
   */
  static Progress start(PrintWriter out, String title, long images) {
    return isTerminal() ? new Bar(title, images) : new Lines(out, title, images);
  }

  /** Whether a moving line can be shown. */
  private static boolean isTerminal() {
    if (System.console() == null || "dumb".equals(System.getenv("TERM"))) {
      return false;
    }
    try {
      // Since Java 22 there is a console even without a terminal, and this method tells them apart.
      return (boolean) java.io.Console.class.getMethod("isTerminal").invoke(System.console());
    } catch (NoSuchMethodException e) {
      return true;
    } catch (IllegalAccessException | InvocationTargetException e) {
      return false;
    }
  }

  /** A bar that stays on its line. */
  final class Bar implements Progress {
    private static final int UPDATE_MILLIS = 100;

    private final ProgressBar bar;
    private final long start = System.nanoTime();
    private long lastText = start;

    Bar(String title, long images) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(title)
              .setInitialMax(images)
              .setUnit("", 1)
              .setStyle(ProgressBarStyle.ASCII)
              .setUpdateIntervalMillis(UPDATE_MILLIS)
              .setConsumer(new ConsoleProgressBarConsumer(System.out))
              .build();
    }

    @Override
    public void step(long images, double loss, boolean report) {
      bar.stepTo(images);
      long now = System.nanoTime();
      if (report || now - lastText > UPDATE_MILLIS * 1_000_000L) {
        // The bar's own speed counts whole seconds, and an epoch has only a few.
        double rate = images / ((now - start) / 1e9);
        bar.setExtraMessage(String.format(Locale.ROOT, "loss %.4f, %.0f images/s", loss, rate));
        lastText = now;
      }
    }

    @Override
    public void close() {
      bar.close();
    }
  }

  /** A line for every step that is logged. */
  final class Lines implements Progress {
    private final PrintWriter out;
    private final String title;
    private final long images;
    private final long start = System.nanoTime();

    Lines(PrintWriter out, String title, long images) {
      this.out = out;
      this.title = title;
      this.images = images;
    }

    @Override
    public void step(long done, double loss, boolean report) {
      if (report) {
        double rate = done / ((System.nanoTime() - start) / 1e9);
        out.println(
            String.format(
                Locale.ROOT,
                "%s  %d/%d images  loss %.4f  %.0f images/s  ETA %.0f s",
                title,
                done,
                images,
                loss,
                rate,
                (images - done) / rate));
      }
    }

    @Override
    public void close() {}
  }
}
