package dev.talus.bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Where the cores are that two threads run on. The host of a virtual machine moves its cores while
 * they sleep: now they share a third-level cache, now they do not, and what two threads hand to
 * each other takes six times as long. Rounds with two threads can be compared only where that is
 * the same.
 */
final class Cores {
  /** Cores that share a cache need 20 to 60 ns. */
  static final double FAR_NANOS = 100;

  private static final int HANDOVERS = 2_000;

  /** OpenBLAS's threads spin for a tenth of a second before they sleep. */
  private static final long LOOK_MILLIS = 10;

  private static final int MOST_LOOKS = 40;

  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private static final AtomicLong BALL = new AtomicLong();
  private static final Thread PARTNER = partner();

  /** How often to look for a better placement before a turn; less where there is none to find. */
  private static int patience = 16;

  private Cores() {}

  /**
   * Returns when the threads of the turn before sleep and the cores are near each other, or after a
   * while.
   *
   * @return nanoseconds from a store on one core until another has read it
   */
  static double settle() {
    try {
      for (int i = 0; i < MOST_LOOKS && isBusy(); i++) {}
      for (int i = 0; i < patience; i++) {
        double nanos = handoverNanos();
        if (nanos < FAR_NANOS) {
          patience = 16;
          return nanos;
        }
        Thread.sleep(5 * LOOK_MILLIS);
      }
    } catch (InterruptedException interrupted) {
      throw new IllegalStateException("interrupted between two turns", interrupted);
    }
    patience = Math.max(1, patience / 2);
    return handoverNanos();
  }

  /** Sleeps, and tells whether others of this process used more than a tenth of a core. */
  private static boolean isBusy() throws InterruptedException {
    long before = SYSTEM.getProcessCpuTime();
    Thread.sleep(LOOK_MILLIS);
    return SYSTEM.getProcessCpuTime() - before > LOOK_MILLIS * 100_000;
  }

  private static double handoverNanos() {
    BALL.set(1);
    LockSupport.unpark(PARTNER);
    // The first half brings the partner to its core.
    long start = 0;
    for (int i = 0; i < HANDOVERS; i++) {
      if (i == HANDOVERS / 2) {
        start = System.nanoTime();
      }
      for (int spins = 0; (BALL.get() & 1) != 0; spins++) {
        pause(spins);
      }
      BALL.set(i + 1 < HANDOVERS ? BALL.get() + 1 : 0);
    }
    return (System.nanoTime() - start) / (double) HANDOVERS;
  }

  private static void pause(int spins) {
    if (spins < 1_000) {
      Thread.onSpinWait();
    } else {
      // The two may have to share one core.
      Thread.yield();
    }
  }

  /** Answers odd numbers with the next even one; sleeps at zero. */
  private static Thread partner() {
    Thread thread =
        new Thread(
            () -> {
              for (int spins = 0; ; spins++) {
                long ball = BALL.get();
                if (ball == 0) {
                  LockSupport.park();
                } else if ((ball & 1) != 0) {
                  BALL.set(ball + 1);
                  spins = 0;
                } else {
                  pause(spins);
                }
              }
            },
            "cores");
    thread.setDaemon(true);
    thread.start();
    return thread;
  }
}
