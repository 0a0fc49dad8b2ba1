package dev.talus.memory;

import com.sun.management.OperatingSystemMXBean;
import dev.talus.Device;
import dev.talus.internal.Native;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/**
 * The caching allocator that all tensor bytes of a device come from.
 *
 * <p>Its limit bounds live and cached bytes. On the CPU it defaults to the memory this machine or
 * container grants, less the Java heap's maximum; the system property {@code talus.memory.limit}
 * sets it, as bytes or with a unit: {@code 512m}, {@code 8g}. A GPU has no limit but its memory,
 * unless {@code talus.cuda.memory.limit} sets one for each. A value that is no size is an error
 * whenever the device's memory is used, as is a level that {@link LeakDetector} does not know.
 */
public final class Allocator {
  /** The allocator of {@link Device#CPU}. */
  public static final Allocator CPU = new Allocator(Device.CPU, "talus.memory.limit");

  /** Those of the GPUs, once somebody asks for them. */
  private static final class Gpus {
    static final Allocator[] ALL = new Allocator[Device.cudaCount()];

    static {
      for (int i = 0; i < ALL.length; i++) {
        ALL[i] = new Allocator(Device.cuda(i), "talus.cuda.memory.limit");
      }
    }
  }

  /** How many size classes an out-of-memory message lists. */
  private static final int HOLDERS = 5;

  private final Device device;
  private final String property;

  /** What is wrong with a system property, or null. */
  private final String problem;

  private Allocator(Device device, String property) {
    this.device = device;
    this.property = property;
    // Thrown here, it would be the error of a class that cannot be used, and just once.
    String found = null;
    long limit = 0;
    try {
      LeakDetector.level();
      limit = configuredLimit(property, device.isCuda() ? Long.MAX_VALUE : defaultLimit());
    } catch (IllegalArgumentException e) {
      found = e.getMessage();
    }
    problem = found;
    Native.setMemoryLimit(device.id(), limit);
  }

  private void checkProperties() {
    if (problem != null) {
      throw new IllegalArgumentException(problem);
    }
  }

  /**
   * The allocator of a device.
   *
   * @param device any device
   */
  public static Allocator of(Device device) {
    return device == Device.CPU ? CPU : Gpus.ALL[device.index()];
  }

  /**
   * Allocates a block aligned to 64 bytes.
   *
   * @param bytes its size, 0 or more
   * @return its address
   * @throws OutOfMemoryException at the limit, naming the size classes that hold most
   * @throws IllegalArgumentException if a system property about memory makes no sense
   */
  public long allocate(long bytes) {
    try {
      return Native.alloc(device.id(), bytes);
    } catch (OutOfMemoryException e) {
      // Blocks that fit pay nothing for this: with such a property the limit is 0, and none fits.
      checkProperties();
      throw new OutOfMemoryException(e.getMessage() + holders());
    }
  }

  /**
   * Gives a block back.
   *
   * @param block an address that {@link #allocate} returned
   * @throws IllegalArgumentException if it is not a live block
   */
  public void free(long block) {
    Native.free(device.id(), block);
  }

  /**
   * The counters now.
   *
   * @throws IllegalArgumentException if a system property about memory makes no sense
   */
  public MemoryStats stats() {
    checkProperties();
    long[] s = Native.memoryStats(device.id());
    return new MemoryStats(s[0], s[1], s[2], s[3], s[4], s[5], s[6]);
  }

  /**
   * Starts a new measurement of {@link MemoryStats#peakBytes()} from what is live now.
   *
   * @throws IllegalArgumentException if a system property about memory makes no sense
   */
  public void resetPeak() {
    checkProperties();
    Native.resetPeak(device.id());
  }

  /**
   * Sets the upper bound on live and cached bytes.
   *
   * @param bytes the bound, more than 0
   * @throws IllegalArgumentException if it is 0 or less, or a system property about memory makes no
   *     sense
   */
  public void setLimit(long bytes) {
    checkProperties();
    if (bytes <= 0) {
      throw new IllegalArgumentException("memory limit must be more than 0 bytes, got " + bytes);
    }
    Native.setMemoryLimit(device.id(), bytes);
  }

  /**
   * Returns cached blocks to the operating system.
   *
   * @throws IllegalArgumentException if a system property about memory makes no sense
   */
  public void trim() {
    checkProperties();
    Native.trim(device.id());
  }

  private String holders() {
    long[] pairs = Native.memoryHolders(device.id(), HOLDERS);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < pairs.length; i += 2) {
      text.append(i == 0 ? "; most is held by " : ", ")
          .append(pairs[i + 1])
          .append(" blocks of ")
          .append(MemoryStats.human(pairs[i]));
    }
    text.append(LeakDetector.topSites(HOLDERS));
    return text.append(
            ". Close tensors or scopes earlier, use smaller batches,"
                + " or raise the limit with -D"
                + property
                + "=...")
        .toString();
  }

  private static long defaultLimit() {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    // The JDK reports the container's memory here when it runs in one.
    long total = system.getTotalMemorySize();
    return Math.max(total - Runtime.getRuntime().maxMemory(), total / 4);
  }

  /** Parses a limit such as 1073741824, 512m or 8g. */
  private static long configuredLimit(String property, long otherwise) {
    String text = System.getProperty(property);
    if (text == null || text.isBlank()) {
      return otherwise;
    }
    String number = text.strip().toLowerCase(Locale.ROOT);
    int shift = "kmgt".indexOf(number.charAt(number.length() - 1)) + 1;
    if (shift > 0) {
      number = number.substring(0, number.length() - 1);
    }
    try {
      long bytes = Math.multiplyExact(Long.parseLong(number), 1L << (10 * shift));
      if (bytes > 0) {
        return bytes;
      }
    } catch (ArithmeticException | NumberFormatException e) {
      // Reported below, with what would have been right.
    }
    throw new IllegalArgumentException(
        "-D"
            + property
            + "="
            + text
            + " is not a size; leave the property out, or write more than 0 bytes, as a number or"
            + " with a unit as in 512m or 8g");
  }
}
