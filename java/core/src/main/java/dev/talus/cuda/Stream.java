package dev.talus.cuda;

import dev.talus.Device;
import dev.talus.internal.NativeCuda;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A queue of work on a GPU: what one stream is given runs in order, what two are given may run at
 * the same time.
 *
 * <p>{@link Cuda#stream} makes it the thread's. A tensor that one stream made may be used on
 * another once that one waits, by {@link #waitStream} or {@link #waitEvent}. Any thread may close a
 * tensor, or leave it to the collector: its memory is used again after all that was queued till
 * then on the stream that it was made on, on the one that is the closing thread's, and on those of
 * {@link dev.talus.Tensor#recordStream}.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.cuda.Stream.html">Stream</a>
 */
public final class Stream extends Handle {
  /** The streams that threads share, one a GPU. */
  private static final class Shared {
    static final Stream[] ALL = new Stream[Device.cudaCount()];

    static {
      for (int i = 0; i < ALL.length; i++) {
        ALL[i] = new Stream(Device.cuda(i), 0, null);
      }
    }
  }

  // By GPU the innermost context, null where there is none and the stream is the shared one.
  private static final ThreadLocal<StreamContext[]> CHOSEN =
      ThreadLocal.withInitial(() -> new StreamContext[Device.cudaCount()]);

  private final AtomicInteger users = new AtomicInteger();

  /** A stream of the first GPU. */
  public Stream() {
    this(Device.cuda());
  }

  /**
   * A stream of a GPU.
   *
   * @param device a GPU
   */
  public Stream(Device device) {
    this(device, NativeCuda.streamCreate(gpu("Stream", device)), NativeCuda::streamFree);
  }

  private Stream(Device device, long handle, Free free) {
    super("Stream", device, handle, free);
  }

  static Stream defaultOf(Device device) {
    gpu("Stream", device);
    return Shared.ALL[device.index()];
  }

  static Stream current(Device device) {
    StreamContext chosen = context(device);
    return chosen == null ? defaultOf(device) : chosen.stream();
  }

  /** The thread's innermost context for a GPU, or null. */
  static StreamContext context(Device device) {
    gpu("Stream", device);
    return CHOSEN.get()[device.index()];
  }

  /** Makes a context, or null, the thread's innermost one for a GPU. */
  static void setContext(Device device, StreamContext context) {
    Stream stream = context == null ? defaultOf(device) : context.stream();
    NativeCuda.streamUse(device.id(), stream.handle());
    CHOSEN.get()[device.index()] = context;
  }

  synchronized void enter() {
    handle();
    users.incrementAndGet();
  }

  void leave() {
    users.decrementAndGet();
  }

  @Override
  String obstacle() {
    return users.get() == 0
        ? null
        : "a thread works on it; close the StreamContext of Cuda.stream(...) first";
  }

  /** Does something on this stream, whichever the thread's is. */
  void run(Runnable work) {
    Stream before = current(device());
    if (before == this) {
      work.run();
      return;
    }
    int device = device().id();
    NativeCuda.streamUse(device, handle());
    try {
      work.run();
    } finally {
      NativeCuda.streamUse(device, before.handle());
    }
  }

  /**
   * What this stream is given from now on waits for what the other one has been given so far.
   *
   * @param other a stream of the same device
   * @throws IllegalArgumentException if it belongs to another device
   */
  public void waitStream(Stream other) {
    requireSameDevice(other);
    try (Event event = other.recordEvent()) {
      waitEvent(event);
    }
  }

  /**
   * What this stream is given from now on waits for an event.
   *
   * @param event of the same device; one that was never recorded is not waited for
   * @throws IllegalArgumentException if it belongs to another device
   */
  public void waitEvent(Event event) {
    requireSameDevice(event);
    long handle = event.handle();
    run(() -> NativeCuda.eventWait(device().id(), handle));
  }

  /** A new event after all that this stream has been given so far; the caller closes it. */
  public Event recordEvent() {
    Event event = new Event(device());
    try {
      event.record(this);
      return event;
    } catch (RuntimeException e) {
      event.close();
      throw e;
    }
  }

  /**
   * Records an event after all that this stream has been given so far.
   *
   * @param event of the same device
   * @return the event
   * @throws IllegalArgumentException if it belongs to another device
   */
  public Event recordEvent(Event event) {
    event.record(this);
    return event;
  }

  /**
   * Waits until all that this stream was given is done; errors of its operations are reported here.
   *
   * @throws UnsupportedOperationException while the stream is captured
   */
  public void synchronize() {
    NativeCuda.streamSynchronize(device().id(), handle());
  }

  /**
   * Whether all that this stream was given is done.
   *
   * @throws UnsupportedOperationException while the stream is captured
   */
  public boolean query() {
    return NativeCuda.streamQuery(device().id(), handle());
  }
}
