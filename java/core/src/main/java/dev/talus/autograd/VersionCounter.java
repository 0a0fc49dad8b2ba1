package dev.talus.autograd;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts the in-place changes of a block of values. A tensor, its views and its {@code detach()}
 * share one; {@code data()} starts a new one, as in PyTorch.
 */
public final class VersionCounter {
  private final AtomicInteger value = new AtomicInteger();

  /** A counter at zero. */
  public VersionCounter() {}

  /** The number of in-place changes so far. */
  public int get() {
    return value.get();
  }

  /** Notes one more in-place change. */
  public void bump() {
    value.incrementAndGet();
  }
}
