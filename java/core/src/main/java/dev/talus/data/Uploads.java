package dev.talus.data;

import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.cuda.Cuda;
import dev.talus.cuda.Event;
import dev.talus.cuda.Stream;
import dev.talus.cuda.StreamContext;

/**
 * The stream on which an epoch's workers copy batches to a GPU, so that the copies and the network
 * do not wait for each other. The first copy makes it: an epoch of data on GPUs has none.
 */
final class Uploads implements AutoCloseable {
  private final Device device;
  private Stream stream;

  /** To a GPU. */
  Uploads(Device device) {
    this.device = device;
  }

  /** Queues the copies of what is on the CPU; the copies belong to the thread's scope. */
  Prepared copy(Batch batch) {
    if (stays(batch.x()) && stays(batch.y())) {
      return new Prepared(batch, null);
    }
    Stream side = stream();
    // The scope ends first: where something fails, what was copied is freed on the copies' stream.
    try (StreamContext on = Cuda.stream(side);
        Scope scope = Scope.open()) {
      Tensor x = moved(batch.x());
      Tensor y = moved(batch.y());
      Event copied = side.recordEvent();
      return new Prepared(new Batch(scope.escape(x), scope.escape(y)), copied);
    }
  }

  /** What a data set made on a GPU was queued on another stream and is left to the consumer. */
  private static boolean stays(Tensor part) {
    return part.device().isCuda();
  }

  private Tensor moved(Tensor part) {
    return stays(part) ? part : part.to(device);
  }

  private synchronized Stream stream() {
    if (stream == null) {
      stream = new Stream(device);
    }
    return stream;
  }

  /** Frees the stream; what is queued on it is still done. */
  @Override
  public synchronized void close() {
    if (stream != null) {
      stream.close();
    }
  }
}
