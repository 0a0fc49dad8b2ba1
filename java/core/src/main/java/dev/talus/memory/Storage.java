package dev.talus.memory;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * A reference-counted block of device memory. Every tensor that looks at it holds one reference;
 * the block goes back to the allocator with the last one.
 */
public final class Storage {
  private final Allocator allocator;
  private final long address;
  private final long bytes;
  private final AtomicInteger references = new AtomicInteger(1);

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
    return references.get();
  }

  /**
   * Takes one more reference.
   *
   * @throws IllegalStateException if the block was already freed
   */
  public Storage retain() {
    if (references.getAndIncrement() <= 0) {
      references.decrementAndGet();
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
    int left = references.decrementAndGet();
    if (left == 0) {
      allocator.free(address);
    } else if (left < 0) {
      throw new IllegalStateException("storage of " + bytes + " bytes is already freed");
    }
  }
}
