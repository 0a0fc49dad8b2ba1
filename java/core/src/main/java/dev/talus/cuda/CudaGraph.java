package dev.talus.cuda;

import dev.talus.Device;
import dev.talus.internal.Capture;
import dev.talus.internal.Context;
import dev.talus.internal.NativeCuda;
import java.util.List;

/**
 * Work of a GPU that was captured once and is replayed by one call, which saves the time that
 * launching many small kernels takes.
 *
 * <pre>{@code
 * trainStep(x, y, loss);              // once or more, so that the optimizer has its state
 * try (CudaGraph graph = CudaGraph.capture(() -> trainStep(x, y, loss))) {
 *   for (Batch batch : loader) {
 *     x.copy_(batch.x());
 *     y.copy_(batch.y());
 *     graph.replay();
 *   }
 * }
 * }</pre>
 *
 * <p>Capturing runs the Java code, but no kernel. A replay does the same to the same memory: inputs
 * are tensors that stay, into which the next values are copied, and results are copied with {@code
 * copy_} into tensors made before, here {@code loss}. All that the work uses must stay open as long
 * as the graph is replayed. Memory that the work takes and frees is the graph's own until it is
 * closed.
 *
 * <p>What changes from step to step goes on at each replay: random numbers, and the learning rate
 * and step count of an optimizer, so that replays compute what the same steps would have. Decisions
 * in Java, such as an {@code if} on a loss, are taken once, in the capture.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.cuda.CUDAGraph.html">CUDAGraph</a>
 */
public final class CudaGraph extends Handle {
  private final List<Object> generators;
  private final List<Capture.Renewal> renewals;

  private CudaGraph(Device device, long handle, Capture capture) {
    super("CudaGraph", device, handle, NativeCuda::graphFree);
    generators = capture.generators();
    renewals = capture.renewals();
  }

  /**
   * Captures work on the first GPU.
   *
   * @param work operations of this thread
   * @return the graph, to be closed by the caller
   * @see #capture(Device, Runnable)
   */
  public static CudaGraph capture(Runnable work) {
    return capture(Device.cuda(), work);
  }

  /**
   * Captures work on a GPU. Operations on other devices are not captured, but done.
   *
   * <p>If the work throws, its exception comes out of here, and the device is as before; gradients
   * that the work set have no values then.
   *
   * @param device a GPU
   * @param work operations of this thread
   * @return the graph, to be closed by the caller
   * @throws UnsupportedOperationException if the work waits for the device, reads a value, as
   *     {@code item()} does, or copies from the host
   * @throws IllegalStateException if this thread is capturing already, or an optimizer has no state
   *     yet
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.cuda.graph.html">graph</a>
   */
  public static CudaGraph capture(Device device, Runnable work) {
    int id = gpu("CudaGraph", device);
    Context context = Context.get();
    if (context.capture != null) {
      throw new IllegalStateException(
          "capture: this thread is capturing a graph already; captures do not nest");
    }
    // The device's own stream would take in what other threads do meanwhile.
    try (Stream stream = new Stream(device);
        StreamContext on = Cuda.stream(stream)) {
      Capture capture = new Capture(device);
      NativeCuda.graphBegin(id);
      context.capture = capture;
      try {
        work.run();
        if (on.closeInner()) {
          throw new IllegalStateException(
              "capture: the work left a StreamContext open; close it inside the work");
        }
      } catch (Throwable e) {
        on.closeInner();
        drop(id, e);
        throw e;
      } finally {
        context.capture = null;
      }
      return new CudaGraph(device, NativeCuda.graphEnd(id), capture);
    }
  }

  /** Ends a capture that failed; the thread is on the stream that began it. */
  private static void drop(int device, Throwable reason) {
    try {
      NativeCuda.graphFree(device, NativeCuda.graphEnd(device));
    } catch (RuntimeException e) {
      reason.addSuppressed(e);
    }
  }

  /**
   * Does the captured work again, on the thread's stream.
   *
   * @throws IllegalStateException if the graph was closed, this thread is capturing, or an
   *     optimizer's tensors are not those of the capture any more
   */
  public synchronized void replay() {
    long handle = handle();
    if (Context.get().capture != null) {
      throw new IllegalStateException("replay: a graph cannot be replayed inside a capture");
    }
    launch(handle, 0);
  }

  /** Launches while no other thread draws from the generators. */
  private void launch(long handle, int locked) {
    if (locked < generators.size()) {
      synchronized (generators.get(locked)) {
        launch(handle, locked + 1);
      }
      return;
    }
    int id = device().id();
    if (!renewals.isEmpty()) {
      NativeCuda.graphRenew(id, handle);
      try {
        renewals.forEach(Capture.Renewal::renew);
      } finally {
        NativeCuda.graphRenew(id, 0);
      }
    }
    NativeCuda.graphLaunch(id, handle);
    renewals.forEach(Capture.Renewal::replayed);
  }

  @Override
  String obstacle() {
    return Context.get().capture == null
        ? null
        : "this thread is capturing a graph; close it after the capture";
  }
}
