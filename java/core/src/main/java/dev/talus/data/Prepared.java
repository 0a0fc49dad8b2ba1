package dev.talus.data;

import dev.talus.Tensor;
import dev.talus.cuda.Cuda;
import dev.talus.cuda.Event;
import dev.talus.cuda.StreamContext;

/**
 * A batch that no scope owns yet.
 *
 * @param copied after the copies that brought it to a GPU; null if nothing has to be waited for
 */
record Prepared(Batch batch, Event copied) {
  /** The thread's stream waits for the copies; then the batch may be used, and freed, on it. */
  void await() {
    if (copied != null) {
      Cuda.currentStream(copied.device()).waitEvent(copied);
      copied.close();
    }
  }

  /**
   * Frees a batch that the thread's stream does not wait for, and cannot while a graph is captured
   * on it: on the stream that workers are on, which made what was not copied.
   */
  void free() {
    try (copied) {
      if (copied != null) {
        Cuda.defaultStream(copied.device()).waitEvent(copied);
      }
    } finally {
      free(batch.x());
      free(batch.y());
    }
  }

  private static void free(Tensor part) {
    if (!part.device().isCuda()) {
      part.close();
      return;
    }
    try (StreamContext on = Cuda.stream(Cuda.defaultStream(part.device()))) {
      part.close();
    }
  }
}
