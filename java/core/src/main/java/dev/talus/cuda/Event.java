package dev.talus.cuda;

import dev.talus.Device;
import dev.talus.internal.NativeCuda;

/**
 * A moment in the work of a stream, for other streams to wait for and for measurements. PyTorch's
 * {@code event.wait(stream)} is {@link Stream#waitEvent}.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.cuda.Event.html">Event</a>
 */
public final class Event extends Handle {
  private volatile boolean recorded;

  /** An event of the first GPU. */
  public Event() {
    this(Device.cuda());
  }

  /**
   * An event of a GPU.
   *
   * @param device a GPU
   */
  public Event(Device device) {
    super("Event", device, NativeCuda.eventCreate(gpu("Event", device)), NativeCuda::eventFree);
  }

  /** Records the moment after all that the thread's stream has been given so far. */
  public void record() {
    record(Cuda.currentStream(device()));
  }

  /**
   * Records the moment after all that a stream has been given so far; an earlier one is forgotten.
   *
   * @param stream of the same device
   * @throws IllegalArgumentException if it belongs to another device
   */
  public void record(Stream stream) {
    requireSameDevice(stream);
    long handle = handle();
    stream.run(() -> NativeCuda.eventRecord(device().id(), handle));
    recorded = true;
  }

  /**
   * Waits until the moment has come.
   *
   * @throws UnsupportedOperationException if it was last recorded while a graph was captured
   */
  public void synchronize() {
    NativeCuda.eventSynchronize(device().id(), handle());
  }

  /**
   * Whether the moment has come; true if it was never recorded.
   *
   * @throws UnsupportedOperationException if it was last recorded while a graph was captured
   */
  public boolean query() {
    return NativeCuda.eventQuery(device().id(), handle());
  }

  /**
   * The milliseconds from this moment to another; waits for that one.
   *
   * @param end recorded after this one
   * @throws IllegalStateException if one of them was never recorded
   * @throws IllegalArgumentException if they belong to two devices
   */
  public double elapsedTime(Event end) {
    requireSameDevice(end);
    if (!recorded || !end.recorded) {
      throw new IllegalStateException(
          "elapsedTime: the "
              + (recorded ? "second" : "first")
              + " event was never recorded; call record() where the time begins and ends");
    }
    return NativeCuda.eventMilliseconds(device().id(), handle(), end.handle());
  }
}
