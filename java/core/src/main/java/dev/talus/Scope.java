package dev.talus;

import dev.talus.autograd.Node;
import dev.talus.internal.Context;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/**
 * Owns every tensor made while it is the innermost open scope of its thread, and closes them all at
 * once.
 *
 * <pre>{@code
 * try (Scope step = Scope.open()) {
 *   Tensor loss = criterion.forward(net.forward(x), y);
 *   loss.backward();
 *   optimizer.step();
 * } // everything made inside is freed here; parameters and gradients stay
 * }</pre>
 *
 * <p>Scopes nest, and close in the reverse order of opening, on the thread that opened them. A
 * tensor of a scope belongs to that thread; hand a tensor to another thread with {@link
 * Tensor#keep()}.
 */
public final class Scope implements AutoCloseable {
  private static final Scoped[] NOTHING = {};
  private static final int FIRST_SIZE = 16;

  // A list that grew beyond this is not kept for the next scope.
  private static final int LARGEST_KEPT = 4096;

  private final Thread thread = Thread.currentThread();
  private final Context context;
  private final Scope parent;
  private final long openedAt = Node.nextSequence();
  private Scoped[] owned;
  private int size;
  private boolean closed;

  private Scope(Context context) {
    this.context = context;
    parent = context.scope;
    Object kept = context.takeList();
    owned = kept == null ? new Scoped[FIRST_SIZE] : (Scoped[]) kept;
  }

  /** Opens a scope inside the thread's innermost one. */
  public static Scope open() {
    Context context = Context.get();
    Scope scope = new Scope(context);
    context.scope = scope;
    return scope;
  }

  /** This thread's innermost open scope, or null. */
  static Scope current() {
    return Context.get().scope;
  }

  /**
   * Moves a tensor, and the graph that computed it, out of this scope into the enclosing one, or to
   * nobody if this is the outermost: then it lives until its {@code close()}.
   *
   * @param tensor a tensor; one that this scope does not own is returned unchanged
   * @return the same tensor
   */
  public Tensor escape(Tensor tensor) {
    checkOpen("escape");
    if (tensor.scope == this) {
      hand(tensor);
    }
    if (tensor.gradFn() != null) {
      escapeGraph(tensor.gradFn());
    }
    return tensor;
  }

  private void escapeGraph(Node root) {
    // Nodes made before this scope opened cannot be in it, nor can anything they lead to.
    ArrayDeque<Node> pending = new ArrayDeque<>();
    pending.add(root);
    Set<Node> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    while (!pending.isEmpty()) {
      Node node = pending.pop();
      if (node.sequence() < openedAt || !seen.add(node)) {
        continue;
      }
      if (((Scoped) node).scope == this) {
        hand(node);
      }
      for (Node next : node.nextFunctions()) {
        if (next != null) {
          pending.push(next);
        }
      }
    }
  }

  private void hand(Scoped object) {
    remove(object);
    if (parent != null) {
      parent.add(object);
    } else {
      object.leaveScopes();
    }
  }

  /**
   * Moves a tensor that somebody kept, perhaps on another thread, into this thread's innermost
   * scope; without an open one it stays kept.
   *
   * @param tensor a tensor outside all scopes
   * @return the same tensor
   */
  public static Tensor adopt(Tensor tensor) {
    Scope current = current();
    if (current != null) {
      current.add(tensor.disown());
    }
    return tensor;
  }

  /**
   * Whether this scope owns a tensor.
   *
   * @param tensor any tensor
   */
  public boolean owns(Tensor tensor) {
    return tensor.scope == this;
  }

  /** The number of tensors and graph nodes this scope owns now. */
  public int size() {
    return size;
  }

  void add(Scoped object) {
    if (size == owned.length) {
      owned = Arrays.copyOf(owned, size * 2);
    }
    object.scope = this;
    object.slot = size;
    owned[size++] = object;
  }

  void remove(Scoped object) {
    Scoped last = owned[--size];
    owned[object.slot] = last;
    last.slot = object.slot;
    owned[size] = null;
    object.scope = null;
  }

  /**
   * Closes every tensor this scope owns. Closing twice does nothing.
   *
   * @throws IllegalStateException if a scope opened later is still open, or on another thread
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    checkOpen("close");
    if (context.scope != this) {
      throw new IllegalStateException(
          "a scope opened inside this one is still open; close scopes in reverse order,"
              + " best with try (Scope s = Scope.open())");
    }
    closed = true;
    context.scope = parent;
    while (size > 0) {
      Scoped object = owned[--size];
      owned[size] = null;
      object.scope = null;
      object.releaseFromScope();
    }
    if (owned.length <= LARGEST_KEPT) {
      context.keepList(owned);
    }
    owned = NOTHING;
  }

  private void checkOpen(String what) {
    if (closed) {
      throw new IllegalStateException("cannot " + what + ": this scope is already closed");
    }
    if (thread != Thread.currentThread()) {
      throw new IllegalStateException(
          "cannot "
              + what
              + ": this scope belongs to thread "
              + thread.getName()
              + ", but the caller is "
              + Thread.currentThread().getName());
    }
  }
}
