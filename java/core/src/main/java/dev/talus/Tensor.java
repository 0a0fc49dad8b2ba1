package dev.talus;

import dev.talus.autograd.Autograd;
import dev.talus.autograd.AutogradMeta;
import dev.talus.autograd.Node;
import dev.talus.autograd.VersionCounter;
import dev.talus.internal.Native;
import dev.talus.internal.TensorText;
import dev.talus.memory.Allocator;
import dev.talus.memory.LeakDetector;
import dev.talus.memory.Storage;
import java.util.function.LongConsumer;
import java.util.function.UnaryOperator;

/**
 * A multi-dimensional array of one element type, and a node of the autograd graph: {@code
 * torch.Tensor} in Java. Names, defaults and results are PyTorch's.
 *
 * <p>A tensor belongs to the {@link Scope} that was innermost when it was made and is closed with
 * it; {@link Scope#escape} and {@link #keep} move it out. Its bytes are off-heap and shared with
 * its views. Using a closed tensor throws {@link IllegalStateException}.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/tensors.html">torch.Tensor</a>
 */
public class Tensor extends TensorInPlace implements AutoCloseable {
  /**
   * How a tensor looks at its storage.
   *
   * @param dtype element type
   * @param device where the storage lives
   * @param sizes size of each dimension
   * @param strides step of each dimension, in elements
   * @param offset of the first element from the start of the storage, in elements
   */
  public record Geometry(DType dtype, Device device, long[] sizes, long[] strides, long offset) {
    /** The type and shape in PyTorch's words, for messages. */
    public String describe() {
      return dtype + " " + Shape.wrap(sizes);
    }
  }

  private Storage storage;
  private Geometry geometry;
  private long numel;
  private boolean contiguous;
  private final VersionCounter version;
  private final LeakDetector.Site site;
  private AutogradMeta meta;
  // False where another tensor's history is shared: closing this handle leaves its gradient alone.
  private boolean ownsMeta;
  private LeakDetector.Net net;
  private boolean closed;

  // Of a view made while recording: what it looks at, and that tensor's state at the time.
  private final Tensor base;
  private int baseRebases;

  private Tensor(
      Storage storage, Geometry geometry, VersionCounter version, AutogradMeta meta, Tensor base) {
    this.storage = storage;
    this.geometry = geometry;
    this.version = version;
    this.meta = meta;
    this.base = base;
    this.baseRebases = base == null ? 0 : base.rebases();
    this.numel = Shape.numel(geometry.sizes);
    this.contiguous = contiguous(geometry);
    this.site = LeakDetector.created("tensor " + Shape.wrap(geometry.sizes));
  }

  /**
   * A tensor that looks at the same values as another, owned by no scope; for {@code Parameter}.
   *
   * @param source an open tensor
   */
  protected Tensor(Tensor source) {
    this(source.storage().retain(), source.geometry, source.version, null, null);
    leaveScopes();
  }

  private static boolean contiguous(Geometry g) {
    long step = 1;
    for (int d = g.sizes.length - 1; d >= 0; d--) {
      if (g.sizes[d] == 0) {
        return true;
      }
      if (g.sizes[d] != 1) {
        if (g.strides[d] != step) {
          return false;
        }
        step *= g.sizes[d];
      }
    }
    return true;
  }

  // ------------------------------------------------------------ for op writers

  /**
   * A new contiguous tensor whose contents are not defined; for op writers.
   *
   * @param dtype element type
   * @param device where
   * @param sizes not to be changed afterwards
   */
  public static Tensor allocate(DType dtype, Device device, long... sizes) {
    if (sizes.length > MAX_DIMS) {
      throw new IllegalArgumentException(
          "a tensor has at most " + MAX_DIMS + " dimensions, got shape " + Shape.wrap(sizes));
    }
    long bytes = Math.multiplyExact(Shape.numel(sizes), dtype.bytes());
    Geometry g = new Geometry(dtype, device, sizes, Shape.contiguousStrides(sizes), 0);
    Storage storage = Storage.allocate(Allocator.CPU, bytes);
    Tensor tensor = new Tensor(storage, g, new VersionCounter(), null, null);
    tensor.enterScope();
    return tensor;
  }

  /**
   * A view of this tensor's storage; for op writers. It has no history of its own yet.
   *
   * @param sizes size of each dimension, not to be changed afterwards
   * @param strides in elements, not to be changed afterwards
   * @param offset of the first element in the storage
   */
  public final Tensor asView(long[] sizes, long[] strides, long offset) {
    Geometry g = new Geometry(geometry.dtype, geometry.device, sizes, strides, offset);
    Tensor root = base == null ? this : base;
    Tensor view =
        new Tensor(storage().retain(), g, version, null, Autograd.isGradEnabled() ? root : null);
    view.enterScope();
    return view;
  }

  /** A second handle of the same values and the same history; each is closed on its own. */
  public final Tensor alias() {
    Tensor alias = new Tensor(storage().retain(), geometry, version, meta, base);
    alias.baseRebases = baseRebases;
    alias.enterScope();
    return alias;
  }

  /**
   * A tensor over a storage somebody kept; for saved tensors.
   *
   * @param storage gains a reference
   * @param geometry how to look at it
   * @param version the counter of its values
   * @param meta its history, or null
   */
  public static Tensor restore(
      Storage storage, Geometry geometry, VersionCounter version, AutogradMeta meta) {
    Tensor tensor = new Tensor(storage.retain(), geometry, version, meta, null);
    tensor.enterScope();
    return tensor;
  }

  /** The address of the first element. */
  public final long address() {
    return storage().address() + geometry.offset * geometry.dtype.bytes();
  }

  /** The storage this tensor looks at. */
  public final Storage storage() {
    checkOpen();
    return storage;
  }

  /** How this tensor looks at its storage. */
  public final Geometry geometry() {
    return geometry;
  }

  /** The sizes themselves, for op writers: not to be changed. */
  public final long[] sizes() {
    return geometry.sizes;
  }

  /** The strides themselves, in elements, for op writers: not to be changed. */
  public final long[] strides() {
    return geometry.strides;
  }

  /** The counter of in-place changes. */
  public final VersionCounter versionCounter() {
    return version;
  }

  /** What autograd knows about this tensor; made on the first call. */
  public final AutogradMeta autogradMeta() {
    if (meta == null) {
      meta = new AutogradMeta();
      ownsMeta = true;
    }
    return meta;
  }

  /** Gives up ownership without any net: the caller must close it; for the engine. */
  public final Tensor disown() {
    forgetScope();
    if (net != null) {
      net.cancel();
      net = null;
    }
    return this;
  }

  // ------------------------------------------------------------------ metadata

  /** The shape. */
  public final Shape shape() {
    return Shape.wrap(geometry.sizes);
  }

  /** The number of dimensions. */
  public final int dim() {
    return geometry.sizes.length;
  }

  /**
   * The size of one dimension.
   *
   * @param dim dimension; negative counts from the end
   * @throws IndexOutOfBoundsException if there is no such dimension
   */
  public final long size(int dim) {
    return geometry.sizes[Shape.wrapDim(dim, geometry.sizes.length)];
  }

  /** The number of elements. */
  public final long numel() {
    return numel;
  }

  /** The element type. */
  public final DType dtype() {
    return geometry.dtype;
  }

  /** Where the values live. */
  public final Device device() {
    return geometry.device;
  }

  /** Whether the elements lie in row-major order without gaps. */
  public final boolean isContiguous() {
    return contiguous;
  }

  // ------------------------------------------------------------------ ownership

  /** Whether {@link #close} was called, directly or by the scope. */
  public final boolean isClosed() {
    return closed;
  }

  /**
   * Takes this tensor out of its scope: it lives until {@link #close}, which the Cleaner does late
   * if nobody does it in time. For what outlives a step, such as a model's state.
   *
   * @return this
   */
  public final Tensor keep() {
    checkOpen();
    forgetScope();
    if (net == null) {
      leaveScopes();
    }
    return this;
  }

  /**
   * Gives this handle's reference to the storage back, and its gradient. Closing twice does
   * nothing; any other use afterwards throws.
   */
  @Override
  public final void close() {
    if (closed) {
      return;
    }
    forgetScope();
    releaseFromScope();
  }

  @Override
  protected final void leaveScopes() {
    Storage held = storage;
    net = LeakDetector.watch(this, held::release, site);
  }

  @Override
  protected final void releaseFromScope() {
    if (closed) {
      return;
    }
    closed = true;
    if (site != null) {
      site.close();
    }
    if (net != null) {
      net.close();
    } else {
      storage.release();
    }
    if (ownsMeta) {
      meta.setGrad(null);
    }
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException(
          "tensor of shape "
              + shape()
              + " was used after it was closed"
              + (site == null
                  ? "; it was closed by close() or with its Scope"
                      + " (-Dtalus.memory.leak=full shows where it was made and closed)"
                  : ": " + site));
    }
  }

  // ------------------------------------------------------------------- autograd

  /** Whether a gradient flows to or through this tensor. */
  public final boolean requiresGrad() {
    return (meta != null && meta.requiresGrad()) || historyChanged();
  }

  /**
   * Asks autograd to record what is done with this leaf, or to stop.
   *
   * @param value whether a gradient is wanted
   * @return this
   * @throws IllegalStateException for an integer type, or when turned off on a non-leaf
   */
  public final Tensor requiresGrad_(boolean value) {
    checkOpen();
    if (value && !dtype().isFloating()) {
      throw new IllegalStateException(
          "only Tensors of floating point dtype can require gradients, this one is " + dtype());
    }
    if (!value && gradFn() != null) {
      throw new IllegalStateException(
          "you can only change requires_grad flags of leaf variables. If you want to use a computed"
              + " variable in a subgraph that doesn't require differentiation use detach()");
    }
    if (gradFn() == null) {
      autogradMeta().setRequiresGrad(value);
    }
    return this;
  }

  /** Whether this tensor was made by the user, not by a recorded operation. */
  public final boolean isLeaf() {
    return gradFn() == null;
  }

  /** The gradient accumulated by {@code backward()}, owned by this tensor; null before that. */
  public final Tensor grad() {
    return meta == null ? null : meta.grad();
  }

  /**
   * Replaces the accumulated gradient.
   *
   * @param grad of this tensor's shape and type, owned by this tensor from now on; null clears it
   * @throws IllegalArgumentException if shape or type differ
   */
  public final void setGrad(Tensor grad) {
    if (grad != null) {
      if (!grad.shape().equals(shape()) || grad.dtype() != dtype()) {
        throw new IllegalArgumentException(
            "assigned grad is "
                + grad.geometry.describe()
                + ", but this tensor is "
                + geometry.describe());
      }
      grad.keep();
    }
    autogradMeta().setGrad(grad);
  }

  /** The node that computed this tensor, or null for a leaf. */
  public final Node gradFn() {
    if (historyChanged()) {
      // The base was changed in place since: this view's values come from there now.
      baseRebases = base.rebases();
      autogradMeta().setHistory(viewHistory(base));
    }
    return meta == null ? null : meta.gradFn();
  }

  private boolean historyChanged() {
    return base != null && base.rebases() != baseRebases;
  }

  private int rebases() {
    return meta == null ? 0 : meta.rebases();
  }

  /** The tensor this one is a view of, or null. */
  public final Tensor base() {
    return base;
  }

  /** Notes that this view and its base were given a new history together. */
  public final void acknowledgeRebase() {
    baseRebases = base == null ? 0 : base.rebases();
  }

  /** The node a gradient of this tensor flows into, or null if none is wanted; for op writers. */
  public final Node gradEdge() {
    gradFn();
    return meta == null ? null : meta.edge(this);
  }

  /**
   * The same values cut off from the graph: no gradient flows through the result. In-place changes
   * of either are seen by both, and by autograd's checks.
   *
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.Tensor.detach.html">detach</a>
   */
  public final Tensor detach() {
    Tensor detached = new Tensor(storage().retain(), geometry, version, null, null);
    detached.enterScope();
    return detached;
  }

  /** Like {@link #detach()}, but in-place changes through it are not noticed by autograd. */
  public final Tensor data() {
    Tensor data = new Tensor(storage().retain(), geometry, new VersionCounter(), null, null);
    data.enterScope();
    return data;
  }

  /**
   * Makes this tensor look at another one's values and type, as {@code x.data = y} does in PyTorch;
   * its history, gradient and owner stay.
   *
   * @param source the values, shared from now on
   * @throws IllegalStateException if this is a view or a computed tensor
   */
  public final void setData(Tensor source) {
    checkOpen();
    if (base != null || gradFn() != null) {
      throw new IllegalStateException(
          "setData works on tensors that are neither views nor computed; use copy_ to overwrite"
              + " the values of this one");
    }
    Storage old = storage;
    storage = source.storage().retain();
    geometry = source.geometry;
    numel = source.numel;
    contiguous = source.contiguous;
    if (net == null) {
      old.release();
    } else {
      net.close();
      leaveScopes();
    }
  }

  /**
   * Computes the gradients of this scalar with respect to all leaves and adds them to their {@link
   * #grad()}.
   *
   * @throws IllegalStateException if it is not a scalar, needs no gradient, or its graph was freed
   */
  public final void backward() {
    backward(null, false);
  }

  /**
   * Computes gradients starting from a given gradient of this tensor.
   *
   * @param gradient of this tensor's shape; null for 1, if this is a scalar
   */
  public final void backward(Tensor gradient) {
    backward(gradient, false);
  }

  /**
   * Computes gradients, and keeps the graph if asked, so that it can be run through again.
   *
   * @param gradient of this tensor's shape; null for 1, if this is a scalar
   * @param retainGraph whether saved tensors are kept
   */
  public final void backward(Tensor gradient, boolean retainGraph) {
    checkOpen();
    Autograd.backward(self(), gradient, retainGraph, false);
  }

  /**
   * Makes {@link #grad()} of this non-leaf available after {@code backward()}.
   *
   * @throws IllegalStateException if this tensor requires no gradient
   */
  public final void retainGrad() {
    if (!requiresGrad()) {
      throw new IllegalStateException("can't retain_grad on Tensor that has requires_grad=False");
    }
    if (isLeaf()) {
      return;
    }
    AutogradMeta mine = autogradMeta();
    registerHook(
        grad -> {
          try (Scope scope = Scope.open()) {
            Tensor old = mine.grad();
            mine.setGrad((old == null ? grad.clone() : old.add(grad)).keep());
          }
          return null;
        });
  }

  /**
   * Calls a function with this tensor's gradient each time one is computed; a non-null result takes
   * its place.
   *
   * @param hook the function
   * @return close it to remove the hook
   */
  public final Autograd.RemovableHandle registerHook(UnaryOperator<Tensor> hook) {
    return Autograd.registerHook(self(), hook);
  }

  // --------------------------------------------------------------------- reading

  /**
   * The value of a one-element tensor.
   *
   * @throws IllegalStateException if it has more or fewer elements
   */
  public final double item() {
    checkItem();
    return toDoubleArray()[0];
  }

  /**
   * The value of a one-element tensor as an integer, truncated.
   *
   * @throws IllegalStateException if it has more or fewer elements
   */
  public final long itemLong() {
    checkItem();
    return toLongArray()[0];
  }

  private void checkItem() {
    if (numel != 1) {
      throw new IllegalStateException(
          "a Tensor with " + numel + " elements cannot be converted to Scalar: shape " + shape());
    }
  }

  /** The elements in row-major order, converted to float. */
  public final float[] toFloatArray() {
    float[] values = new float[Math.toIntExact(numel)];
    read(DType.FLOAT32, address -> Native.get(device().id(), address, values));
    return values;
  }

  /** The elements in row-major order, converted to double. */
  public final double[] toDoubleArray() {
    double[] values = new double[Math.toIntExact(numel)];
    read(DType.FLOAT64, address -> Native.get(device().id(), address, values));
    return values;
  }

  /** The elements in row-major order, converted to long; fractions are cut off. */
  public final long[] toLongArray() {
    long[] values = new long[Math.toIntExact(numel)];
    read(DType.INT64, address -> Native.get(device().id(), address, values));
    return values;
  }

  /** The elements in row-major order, converted to bytes 0…255 or to 0 and 1. */
  public final byte[] toByteArray() {
    byte[] values = new byte[Math.toIntExact(numel)];
    DType as = dtype() == DType.BOOL ? DType.BOOL : DType.UINT8;
    read(as, address -> Native.get(device().id(), address, values));
    return values;
  }

  private void read(DType as, LongConsumer reader) {
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      reader.accept(to(as).contiguous().address());
    }
  }

  /** PyTorch's text of this tensor: values, type, and grad_fn. */
  @Override
  public String toString() {
    return TensorText.of(self());
  }
}
