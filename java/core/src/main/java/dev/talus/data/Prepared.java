package dev.talus.data;

import dev.talus.cuda.Cuda;
import dev.talus.cuda.Event;

/**
 * A batch that no scope owns yet.
 *
 * @param copied after the copies that brought it to a GPU; null if nothing has to be waited for
 */
record Prepared(Batch batch, Event copied) {
  /** The thread's stream waits for the copies; then the batch may be used, and freed, on it. */
  void await() {
    if (copied != null) {
      try (copied) {
        Cuda.currentStream(copied.device()).waitEvent(copied);
      }
    }
  }
}
