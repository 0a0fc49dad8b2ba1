package dev.talus.internal;

import dev.talus.Scope;

/**
 * What Talus knows about a thread: its innermost scope and whether it records. One object, so that
 * an operation looks it up once for all of it.
 */
public final class Context {
  private static final ThreadLocal<Context> OF_THREAD = ThreadLocal.withInitial(Context::new);

  // Usually one thread does all the work, and finding its context here is several times quicker.
  // Read without order: whatever is read, only the thread's own context passes the comparison.
  private static Context latest;

  // A thread that is not the latest takes that place at every so many of its look-ups, so that
  // threads that work side by side do not fight for it.
  private static final int PATIENCE = 64;

  /** The innermost open scope, or null. */
  public Scope scope;

  /** Whether operations are recorded. */
  public boolean gradEnabled = true;

  /** The graph that this thread captures, or null. */
  public Capture capture;

  /** Something the engine keeps between two runs on this thread, or null while it is in use. */
  public Object spareQueue;

  // Lists of closed scopes, for those that open next.
  private final Object[] spareLists = new Object[8];
  private int spare;

  private final Thread thread = Thread.currentThread();
  private int misses;

  private Context() {}

  /** That of the calling thread. */
  public static Context get() {
    Context context = latest;
    return context != null && context.thread == Thread.currentThread() ? context : find();
  }

  private static Context find() {
    Context context = OF_THREAD.get();
    if (context.misses++ % PATIENCE == 0) {
      latest = context;
    }
    return context;
  }

  /** A list that was kept, or null. */
  public Object takeList() {
    return spare == 0 ? null : spareLists[--spare];
  }

  /** Keeps an emptied list for a later scope of this thread. */
  public void keepList(Object list) {
    if (spare < spareLists.length) {
      spareLists[spare++] = list;
    }
  }
}
