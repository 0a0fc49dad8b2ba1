package dev.talus.bench;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Prints a family's table and keeps it for the JSON file. */
final class Report {
  private final List<Object> families = new ArrayList<>();

  /** The tables so far. */
  List<Object> families() {
    return families;
  }

  /** Adds a table that has a form of its own. */
  void add(Map<String, Object> family) {
    families.add(family);
  }

  /**
   * Prints a table.
   *
   * @param family its name and target
   * @param lines in order
   * @param failures rows that could not be measured, with the reason
   */
  void print(Family family, List<Line> lines, List<String> failures) {
    System.out.println();
    System.out.println(family.name() + ": " + family.title());
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("family", family.name());
    map.put("title", family.title());
    if (!lines.isEmpty()) {
      table(lines);
      map.put("summary", summaries(lines));
      map.put("total", total(family, lines));
      map.put("rows", lines.stream().map(Line::toMap).toList());
    }
    failures.forEach(failure -> System.out.println("FAILED " + failure));
    map.put("failures", failures);
    families.add(map);
  }

  private void table(List<Line> lines) {
    List<List<String>> cells = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("", "threads", "Talus"));
    List<Line.Peer> peers =
        lines.stream().map(Line::peers).max(Comparator.comparingInt(List::size)).orElseThrow();
    for (Line.Peer peer : peers) {
      head.addAll(List.of(peer.side(), "ratio (min - max)"));
    }
    head.addAll(List.of("rate", "of peak", "target", ""));
    cells.add(head);
    for (Line line : lines) {
      List<String> row = new ArrayList<>();
      row.add(line.row().name());
      row.add(Integer.toString(line.threads()));
      row.add(time(line.seconds()));
      for (Line.Peer peer : line.peers()) {
        row.add(time(peer.seconds()) + setting(peer, line.threads()));
        row.add(format("%.2f (%.2f - %.2f)", peer.ratio(), peer.least(), peer.most()));
      }
      while (row.size() < head.size() - 4) {
        row.add("");
      }
      row.add(rate(line));
      row.add(line.share() > 0 ? Line.percent(line.share()) : "");
      row.add(line.target());
      row.add(line.verdict() + (line.isFar() ? ", cores far apart" : ""));
      cells.add(row);
    }
    System.out.print(align(cells));
  }

  /** Which setting was the peer's best, where there was a choice. */
  private static String setting(Line.Peer peer, int threads) {
    if (threads == 1) {
      return "";
    }
    return " " + peer.setting() + (peer.side().equals(Rival.TORCH) ? " " + peer.waiting() : "");
  }

  private static String rate(Line line) {
    if (line.row().flops() > 0) {
      return format("%.1f GF/s", line.row().flops() / line.seconds() / 1e9);
    }
    if (line.row().bytes() > 0) {
      return format("%.1f GB/s", line.row().bytes() / line.seconds() / 1e9);
    }
    return "";
  }

  /** Prints and returns the mean and the worst of each number of threads. */
  private static List<Object> summaries(List<Line> lines) {
    List<Object> summaries = new ArrayList<>();
    for (int threads : lines.stream().map(Line::threads).distinct().sorted().toList()) {
      List<Line> some = lines.stream().filter(line -> line.threads() == threads).toList();
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("threads", threads);
      StringBuilder text = new StringBuilder();
      for (String side : some.get(0).peers().stream().map(Line.Peer::side).toList()) {
        List<Double> ratios = new ArrayList<>();
        String worstRow = "";
        double worst = Double.MAX_VALUE;
        for (Line line : some) {
          for (Line.Peer peer : line.peers()) {
            if (peer.side().equals(side)) {
              ratios.add(peer.ratio());
              if (peer.ratio() < worst) {
                worst = peer.ratio();
                worstRow = line.row().name();
              }
            }
          }
        }
        double mean = Statistics.geometricMean(ratios);
        text.append(
            String.format(
                Locale.ROOT,
                "; %s: geometric mean %.2f, worst %.2f (%s)",
                side,
                mean,
                worst,
                worstRow));
        map.put(side, Map.of("geometric_mean", mean, "worst", worst, "worst_row", worstRow));
      }
      long met = some.stream().filter(Line::isMet).count();
      map.put("met", met);
      map.put("rows", some.size());
      summaries.add(map);
      System.out.println(format("%s: %d of %d met%s", threads(threads), met, some.size(), text));
    }
    return summaries;
  }

  /** Prints and returns the closing line: the least favourable ratio of every row. */
  private static Map<String, Object> total(Family family, List<Line> lines) {
    double mean = Statistics.geometricMean(lines.stream().map(Line::ratio).toList());
    Line worst = lines.stream().min(Comparator.comparingDouble(Line::ratio)).orElseThrow();
    long met = lines.stream().filter(Line::isMet).count();
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("geometric_mean", mean);
    String verdict = "";
    if (family.meanTarget() > 0) {
      boolean isMet = mean >= family.meanTarget();
      map.put("target_mean", family.meanTarget());
      map.put("mean_met", isMet);
      verdict = format(" (target %.2f, %s)", family.meanTarget(), isMet ? "met" : "MISSED");
    }
    map.put("worst", worst.ratio());
    map.put("worst_row", worst.row().name());
    map.put("worst_threads", worst.threads());
    map.put("met", met);
    map.put("rows", lines.size());
    System.out.println(
        format(
            "%s: %d of %d targets met; geometric mean %.2f%s; worst %.2f, %s, %s",
            family.name(),
            met,
            lines.size(),
            mean,
            verdict,
            worst.ratio(),
            worst.row().name(),
            threads(worst.threads())));
    return map;
  }

  private static String format(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }

  private static String threads(int count) {
    return count == 1 ? "1 thread" : count + " threads";
  }

  /** A time with three digits and its unit. */
  static String time(double seconds) {
    String[] units = {"ns", "us", "ms", "s"};
    double value = seconds * 1e9;
    int unit = 0;
    while (value >= 999.5 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return format("%." + decimals + "f %s", value, units[unit]);
  }

  /** Columns as wide as their widest cell, the first to the left, the others to the right. */
  static String align(List<List<String>> cells) {
    int columns = cells.get(0).size();
    int[] widths = new int[columns];
    for (List<String> row : cells) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : cells) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        String pad = " ".repeat(widths[i] - row.get(i).length());
        line.append(i == 0 ? row.get(i) + pad : "  " + pad + row.get(i));
      }
      text.append(line.toString().stripTrailing()).append(System.lineSeparator());
    }
    return text.toString();
  }
}
