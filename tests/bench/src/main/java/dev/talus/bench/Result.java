package dev.talus.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What one process measured of a row with one number of threads.
 *
 * @param row its name
 * @param threads how many threads Talus used
 * @param waiting how libtorch's idle threads waited
 * @param timings seconds of one operation
 * @param failure why there are none, or null
 */
record Result(String row, int threads, String waiting, List<Timing> timings, String failure) {

  /** The timings of one library; several settings of it may be there. */
  List<Timing> of(String side) {
    return timings.stream().filter(timing -> timing.side().equals(side)).toList();
  }

  /** One line for people: each side's best, which the table may yet improve on. */
  String text() {
    if (failure != null) {
      return row + " FAILED: " + failure;
    }
    StringBuilder text = new StringBuilder(row);
    text.append(threads == 1 ? ", 1 thread" : ", " + threads + " threads, waiting " + waiting);
    for (String side : timings.stream().map(Timing::side).distinct().toList()) {
      Timing best = of(side).stream().min(Comparator.comparingDouble(Timing::median)).orElseThrow();
      text.append("  ").append(side).append(' ').append(Report.time(best.median()));
      if (!side.equals(Rival.TALUS)) {
        double ratio = best.median() / of(Rival.TALUS).get(0).median();
        text.append(String.format(Locale.ROOT, " (%.2f)", ratio));
      }
    }
    if (timings.stream().anyMatch(Timing::isFar)) {
      text.append("  cores far apart");
    }
    return text.toString();
  }

  /** One line of JSON. */
  String toJson() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("row", row);
    map.put("threads", threads);
    map.put("waiting", waiting);
    if (failure != null) {
      map.put("failure", failure);
    }
    List<Object> list = new ArrayList<>();
    for (Timing timing : timings) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("side", timing.side());
      one.put("setting", timing.setting());
      one.put("rounds", timing.rounds());
      one.put("handover_nanos", timing.handoverNanos());
      list.add(one);
    }
    map.put("timings", list);
    try {
      return JSON.std.asString(map);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Reads what {@link #toJson} wrote. */
  static Result fromJson(String json) {
    try {
      Map<String, Object> map = JSON.std.mapFrom(json);
      List<Timing> timings = new ArrayList<>();
      for (Object entry : (List<?>) map.get("timings")) {
        Map<?, ?> one = (Map<?, ?>) entry;
        double[] rounds =
            ((List<?>) one.get("rounds"))
                .stream().mapToDouble(number -> ((Number) number).doubleValue()).toArray();
        timings.add(
            new Timing(
                (String) one.get("side"),
                (String) one.get("setting"),
                rounds,
                ((Number) one.get("handover_nanos")).doubleValue()));
      }
      return new Result(
          (String) map.get("row"),
          ((Number) map.get("threads")).intValue(),
          (String) map.get("waiting"),
          timings,
          (String) map.get("failure"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
