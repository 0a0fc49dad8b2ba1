package dev.talus;

import dev.talus.autograd.Autograd;
import dev.talus.autograd.AutogradMeta;
import dev.talus.autograd.VersionCounter;
import dev.talus.cuda.Cuda;
import dev.talus.cuda.Stream;
import dev.talus.cuda.StreamContext;
import dev.talus.internal.Native;
import dev.talus.internal.NativeCuda;
import dev.talus.internal.TensorText;
import dev.talus.memory.Allocator;
import dev.talus.memory.LeakDetector;
import dev.talus.memory.Storage;
import java.lang.ref.Reference;
import java.util.function.LongConsumer;

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
public class Tensor extends TensorAutograd implements AutoCloseable {
  /** How a tensor looks at its storage: immutable, and shared by tensors that look alike. */
  public static final class Geometry {
    private final DType dtype;
    private final Device device;
    private final long[] sizes;
    private final long[] strides;
    private final long offset;
    private final long numel;
    private final boolean contiguous;
    // Whether a new tensor of these sizes has this geometry.
    private final boolean plain;

    private Geometry(DType dtype, Device device, long[] sizes, long[] strides, long offset) {
      this.dtype = dtype;
      this.device = device;
      this.sizes = sizes;
      this.strides = strides;
      this.offset = offset;
      numel = Shape.numel(sizes);
      contiguous = contiguous(sizes, strides);
      plain = false;
    }

    private Geometry(DType dtype, Device device, long[] sizes) {
      this.dtype = dtype;
      this.device = device;
      this.sizes = sizes;
      strides = Shape.contiguousStrides(sizes);
      offset = 0;
      numel = Shape.numel(sizes);
      contiguous = true;
      plain = true;
    }

    private static boolean contiguous(long[] sizes, long[] strides) {
      long step = 1;
      for (int d = sizes.length - 1; d >= 0; d--) {
        if (sizes[d] == 0) {
          return true;
        }
        if (sizes[d] != 1) {
          if (strides[d] != step) {
            return false;
          }
          step *= sizes[d];
        }
      }
      return true;
    }

    /** Element type. */
    public DType dtype() {
      return dtype;
    }

    /** Where the storage lives. */
    public Device device() {
      return device;
    }

    /** Size of each dimension, not to be changed. */
    public long[] sizes() {
      return sizes;
    }

    /** Step of each dimension, in elements, not to be changed. */
    public long[] strides() {
      return strides;
    }

    /** Of the first element from the start of the storage, in elements. */
    public long offset() {
      return offset;
    }

    /** The type and shape in PyTorch's words, for messages. */
    public String describe() {
      return dtype + " " + Shape.wrap(sizes);
    }
  }

  private Storage storage;
  private Geometry geometry;
  private final VersionCounter version;
  private final LeakDetector.Site site;
  private LeakDetector.Net net;
  private boolean closed;

  private Tensor(
      Storage storage, Geometry geometry, VersionCounter version, AutogradMeta meta, Tensor base) {
    super(meta, base);
    this.storage = storage;
    this.geometry = geometry;
    this.version = version;
    this.site =
        LeakDetector.recordsSites()
            ? LeakDetector.created("tensor " + Shape.wrap(geometry.sizes))
            : null;
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
    return allocate(new Geometry(dtype, device, sizes));
  }

  private static Tensor allocate(Geometry plain) {
    long bytes = Math.multiplyExact(plain.numel, plain.dtype.bytes());
    Storage storage = Storage.allocate(Allocator.of(plain.device), bytes);
    Tensor tensor = new Tensor(storage, plain, new VersionCounter(), null, null);
    tensor.enterScope();
    return tensor;
  }

  /**
   * A new contiguous tensor of another one's type, device and sizes, whose contents are not
   * defined; for op writers.
   *
   * @param like any open tensor
   */
  public static Tensor allocateLike(Tensor like) {
    like.checkOpen(); // before anything is allocated
    Geometry g = like.geometry;
    return allocate(g.plain ? g : new Geometry(g.dtype, g.device, g.sizes));
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
    Tensor root = base() == null ? this : base();
    Tensor view =
        new Tensor(storage().retain(), g, version, null, Autograd.isGradEnabled() ? root : null);
    view.enterScope();
    return view;
  }

  /** A second handle of the same values and the same history; each is closed on its own. */
  public final Tensor alias() {
    Tensor alias = new Tensor(storage().retain(), geometry, version, meta, base());
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
    return geometry.numel;
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
    return geometry.contiguous;
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

  /**
   * Tells the allocator that a stream uses this tensor, besides the one that it was made on: after
   * it is closed, its memory is used again only when all that the stream was given till then is
   * done. It does not order the streams: before the first use the stream has to wait for the one
   * that the tensor was made on ({@link Stream#waitStream}). All views of its storage are meant,
   * for as long as the storage lives.
   *
   * @param stream of the tensor's device
   * @throws IllegalArgumentException if the tensor is not on a GPU, or the stream of another one
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.Tensor.record_stream.html">record_stream</a>
   */
  public final void recordStream(Stream stream) {
    Device device = device();
    if (!device.isCuda()) {
      throw new IllegalArgumentException(
          "recordStream: this tensor is on "
              + device
              + ", where no stream works; leave the call out, or move the tensor to a GPU first");
    }
    if (stream.device() != device) {
      throw new IllegalArgumentException(
          "recordStream: this tensor is on "
              + device
              + ", the stream belongs to "
              + stream.device()
              + "; name a stream of "
              + device);
    }
    long block = storage().address();
    try (StreamContext on = Cuda.stream(stream)) {
      NativeCuda.recordStream(device.id(), block);
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

  // --------------------------------------------------------- without history

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
    if (base() != null || gradFn() != null) {
      throw new IllegalStateException(
          "setData works on tensors that are neither views nor computed; use copy_ to overwrite"
              + " the values of this one");
    }
    Storage old = storage;
    storage = source.storage().retain();
    geometry = source.geometry;
    if (net == null) {
      old.release();
    } else {
      net.close();
      leaveScopes();
    }
  }

  // --------------------------------------------------------------------- reading

  /**
   * The value of a one-element tensor.
   *
   * @throws IllegalStateException if it has more or fewer elements
   */
  public final double item() {
    checkItem();
    return dtype() == DType.FLOAT32 ? toFloatArray()[0] : toDoubleArray()[0];
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
    if (numel() != 1) {
      throw new IllegalStateException(
          "a Tensor with " + numel() + " elements cannot be converted to Scalar: shape " + shape());
    }
  }

  /** The elements in row-major order, converted to float. */
  public final float[] toFloatArray() {
    float[] values = new float[Math.toIntExact(numel())];
    read(DType.FLOAT32, address -> Native.get(device().id(), address, values));
    return values;
  }

  /** The elements in row-major order, converted to double. */
  public final double[] toDoubleArray() {
    double[] values = new double[Math.toIntExact(numel())];
    read(DType.FLOAT64, address -> Native.get(device().id(), address, values));
    return values;
  }

  /** The elements in row-major order, converted to long; fractions are cut off. */
  public final long[] toLongArray() {
    long[] values = new long[Math.toIntExact(numel())];
    read(DType.INT64, address -> Native.get(device().id(), address, values));
    return values;
  }

  /** The elements in row-major order, converted to bytes 0…255 or to 0 and 1. */
  public final byte[] toByteArray() {
    byte[] values = new byte[Math.toIntExact(numel())];
    DType as = dtype() == DType.BOOL ? DType.BOOL : DType.UINT8;
    read(as, address -> Native.get(device().id(), address, values));
    return values;
  }

  private void read(DType as, LongConsumer reader) {
    if (dtype() == as && isContiguous()) {
      reader.accept(address());
      Reference.reachabilityFence(this);
      return;
    }
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      reader.accept(to(as).contiguous().address());
    } finally {
      // The address alone does not keep a tensor without a scope from being freed meanwhile.
      Reference.reachabilityFence(this);
    }
  }

  /** PyTorch's text of this tensor: values, type, and grad_fn. */
  @Override
  public String toString() {
    return TensorText.of(self());
  }
}
