package dev.talus.cuda;

/**
 * The time for which a thread works on a stream of its choice; see {@link Cuda#stream}.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.cuda.StreamContext.html">StreamContext</a>
 */
public final class StreamContext implements AutoCloseable {
  private final Stream stream;
  private final StreamContext outer; // null: the device's own stream comes back
  private final Thread thread = Thread.currentThread();
  private boolean closed;

  StreamContext(Stream stream) {
    this.stream = stream;
    outer = Stream.context(stream.device());
    stream.enter();
    Stream.setContext(stream.device(), this);
  }

  /** The stream that was chosen. */
  public Stream stream() {
    return stream;
  }

  /**
   * Goes back to the stream that was the thread's before. Closing twice does nothing.
   *
   * @throws IllegalStateException on another thread, or while a stream that was chosen later is
   *     still in use
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (thread != Thread.currentThread()) {
      throw new IllegalStateException(
          "this stream was chosen by thread "
              + thread.getName()
              + ", which has to put it back, not "
              + Thread.currentThread().getName());
    }
    if (Stream.context(stream.device()) != this) {
      throw new IllegalStateException(
          "a stream chosen after this one is still in use; close the contexts in reverse order,"
              + " best with try (StreamContext on = Cuda.stream(...))");
    }
    leave();
  }

  /**
   * Closes those that this thread opened inside this one and left open; false if there are none.
   */
  boolean closeInner() {
    boolean any = false;
    for (StreamContext inner = innermost(); inner != this; inner = innermost()) {
      inner.leave();
      any = true;
    }
    return any;
  }

  private StreamContext innermost() {
    return Stream.context(stream.device());
  }

  private void leave() {
    closed = true;
    Stream.setContext(stream.device(), outer);
    stream.leave();
  }
}
