package dev.talus.bench;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
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
        timings.add(new Timing((String) one.get("side"), (String) one.get("setting"), rounds));
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
