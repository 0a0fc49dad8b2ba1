package dev.talus.cuda;

import dev.talus.Device;

/**
 * Which stream a thread works on, and waiting for a device.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/cuda.html">torch.cuda</a>
 */
public final class Cuda {
  private Cuda() {}

  /**
   * Waits until the first GPU has done all it was given.
   *
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.cuda.synchronize.html">synchronize</a>
   */
  public static void synchronize() {
    synchronize(Device.cuda());
  }

  /**
   * Waits until a device has done all it was given, on all its streams.
   *
   * @param device any device
   * @throws UnsupportedOperationException while a graph of this device is captured
   */
  public static void synchronize(Device device) {
    device.synchronize();
  }

  /**
   * The stream that this thread's operations on the first GPU go to.
   *
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.cuda.current_stream.html">current_stream</a>
   */
  public static Stream currentStream() {
    return currentStream(Device.cuda());
  }

  /**
   * The stream that this thread's operations on a GPU go to: the device's own one, unless the
   * thread chose another.
   *
   * @param device a GPU
   */
  public static Stream currentStream(Device device) {
    return Stream.current(device);
  }

  /**
   * The stream of a GPU that all threads share, unless they choose another. It cannot be closed.
   *
   * @param device a GPU
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.cuda.default_stream.html">default_stream</a>
   */
  public static Stream defaultStream(Device device) {
    return Stream.defaultOf(device);
  }

  /**
   * Sends this thread's operations on the stream's device to that stream, until the result is
   * closed.
   *
   * <pre>{@code
   * try (StreamContext on = Cuda.stream(side)) {
   *   ...
   * }
   * }</pre>
   *
   * @param stream an open stream
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.cuda.stream.html">stream</a>
   */
  public static StreamContext stream(Stream stream) {
    return new StreamContext(stream);
  }
}
