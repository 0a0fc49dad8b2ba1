package dev.talus.autograd;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Counts the in-place changes of a block of values. A tensor, its views and its {@code detach()}
 * share one; {@code data()} starts a new one, as in PyTorch.
 */
public final class VersionCounter {
  private static final VarHandle VALUE;

  static {
    try {
      VALUE = MethodHandles.lookup().findVarHandle(VersionCounter.class, "value", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private volatile int value;

  /** A counter at zero. */
  public VersionCounter() {}

  /** The number of in-place changes so far. */
  public int get() {
    return value;
  }

  /** Notes one more in-place change. */
  public void bump() {
    VALUE.getAndAdd(this, 1);
  }
}
