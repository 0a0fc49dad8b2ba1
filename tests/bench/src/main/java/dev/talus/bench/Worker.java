package dev.talus.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * The process that measures one family with one way of waiting, which libtorch reads from the
 * environment. Arguments: the family, the name of the way, and the rows. Prints one line for each
 * result.
 */
final class Worker {
  /** What a line with a result begins with. */
  static final String MARK = "@bench ";

  private final Family family;
  private final String waiting;
  private final Settings settings = Settings.fromProperties();

  private Worker(Family family, String waiting) {
    this.family = family;
    this.waiting = waiting;
  }

  /** Measures. */
  public static void main(String[] args) {
    Set<String> rows = new HashSet<>(Arrays.asList(args).subList(2, args.length));
    new Worker(Families.named(args[0]), args[1]).run(rows);
  }

  private void run(Set<String> rows) {
    for (Row row : family.rows()) {
      if (rows.contains(row.name())) {
        measure(row);
      }
    }
  }

  private void measure(Row row) {
    boolean usual = waiting.equals(Bench.USUAL_WAITING);
    Contest contest = new Contest(settings);
    try (Work work = row.open().get()) {
      int most = Arrays.stream(settings.threads()).max().orElseThrow();
      Threads.talus(most);
      Threads.torch(most, most);
      work.check();
      if (!family.isScaling() && family.warmUpSeconds() > 0) {
        warmUp(work.talus());
        warmUp(work.torch());
      }
      for (int threads : settings.threads()) {
        if (threads == 1 && (family.isScaling() || !usual)) {
          continue;
        }
        List<Rival> rivals = family.isScaling() ? scaling(work, threads) : work.rivals(threads);
        List<Timing> timings = new ArrayList<>();
        for (Timing timing : contest.run(rivals)) {
          double[] rounds = timing.rounds().clone();
          for (int i = 0; i < rounds.length; i++) {
            rounds[i] /= row.calls();
          }
          timings.add(new Timing(timing.side(), timing.setting(), rounds, timing.handoverNanos()));
        }
        print(new Result(row.name(), threads, waiting, timings, null));
      }
    } catch (RuntimeException failure) {
      // Results that differ, or an exception of a library: the other rows can still be measured.
      String why = Objects.requireNonNullElse(failure.getMessage(), failure.toString());
      print(new Result(row.name(), 0, waiting, List.of(), why));
    }
  }

  /** Until the JVM has compiled what the row calls; contests warm up what depends on threads. */
  private void warmUp(Runnable work) {
    long start = System.nanoTime();
    while ((System.nanoTime() - start) / 1e9 < family.warmUpSeconds()) {
      work.run();
    }
  }

  private static List<Rival> scaling(Work work, int threads) {
    return List.of(
        new Rival(Rival.TALUS, threads + "t", threads, () -> Threads.talus(threads), work.talus()),
        new Rival(Rival.ONE_THREAD, "1t", 1, () -> Threads.talus(1), work.talus()));
  }

  private static void print(Result result) {
    System.out.println(MARK + result.toJson());
  }
}
