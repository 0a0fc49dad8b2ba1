package dev.talus.data;

import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * One epoch of a {@link DataLoader}. Each batch belongs to the scope that is open where it is
 * received. Closing ends the epoch early: the workers stop, and what they prepared is freed. So
 * does a batch that fails, on a worker or where it is handed out.
 */
public final class Batches implements Iterator<Batch>, AutoCloseable {
  private static final String COMPLETE = "the epoch is over";

  private final Dataset dataset;
  private final long[] order;
  private final int batchSize;
  private final long count;
  private final int depth;
  private final Device device; // null: where the data set makes them
  private final ThreadPoolExecutor pool;
  private final Uploads uploads; // null: workers leave batches where they made them
  private final ArrayDeque<Future<Prepared>> pending = new ArrayDeque<>();
  private long submitted;
  private long delivered;
  private volatile String over; // why there are no more batches; null: there are
  private long begin;
  private long end;
  private long waited;

  Batches(
      Dataset dataset,
      long[] order,
      int batchSize,
      long count,
      int workers,
      int prefetch,
      Device device) {
    this.dataset = dataset;
    this.order = order;
    this.batchSize = batchSize;
    this.count = count;
    this.device = device;
    depth = workers * prefetch;
    pool = workers == 0 || count == 0 ? null : pool(workers);
    uploads = pool == null || device == null || !device.isCuda() ? null : new Uploads(device);
    over = count == 0 ? COMPLETE : null;
    begin = System.nanoTime();
    submit();
  }

  private static ThreadPoolExecutor pool(int workers) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            workers,
            workers,
            1,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "talus-data");
              thread.setDaemon(true);
              return thread;
            });
    // The threads of an epoch that somebody abandoned end by themselves.
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  private void submit() {
    while (pool != null && submitted < count && pending.size() < depth) {
      long number = submitted++;
      pending.add(pool.submit(() -> over == null ? prepare(number) : null));
    }
  }

  /** Makes a batch that no scope owns. */
  private Prepared prepare(long number) {
    int from = Math.toIntExact(number * batchSize);
    int to = (int) Math.min((long) from + batchSize, dataset.size());
    long[] indices = new long[to - from];
    if (order == null) {
      for (int i = 0; i < indices.length; i++) {
        indices[i] = (long) from + i;
      }
    } else {
      System.arraycopy(order, from, indices, 0, indices.length);
    }
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      Batch made = dataset.batch(indices);
      Prepared prepared = uploads == null ? new Prepared(made, null) : uploads.copy(made);
      prepared.batch().x().keep();
      prepared.batch().y().keep();
      return prepared;
    }
  }

  @Override
  public boolean hasNext() {
    return over == null;
  }

  /**
   * The next batch, owned by the innermost scope. Where that fails, the epoch is over.
   *
   * @throws NoSuchElementException after the last one or one that failed, or when closed
   * @throws IllegalStateException if a worker failed; its exception is the cause
   */
  @Override
  public Batch next() {
    if (!hasNext()) {
      throw new NoSuchElementException(over);
    }
    long start = System.nanoTime();
    Batch batch;
    try {
      batch = placed(pool == null ? prepare(delivered).batch() : received());
    } catch (Throwable e) {
      finishBecauseOf(e);
      throw e;
    } finally {
      end = System.nanoTime();
      waited += end - start;
    }
    if (++delivered == count) {
      finish(COMPLETE);
    }
    return batch;
  }

  /** The batch on its device, owned by the innermost scope. */
  private Batch placed(Batch made) {
    // Frees what stays behind: the original of a copy, or everything where a copy fails.
    try (Scope scope = Scope.open()) {
      Scope.adopt(made.x());
      Scope.adopt(made.y());
      if (device == null) {
        return new Batch(scope.escape(made.x()), scope.escape(made.y()));
      }
      Tensor x = made.x().to(device);
      Tensor y = made.y().to(device);
      return new Batch(scope.escape(x), scope.escape(y));
    }
  }

  private Batch received() {
    try {
      Prepared prepared = pending.element().get();
      // Until the thread's stream waits, only the end of the epoch may free it.
      prepared.await();
      pending.remove();
      submit();
      return prepared.batch();
    } catch (ExecutionException e) {
      throw new IllegalStateException(
          "a data worker failed at batch " + delivered + ": " + e.getCause(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for batch " + delivered, e);
    }
  }

  /** The share of the time so far that the consumer waited for batches, 0 to 1. */
  public double waitShare() {
    return end == 0 ? 0 : (double) waited / Math.max(1, end - begin);
  }

  /** Ends the epoch and waits until no worker is busy with it. Closing twice does nothing. */
  @Override
  public void close() {
    finish("this epoch was closed");
  }

  private void finishBecauseOf(Throwable failure) {
    try {
      finish(
          "this epoch ended at batch " + delivered + ", which failed; iterator() starts another");
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  private void finish(String why) {
    if (over != null) {
      return;
    }
    over = why;
    if (pool != null) {
      pool.shutdown();
    }
    // Waits for batches that are being made, so that their memory is not lost.
    boolean interrupted = false;
    while (!pending.isEmpty()) {
      interrupted |= free(pending.remove());
    }
    // Only now that no worker is busy any more.
    if (uploads != null) {
      uploads.close();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean free(Future<Prepared> future) {
    boolean interrupted = false;
    while (true) {
      try {
        Prepared prepared = future.get();
        if (prepared != null) {
          prepared.free();
        }
        return interrupted;
      } catch (InterruptedException e) {
        interrupted = true;
      } catch (ExecutionException e) {
        return interrupted; // It made no batch, and nobody waits for it any more.
      }
    }
  }
}
