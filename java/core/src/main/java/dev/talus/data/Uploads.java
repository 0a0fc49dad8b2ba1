package dev.talus.data;

import dev.talus.Device;
import dev.talus.Tensor;
import dev.talus.cuda.Cuda;
import dev.talus.cuda.Stream;
import dev.talus.cuda.StreamContext;

/**
 * The stream on which an epoch's workers copy batches to a GPU, so that the copies and the network
 * do not wait for each other.
 */
final class Uploads implements AutoCloseable {
  private final Device device;
  private final Stream stream;

  /** On a GPU. */
  Uploads(Device device) {
    this.device = device;
    stream = new Stream(device);
  }

  /** Queues the copies of what is on the CPU; the copies belong to the thread's scope. */
  Prepared copy(Batch batch) {
    try (StreamContext on = Cuda.stream(stream)) {
      Batch moved = new Batch(moved(batch.x()), moved(batch.y()));
      return new Prepared(moved, stream.recordEvent());
    } catch (RuntimeException e) {
      // What was copied is freed on another stream now.
      stream.synchronize();
      throw e;
    }
  }

  /** What a data set made on a GPU was queued on another stream and is left to the consumer. */
  private Tensor moved(Tensor part) {
    return part.device().isCuda() ? part : part.to(device);
  }

  /** Frees the stream; what is queued on it is still done. */
  @Override
  public void close() {
    stream.close();
  }
}
