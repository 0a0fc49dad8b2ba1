package dev.talus.bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Rivals take turns, so that a machine that slows down slows all of them; the medians are compared.
 *
 * <p>Before the first round each warms up. A setting that then needs much more time than the best
 * of the same library is dropped: it cannot become the library's best. Contests of the same work
 * remember each setting, so that one that lost need not warm up to lose again.
 */
final class Contest {
  private static final double HOPELESS = 1.4;

  /** A round of so many seconds averages over enough; two of them must do, the warm-up included. */
  private static final double LONG_ROUND_SECONDS = 0.7;

  /** Sleepers need some milliseconds until the system has spread them over the cores again. */
  private static final double WAKING_SECONDS = 0.02;

  private final Settings settings;
  private final double warmUpSeconds;

  /** Seconds of one call that earlier contests measured, by side and setting. */
  private final Map<String, Double> known = new HashMap<>();

  Contest(Settings settings) {
    this.settings = settings;
    warmUpSeconds = 4 * settings.seconds();
  }

  /** The timings of those who were not dropped, in the order of the rivals. */
  List<Timing> run(List<Rival> rivals) {
    boolean threaded = rivals.stream().anyMatch(rival -> rival.threads() > 1);
    List<Turn> turns = new ArrayList<>();
    for (Rival rival : rivals) {
      Double before = known.get(key(rival.side(), rival.setting()));
      if (before != null && isHopeless(new Turn(rival, before), turns)) {
        continue;
      }
      enter(rival, threaded);
      turns.add(new Turn(rival, warmUp(rival)));
    }
    List<Turn> staying = turns.stream().filter(turn -> !isHopeless(turn, turns)).toList();
    double round = staying.stream().mapToDouble(turn -> turn.seconds(settings)).sum();
    int affordable = (int) Math.max(3, settings.rowSeconds() / round);
    boolean isLong = round > LONG_ROUND_SECONDS;
    int rounds = isLong ? 2 : Math.min(settings.rounds(), affordable);
    double[][] seconds = new double[staying.size()][rounds];
    double[] handover = new double[staying.size()];
    for (int j = 0; isLong && j < staying.size(); j++) {
      seconds[j][0] = staying.get(j).estimate;
    }
    for (int i = isLong ? 1 : 0; i < rounds; i++) {
      for (int j = 0; j < staying.size(); j++) {
        Rival rival = staying.get(j).rival;
        handover[j] = Math.max(handover[j], enter(rival, threaded));
        if (threaded) {
          calls(rival, WAKING_SECONDS, staying.get(j).estimate);
        }
        seconds[j][i] = calls(rival, settings.seconds(), staying.get(j).estimate);
      }
    }
    List<Timing> timings = new ArrayList<>();
    for (int j = 0; j < staying.size(); j++) {
      Rival rival = staying.get(j).rival;
      Timing timing = new Timing(rival.side(), rival.setting(), seconds[j], handover[j]);
      known.put(key(timing.side(), timing.setting()), timing.median());
      timings.add(timing);
    }
    return timings;
  }

  private static String key(String side, String setting) {
    return side + ' ' + setting;
  }

  private record Turn(Rival rival, double estimate) {
    double seconds(Settings settings) {
      return Math.max(estimate, settings.seconds());
    }
  }

  private static boolean isHopeless(Turn turn, List<Turn> all) {
    return all.stream()
        .filter(other -> other.rival.side().equals(turn.rival.side()))
        .anyMatch(other -> turn.estimate > HOPELESS * other.estimate);
  }

  /** Prepares a turn; returns how far apart the cores are, zero for contests of one thread. */
  private static double enter(Rival rival, boolean threaded) {
    double handover = threaded ? Cores.settle() : 0;
    rival.enter().run();
    return handover;
  }

  /** Calls for a while and returns the seconds of one call at best. */
  private double warmUp(Rival rival) {
    long start = System.nanoTime();
    double estimate = seconds(rival.work(), 1);
    if (estimate < warmUpSeconds) {
      // The first call loads and allocates; it says little about the others.
      estimate = seconds(rival.work(), 1);
    }
    while ((System.nanoTime() - start) / 1e9 < warmUpSeconds) {
      double again = seconds(rival.work(), repeats(warmUpSeconds / 8, estimate));
      // The best: one disturbed warm-up must not make a setting look hopeless.
      estimate = Math.min(estimate, again);
    }
    return estimate;
  }

  private static double calls(Rival rival, double atLeast, double estimate) {
    return seconds(rival.work(), repeats(atLeast, estimate));
  }

  private static int repeats(double seconds, double estimate) {
    return (int) Math.max(1, Math.min(100_000_000, Math.ceil(seconds / estimate)));
  }

  private static double seconds(Runnable work, int calls) {
    long start = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      work.run();
    }
    return Math.max(1, System.nanoTime() - start) / 1e9 / calls;
  }
}
