package dev.talus.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A reference-counted block of device memory. Every tensor that looks at it holds one reference;
 * the block goes back to the allocator with the last one.
 */
public final class Storage {
  private static final VarHandle REFERENCES;

  static {
    try {
      REFERENCES = MethodHandles.lookup().findVarHandle(Storage.class, "references", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Allocator allocator;
  private final long address;
  private final long bytes;
  // Changed through REFERENCES only: one object less for each tensor than an AtomicInteger.
  private volatile int references = 1;

  private Storage(Allocator allocator, long address, long bytes) {
    this.allocator = allocator;
    this.address = address;
    this.bytes = bytes;
  }

  /**
   * Allocates a block; the caller holds its first reference. The contents are not defined.
   *
   * @param allocator the device's allocator
   * @param bytes its size, 0 or more
   * @throws OutOfMemoryException at the memory limit
   */
  public static Storage allocate(Allocator allocator, long bytes) {
    return new Storage(allocator, allocator.allocate(bytes), bytes);
  }

  /** The address of the first byte. */
  public long address() {
    return address;
  }

  /** The size in bytes. */
  public long bytes() {
    return bytes;
  }

  /** The number of references held now. */
  public int references() {
    return references;
  }

  /**
   * Takes one more reference.
   *
   * @throws IllegalStateException if the block was already freed
   */
  public Storage retain() {
    if ((int) REFERENCES.getAndAdd(this, 1) <= 0) {
      REFERENCES.getAndAdd(this, -1);
      throw new IllegalStateException("storage of " + bytes + " bytes is already freed");
    }
    return this;
  }

  /**
   * Drops one reference; the last one frees the block.
   *
   * @throws IllegalStateException if the block was already freed
   */
  public void release() {
    int left = (int) REFERENCES.getAndAdd(this, -1) - 1;
    if (left == 0) {
      allocator.free(address);
    } else if (left < 0) {
      throw new IllegalStateException("storage of " + bytes + " bytes is already freed");
    }
  }
}
