package dev.talus;

/**
 * Something a {@link Scope} can own: a tensor, or a graph node with its saved tensors. Only Talus
 * itself extends this class.
 */
public abstract class Scoped {
  /** The owner, or null; {@code slot} is this object's place in the owner's list. */
  Scope scope;

  int slot;

  /** For subclasses. */
  protected Scoped() {}

  /**
   * Puts this object into the thread's innermost scope, or under the Cleaner where none is open.
   */
  protected final void enterScope() {
    Scope current = Scope.current();
    if (current != null) {
      current.add(this);
    } else {
      leaveScopes();
    }
  }

  /** Takes this object out of its scope, if it has one. */
  protected final void forgetScope() {
    if (scope != null) {
      scope.remove(this);
    }
  }

  /** Called when no scope owns this object and it must live on: the Cleaner takes over. */
  protected abstract void leaveScopes();

  /** Gives back what this object holds; called by its scope when that closes. */
  protected abstract void releaseFromScope();
}
