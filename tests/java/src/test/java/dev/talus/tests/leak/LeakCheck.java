package dev.talus.tests.leak;

import dev.talus.Device;
import dev.talus.Talus;
import dev.talus.memory.LeakDetector;

/** The blocks that were live when a stretch of code began, to be compared at its end. */
public final class LeakCheck {
  private final long blocks = liveBlocks();
  private final long lateFrees = LeakDetector.lateFrees();

  private LeakCheck() {}

  /** Of all devices. */
  private static long liveBlocks() {
    long blocks = Talus.memory().liveBlocks();
    for (int i = 0; i < Device.cudaCount(); i++) {
      blocks += Talus.memory(Device.cuda(i)).liveBlocks();
    }
    return blocks;
  }

  /** Remembers the counters as they are now. */
  public static LeakCheck begin() {
    return new LeakCheck();
  }

  /** Blocks that were not given back since, or only by the Cleaner. */
  public long leaked() {
    return liveBlocks() - blocks + LeakDetector.lateFrees() - lateFrees;
  }

  /**
   * Refuses leaks.
   *
   * @param who what ran, for the message
   * @throws AssertionError if blocks were not closed
   */
  public void end(String who) {
    long live = liveBlocks() - blocks;
    if (live > 0 || leaked() > 0) {
      throw new AssertionError(
          who
              + " left "
              + live
              + " blocks of tensor memory alive, and "
              + (LeakDetector.lateFrees() - lateFrees)
              + " objects were freed by the Cleaner; run it with -Dtalus.memory.leak=full to see"
              + " where they were made");
    }
  }
}
