package dev.talus.memory;

import java.util.Locale;

/**
 * The counters of a device's allocator at one moment. Sizes are bytes, as rounded up by the
 * allocator's size classes.
 *
 * @param liveBytes bytes in blocks that are in use
 * @param liveBlocks blocks in use
 * @param cachedBytes bytes in free blocks kept for reuse
 * @param peakBytes the highest liveBytes since the start or {@link Allocator#resetPeak()}
 * @param limitBytes the upper bound on live and cached bytes together
 * @param allocations requests so far
 * @param systemAllocations requests that had to go to the operating system
 */
public record MemoryStats(
    long liveBytes,
    long liveBlocks,
    long cachedBytes,
    long peakBytes,
    long limitBytes,
    long allocations,
    long systemAllocations) {

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "live %s in %d blocks, cached %s, peak %s, limit %s",
        human(liveBytes),
        liveBlocks,
        human(cachedBytes),
        human(peakBytes),
        human(limitBytes));
  }

  /**
   * A size for people, such as {@code 1.5 MiB}.
   *
   * @param bytes a number of bytes
   */
  public static String human(long bytes) {
    if (bytes == Long.MAX_VALUE) {
      return "unlimited";
    }
    String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
    double size = bytes;
    int unit = 0;
    while (size >= 1024 && unit < units.length - 1) {
      size /= 1024;
      unit++;
    }
    return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.1f %s", size, units[unit]);
  }
}
