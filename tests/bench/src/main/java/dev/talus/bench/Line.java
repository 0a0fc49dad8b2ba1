package dev.talus.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A line of the report: Talus beside the best setting of each peer. The two times that make a ratio
 * are from one process, the one in which the peer was fastest.
 *
 * @param row what was measured
 * @param threads how many threads Talus used
 * @param peers libtorch first, if it took part
 * @param seconds Talus's time of one operation, beside the first peer
 * @param share of the physical limit, or 0 if that is not known
 */
record Line(Row row, int threads, List<Peer> peers, double seconds, double share) {
  /**
   * A peer's best setting.
   *
   * @param side the library
   * @param setting how many threads it used
   * @param waiting how its idle threads waited
   * @param seconds of one operation
   * @param talusSeconds Talus's time in the same process
   * @param ratio its time over Talus's, of the medians
   * @param least of the ratios of single rounds
   * @param most of the ratios of single rounds
   * @param handoverNanos how far apart the cores were at most, for either
   */
  record Peer(
      String side,
      String setting,
      String waiting,
      double seconds,
      double talusSeconds,
      double ratio,
      double least,
      double most,
      double handoverNanos) {
    private static Peer of(Result result, Timing timing) {
      Timing talus = result.of(Rival.TALUS).get(0);
      double[] ratios = timing.ratios(talus);
      return new Peer(
          timing.side(),
          timing.setting(),
          result.waiting(),
          timing.median(),
          talus.median(),
          timing.median() / talus.median(),
          Arrays.stream(ratios).min().orElseThrow(),
          Arrays.stream(ratios).max().orElseThrow(),
          Math.max(talus.handoverNanos(), timing.handoverNanos()));
    }
  }

  /** Sums up what the processes measured of a row with one number of threads. */
  static Line of(Row row, int threads, List<Result> results, Peaks peaks) {
    List<Peer> peers = new ArrayList<>();
    for (String side : List.of(Rival.TORCH, Rival.BLAS, Rival.ONE_THREAD)) {
      results.stream()
          .flatMap(result -> result.of(side).stream().map(timing -> Peer.of(result, timing)))
          .min(Comparator.comparingDouble(Peer::seconds))
          .ifPresent(peers::add);
    }
    double seconds = peers.get(0).talusSeconds();
    return new Line(row, threads, peers, seconds, peaks.share(row, threads, seconds));
  }

  /** Peer's time over Talus's, the least favourable. */
  double ratio() {
    return peers.stream().mapToDouble(Peer::ratio).min().orElseThrow();
  }

  /** Whether the cores were far apart in some round. */
  boolean isFar() {
    return peers.stream().anyMatch(peer -> peer.handoverNanos > Cores.FAR_NANOS);
  }

  /** Whether all targets are met. */
  boolean isMet() {
    return meetsFirst() && (!isShareJudged() || meetsShare());
  }

  /** Whether the first target is met: a time if the row has one, else the ratio to every peer. */
  private boolean meetsFirst() {
    return row.limitNanos() > 0 ? seconds * 1e9 <= row.limitNanos() : ratio() >= row.target();
  }

  /**
   * Whether the row has a share as its target, and this machine's limit is known and is one. That
   * of multiply-adds is a core's.
   */
  private boolean isShareJudged() {
    return row.share() > 0 && share > 0 && (row.flops() == 0 || threads == 1);
  }

  private boolean meetsShare() {
    return share >= row.share();
  }

  /** The targets, as the table shows them. */
  String target() {
    String first =
        row.limitNanos() > 0
            ? Report.time(row.limitNanos() / 1e9)
            : String.format(Locale.ROOT, "%.2f", row.target());
    return isShareJudged() ? first + ", " + percent(row.share()) : first;
  }

  /** For each target whether it is met. */
  String verdict() {
    String first = word(meetsFirst());
    return isShareJudged() ? first + ", " + word(meetsShare()) : first;
  }

  private static String word(boolean met) {
    return met ? "met" : "MISSED";
  }

  /** A share as the table shows it. */
  static String percent(double share) {
    return String.format(Locale.ROOT, "%.0f%%", 100 * share);
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("row", row.name());
    map.put("threads", threads);
    map.put("talus_seconds", seconds);
    List<Object> list = new ArrayList<>();
    for (Peer peer : peers) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("name", peer.side);
      one.put("setting", peer.setting);
      one.put("waiting", peer.waiting);
      one.put("seconds", peer.seconds);
      one.put("talus_seconds", peer.talusSeconds);
      one.put("ratio", peer.ratio);
      one.put("ratio_min", peer.least);
      one.put("ratio_max", peer.most);
      one.put("handover_nanos", peer.handoverNanos);
      list.add(one);
    }
    map.put("peers", list);
    if (row.flops() > 0) {
      map.put("gflops", row.flops() / seconds / 1e9);
    }
    if (row.bytes() > 0) {
      map.put("gbs", row.bytes() / seconds / 1e9);
    }
    if (share > 0) {
      map.put("share_of_peak", share);
    }
    if (row.limitNanos() > 0) {
      map.put("target_nanos", row.limitNanos());
    } else {
      map.put("target_ratio", row.target());
    }
    if (isShareJudged()) {
      map.put("target_share", row.share());
      map.put("share_met", meetsShare());
    }
    map.put("met", isMet());
    return map;
  }
}
