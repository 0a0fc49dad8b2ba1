package dev.talus.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The process that measures one family with one way of waiting, which libtorch reads from the
 * environment. Arguments: the family and the name of the way. Prints one line for each result.
 */
final class Worker {
  /** What a line with a result begins with. */
  static final String MARK = "@bench ";

  /** A call of this length does not feel how idle threads wait: only the usual way is measured. */
  private static final double LONG_CALL_SECONDS = 0.01;

  private final Family family;
  private final String waiting;
  private final Settings settings = Settings.fromProperties();
  private final Contest contest;

  private Worker(Family family, String waiting) {
    this.family = family;
    this.waiting = waiting;
    contest =
        family.warmUpSeconds() > 0
            ? new Contest(settings, family.warmUpSeconds())
            : new Contest(settings);
  }

  /** Measures. */
  public static void main(String[] args) {
    new Worker(Families.named(args[0]), args[1]).run();
  }

  private void run() {
    for (Row row : family.rows()) {
      if (settings.selects(row.name())) {
        measure(row);
      }
    }
  }

  private void measure(Row row) {
    boolean usual = waiting.equals(Bench.USUAL_WAITING);
    try (Work work = row.open().get()) {
      int most = Arrays.stream(settings.threads()).max().orElseThrow();
      Threads.talus(most);
      Threads.torch(most, most);
      work.check();
      for (int threads : settings.threads()) {
        if (threads == 1 && (family.isScaling() || !usual)) {
          continue;
        }
        if (!usual && seconds(work.torch()) > LONG_CALL_SECONDS) {
          continue;
        }
        List<Rival> rivals = family.isScaling() ? scaling(work, threads) : work.rivals(threads);
        List<Timing> timings = new ArrayList<>();
        for (Timing timing : contest.run(rivals)) {
          double[] rounds = timing.rounds().clone();
          for (int i = 0; i < rounds.length; i++) {
            rounds[i] /= row.calls();
          }
          timings.add(new Timing(timing.side(), timing.setting(), rounds));
        }
        print(new Result(row.name(), threads, waiting, timings, null));
      }
    } catch (IllegalStateException failure) {
      print(new Result(row.name(), 0, waiting, List.of(), failure.getMessage()));
    }
  }

  private static List<Rival> scaling(Work work, int threads) {
    return List.of(
        new Rival(Rival.TALUS, threads + "t", threads, () -> Threads.talus(threads), work.talus()),
        new Rival(Rival.ONE_THREAD, "1t", 1, () -> Threads.talus(1), work.talus()));
  }

  private static double seconds(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e9;
  }

  private static void print(Result result) {
    System.out.println(MARK + result.toJson());
  }
}
