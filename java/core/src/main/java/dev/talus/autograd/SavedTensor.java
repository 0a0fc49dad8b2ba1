package dev.talus.autograd;

import dev.talus.Tensor;
import dev.talus.memory.Storage;

/**
 * A tensor a node keeps for its backward rule. It holds the storage alive by itself, so the tensor
 * may be closed in between, and it notices when the values were changed in place.
 */
final class SavedTensor {
  private final Storage storage;
  private final Tensor.Geometry geometry;
  private final VersionCounter version;
  private final int expected;
  // Null for an output of the saving node: a node must not be reachable from what frees it.
  private final AutogradMeta meta;
  private boolean released;

  SavedTensor(Tensor tensor, boolean isOutput) {
    storage = tensor.storage().retain();
    geometry = tensor.geometry();
    version = tensor.versionCounter();
    expected = version.get();
    meta = isOutput || !tensor.requiresGrad() ? null : tensor.autogradMeta();
  }

  /** A tensor with the saved values and history, owned by the current scope. */
  Tensor unpack(Node owner, boolean isOutput) {
    if (released) {
      throw new IllegalStateException(
          "Trying to backward through the graph a second time (or directly access saved tensors"
              + " after they have already been freed). Saved intermediate values of the graph are"
              + " freed when you call backward() or Autograd.grad(), or close their Scope. Specify"
              + " retainGraph=true if you need to backward through the graph a second time: "
              + owner);
    }
    if (version.get() != expected) {
      throw new IllegalStateException(
          "one of the variables needed for gradient computation has been modified by an inplace"
              + " operation: ["
              + geometry.describe()
              + "], needed by "
              + owner.name()
              + ", is at version "
              + version.get()
              + "; expected version "
              + expected
              + " instead. Hint: replace the in-place operation (its name ends in _) by the one"
              + " that returns a new tensor");
    }
    return Tensor.restore(
        storage, geometry, version, isOutput ? AutogradMeta.computedBy(owner) : meta);
  }

  /** Whether {@link #unpack} will find the values as they were. */
  boolean isIntact() {
    return !released && version.get() == expected;
  }

  synchronized void release() {
    if (!released) {
      released = true;
      storage.release();
    }
  }
}
