package dev.talus.memory;

import java.lang.System.Logger;
import java.lang.ref.Cleaner;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/**
 * The net below explicit ownership: frees what became unreachable without {@code close()}, counts
 * it, and with tracking on remembers where tensors were made and closed.
 *
 * <p>The level comes from the system property {@code talus.memory.leak}: {@code off} frees
 * silently, {@code count} (the default) also counts and logs once, {@code full} records a stack
 * trace for every tensor made and closed, which is slow and meant for finding leaks. Any other word
 * is an error whenever a tensor is made or the level is asked for.
 */
public final class LeakDetector {
  /** How much is recorded. */
  public enum Level {
    /** Late frees happen silently. */
    OFF,
    /** Late frees are counted, and the first one is logged. */
    COUNT,
    /** Every creation and close is recorded with its stack; every late free is logged. */
    FULL
  }

  private static final Logger LOG = System.getLogger("dev.talus.memory");
  private static final Cleaner CLEANER = Cleaner.create();
  private static final AtomicLong LATE = new AtomicLong();
  private static final Set<Site> LIVE = ConcurrentHashMap.newKeySet();

  /** What is wrong with the system property, or null. */
  private static final String PROBLEM;

  private static volatile Level level;

  static {
    // Thrown here, it would be the error of a class that cannot be used, and just once.
    String text = System.getProperty("talus.memory.leak", "count");
    String problem = null;
    try {
      level = Level.valueOf(text.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      level = Level.COUNT;
      problem =
          "-Dtalus.memory.leak="
              + text
              + " is unknown; leave the property out, or use off, count or full";
    }
    PROBLEM = problem;
  }

  private LeakDetector() {}

  /**
   * The level in force.
   *
   * @throws IllegalArgumentException if the system property {@code talus.memory.leak} makes no
   *     sense
   */
  public static Level level() {
    checkProperty();
    return level;
  }

  private static void checkProperty() {
    if (PROBLEM != null) {
      throw new IllegalArgumentException(PROBLEM);
    }
  }

  /**
   * Changes the level; tensors made before are not tracked in retrospect.
   *
   * @param newLevel the level from now on
   * @throws IllegalArgumentException if the system property {@code talus.memory.leak} makes no
   *     sense
   */
  public static void setLevel(Level newLevel) {
    checkProperty();
    level = newLevel;
  }

  /**
   * How many tensors and graphs were freed because they became unreachable, not by close.
   *
   * @throws IllegalArgumentException if the system property {@code talus.memory.leak} makes no
   *     sense
   */
  public static long lateFrees() {
    checkProperty();
    return LATE.get();
  }

  /** Where a tensor was made and closed; kept only at level FULL. */
  public static final class Site {
    private final String what;
    private final Throwable created = new Throwable();
    private volatile Throwable closed;

    private Site(String what) {
      this.what = what;
    }

    /** Remembers the place of the close. */
    public void close() {
      closed = new Throwable();
      LIVE.remove(this);
    }

    @Override
    public String toString() {
      String text = what + " made at " + place(created);
      return closed == null ? text : text + ", closed at " + place(closed);
    }
  }

  /** Whether places are recorded; ask before making a text for {@link #created}. */
  public static boolean recordsSites() {
    return level == Level.FULL;
  }

  /**
   * Records that something was made.
   *
   * @param what what it is, for messages
   * @return its site, or null unless the level is FULL
   */
  public static Site created(String what) {
    if (level != Level.FULL) {
      return null;
    }
    Site site = new Site(what);
    LIVE.add(site);
    return site;
  }

  /** What the Cleaner runs; {@link #close} makes it a normal, silent end. */
  public static final class Net implements Runnable {
    private final Runnable free;
    private final Site site;
    private Cleaner.Cleanable cleanable;
    private boolean explicit;
    private boolean cancelled;

    private Net(Runnable free, Site site) {
      this.free = free;
      this.site = site;
    }

    /** Frees now, on behalf of the owner. */
    public void close() {
      explicit = true;
      cleanable.clean();
    }

    /** Forgets about the owner without freeing: somebody else owns it from now on. */
    public void cancel() {
      cancelled = true;
      cleanable.clean();
    }

    @Override
    public void run() {
      if (cancelled) {
        return;
      }
      free.run();
      if (!explicit) {
        report(site);
      }
    }
  }

  /**
   * Watches an object that no scope owns.
   *
   * @param owner the object whose unreachability triggers the free
   * @param free gives back its memory; must not refer to the owner
   * @param site where it was made, or null
   */
  public static Net watch(Object owner, Runnable free, Site site) {
    Net net = new Net(free, site);
    net.cleanable = CLEANER.register(owner, net);
    return net;
  }

  private static void report(Site site) {
    if (site != null) {
      LIVE.remove(site);
    }
    if (level == Level.OFF) {
      return;
    }
    long count = LATE.incrementAndGet();
    if (level == Level.FULL && site != null) {
      LOG.log(Logger.Level.WARNING, "freed late, because nobody closed it: {0}", site);
    } else if (count == 1) {
      LOG.log(
          Logger.Level.WARNING,
          "a tensor became unreachable without close() and was freed late; use a Scope or"
              + " close(). -Dtalus.memory.leak=full shows where it was made,"
              + " -Dtalus.memory.leak=off silences this");
    }
  }

  /** The places that made most of the tensors alive now; empty unless the level is FULL. */
  static String topSites(int rows) {
    Map<String, Long> places =
        LIVE.stream()
            .collect(Collectors.groupingBy(site -> place(site.created), Collectors.counting()));
    return places.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .limit(rows)
        .map(e -> "\n  " + e.getValue() + " tensors made at " + e.getKey())
        .collect(Collectors.joining());
  }

  /** The first frames outside the library. */
  private static String place(Throwable trace) {
    StringBuilder text = new StringBuilder();
    int shown = 0;
    for (StackTraceElement frame : trace.getStackTrace()) {
      if (isInside(frame.getClassName())) {
        continue;
      }
      text.append(shown == 0 ? "" : " < ").append(frame);
      if (++shown == 3) {
        break;
      }
    }
    return text.toString();
  }

  private static boolean isInside(String type) {
    return type.startsWith("dev.talus.memory.")
        || type.startsWith("dev.talus.autograd.")
        || type.startsWith("dev.talus.ops.")
        || type.startsWith("dev.talus.Tensor")
        || type.equals("dev.talus.Scope");
  }
}
