package dev.talus.cuda;

import dev.talus.Device;
import dev.talus.memory.LeakDetector;

/**
 * Something of a device that somebody has to close; the Cleaner frees, and counts, what nobody
 * closed.
 */
abstract class Handle implements AutoCloseable {
  /** How the library frees it. */
  interface Free {
    void free(int device, long handle);
  }

  private final String what;
  private final Device device;
  private final long handle;
  private final LeakDetector.Site site;
  private final LeakDetector.Net net; // null: nobody has to free it
  private volatile boolean closed;

  /**
   * Of a handle that the library made.
   *
   * @param free how to free it, or null if it lives as long as its device
   */
  Handle(String what, Device device, long handle, Free free) {
    this.what = what;
    this.device = device;
    this.handle = handle;
    if (free == null) {
      site = null;
      net = null;
      return;
    }
    int id = device.id();
    site = LeakDetector.created(what + " of " + device);
    net = LeakDetector.watch(this, () -> free.free(id, handle), site);
  }

  /** The id of a GPU, for those that ask the library for something. */
  static int gpu(String what, Device device) {
    if (!device.isCuda()) {
      throw new IllegalArgumentException(
          what + ": " + device + " has none; name a GPU, such as Device.cuda()");
    }
    // An error of its system property comes before there is anything to free.
    LeakDetector.level();
    return device.id();
  }

  /** The device it belongs to. */
  public final Device device() {
    return device;
  }

  /** Whether it was closed. */
  public final boolean isClosed() {
    return closed;
  }

  /** What the library knows it by. */
  final long handle() {
    if (closed) {
      throw new IllegalStateException(
          what
              + " of "
              + device
              + " was used after it was closed"
              + (site == null ? "" : ": " + site));
    }
    return handle;
  }

  /** Refuses those of another device. */
  final void requireSameDevice(Handle other) {
    if (other.device != device) {
      throw new IllegalArgumentException(
          "this "
              + what
              + " belongs to "
              + device
              + ", the other "
              + other.what
              + " to "
              + other.device);
    }
  }

  /** What keeps it from being closed now, or null. */
  String obstacle() {
    return null;
  }

  /**
   * Frees it. Closing twice does nothing.
   *
   * @throws IllegalStateException if it is in use
   */
  @Override
  public final synchronized void close() {
    if (closed || net == null) {
      return;
    }
    String obstacle = obstacle();
    if (obstacle != null) {
      throw new IllegalStateException("cannot close " + what + " of " + device + ": " + obstacle);
    }
    closed = true;
    if (site != null) {
      site.close();
    }
    net.close();
  }

  @Override
  public String toString() {
    return what + "(" + device + (closed ? ", closed)" : ")");
  }
}
