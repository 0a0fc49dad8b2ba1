package dev.talus.ops;

import dev.talus.Scope;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.internal.NativeNn;
import java.lang.ref.Reference;
import java.util.Arrays;

/** The matrix products: their shape rules, and {@code matmul}, which is put together from them. */
public final class Matmul {
  private Matmul() {}

  /** [n, k] times [k, m]. */
  public static Tensor mm(Tensor a, Tensor b) {
    checkDims("mm", a, 2, "self must be a matrix");
    checkDims("mm", b, 2, "mat2 must be a matrix");
    checkInner("mat1 and mat2", a, b);
    return Mm.apply(a, b);
  }

  /** [b, n, k] times [b, k, m]. */
  public static Tensor bmm(Tensor a, Tensor b) {
    checkDims("bmm", a, 3, "batch1 must be a 3D tensor");
    checkDims("bmm", b, 3, "batch2 must be a 3D tensor");
    if (a.sizes()[0] != b.sizes()[0]) {
      throw new IllegalArgumentException(
          "bmm: expected both batches to have the same size, got "
              + a.shape()
              + " and "
              + b.shape());
    }
    checkInner("batch1 and batch2", a, b);
    return Bmm.apply(a, b);
  }

  /** input + a b. */
  public static Tensor addmm(Tensor input, Tensor a, Tensor b) {
    return addmm(input, a, b, Epilogue.NONE);
  }

  /** The epilogue of input + a b, computed at once. */
  public static Tensor addmm(Tensor input, Tensor a, Tensor b, Epilogue epilogue) {
    checkDims("addmm", a, 2, "mat1 must be a matrix");
    checkDims("addmm", b, 2, "mat2 must be a matrix");
    checkInner("mat1 and mat2", a, b);
    Placement.same(a, input);
    checkType("addmm", a, input);
    long[] sizes = {a.sizes()[0], b.sizes()[1]};
    boolean isBias = input.dim() == 1 && input.sizes()[0] == sizes[1];
    if (!isBias && !Arrays.equals(Shape.broadcast(input.sizes(), sizes), sizes)) {
      throw new IllegalArgumentException(
          "addmm: input of shape "
              + input.shape()
              + " does not broadcast to the product's shape "
              + Arrays.toString(sizes));
    }
    return Addmm.apply(input, a, b, epilogue);
  }

  /** [n, k] times [k]. */
  public static Tensor mv(Tensor a, Tensor x) {
    checkDims("mv", a, 2, "self must be a matrix");
    checkDims("mv", x, 1, "vec must be a vector");
    try (Scope scope = Scope.open()) {
      return scope.escape(mm(a, x.unsqueeze(1)).squeeze(1));
    }
  }

  /** The inner product of two vectors. */
  public static Tensor dot(Tensor a, Tensor b) {
    checkDims("dot", a, 1, "1D tensors expected");
    checkDims("dot", b, 1, "1D tensors expected");
    try (Scope scope = Scope.open()) {
      return scope.escape(mm(a.unsqueeze(0), b.unsqueeze(1)).view());
    }
  }

  /** PyTorch's general product. */
  public static Tensor matmul(Tensor a, Tensor b) {
    if (a.dim() == 0 || b.dim() == 0) {
      throw new IllegalArgumentException(
          "both arguments to matmul need to be at least 1D, but they are "
              + a.dim()
              + "D and "
              + b.dim()
              + "D");
    }
    if (a.dim() == 1 && b.dim() == 1) {
      return dot(a, b);
    }
    if (a.dim() == 2 && b.dim() == 2) {
      return mm(a, b);
    }
    if (a.dim() == 2 && b.dim() == 1) {
      return mv(a, b);
    }
    // Of several ops only the last result is kept; the graph goes along.
    try (Scope scope = Scope.open()) {
      return scope.escape(composed(a, b));
    }
  }

  private static Tensor composed(Tensor a, Tensor b) {
    if (a.dim() == 1) {
      return matmul(a.unsqueeze(0), b).squeeze(-2);
    }
    if (b.dim() == 1) {
      return matmul(a, b.unsqueeze(1)).squeeze(-1);
    }
    return b.dim() == 2 ? folded(a, b) : batched(a, b);
  }

  /** A stack of matrices times one matrix is one tall product. */
  private static Tensor folded(Tensor a, Tensor b) {
    checkInner("mat1 and mat2", a, b);
    long[] sizes = a.sizes().clone();
    long k = sizes[sizes.length - 1];
    sizes[sizes.length - 1] = b.sizes()[1];
    long rows = k == 0 ? Shape.numel(Arrays.copyOf(sizes, sizes.length - 1)) : a.numel() / k;
    return mm(a.reshape(rows, k), b).view(sizes);
  }

  private static Tensor batched(Tensor a, Tensor b) {
    checkInner("batch1 and batch2", a, b);
    long[] batch = Shape.broadcast(leading(a), leading(b));
    Tensor out = bmm(stacked(a, batch), stacked(b, batch));
    return out.view(join(batch, out.sizes()[1], out.sizes()[2]));
  }

  private static Tensor stacked(Tensor x, long[] batch) {
    long rows = x.size(-2);
    long columns = x.size(-1);
    return x.expand(join(batch, rows, columns)).reshape(Shape.numel(batch), rows, columns);
  }

  private static long[] leading(Tensor x) {
    return Arrays.copyOf(x.sizes(), x.dim() - 2);
  }

  private static long[] join(long[] batch, long rows, long columns) {
    long[] sizes = Arrays.copyOf(batch, batch.length + 2);
    sizes[batch.length] = rows;
    sizes[batch.length + 1] = columns;
    return sizes;
  }

  private static void checkDims(String op, Tensor x, int dims, String message) {
    if (x.dim() != dims) {
      throw new IllegalArgumentException(
          op + ": " + message + ", but got a tensor of shape " + x.shape());
    }
  }

  private static void checkInner(String who, Tensor a, Tensor b) {
    Placement.same(a, b);
    if (a.size(-1) != b.size(-2)) {
      throw new IllegalArgumentException(
          who
              + " shapes cannot be multiplied ("
              + a.size(-2)
              + "x"
              + a.size(-1)
              + " and "
              + b.size(-2)
              + "x"
              + b.size(-1)
              + ")");
    }
    checkType("matmul", a, b);
  }

  private static void checkType(String op, Tensor a, Tensor b) {
    if (a.dtype() != b.dtype()) {
      throw new IllegalArgumentException(
          op + ": expected matrices of one dtype, got " + a.dtype() + " and " + b.dtype());
    }
    if (!a.dtype().isFloating()) {
      throw new IllegalArgumentException(
          op + ": needs a floating point type, got " + a.dtype() + "; convert with to(...)");
    }
  }

  /**
   * A matrix (or a stack of them), or its transpose, as the GEMM kernel reads it: row-major or
   * transposed, with a leading dimension. Other layouts are copied first.
   */
  private static final class Operand {
    private final Tensor tensor;
    private final boolean copied;
    final long rows;
    final long columns;
    final boolean transposed;
    final long ld;
    final long batchStride;

    Operand(Tensor x, boolean flipped) {
      int dim = x.dim();
      long storedRows = x.sizes()[dim - 2];
      long storedColumns = x.sizes()[dim - 1];
      boolean plain = isRowMajor(x, dim - 2, dim - 1, storedColumns);
      boolean turned = !plain && isRowMajor(x, dim - 1, dim - 2, storedRows);
      copied = !plain && !turned;
      tensor = copied ? Checks.dense(x) : x;
      int outer = dim - (turned ? 1 : 2);
      long inner = turned ? storedRows : storedColumns;
      // A single row has no meaningful stride; the kernel still wants one that is large enough.
      ld = tensor.sizes()[outer] == 1 ? Math.max(inner, 1) : Math.max(tensor.strides()[outer], 1);
      batchStride = dim == 3 ? tensor.strides()[0] : 0;
      transposed = turned != flipped;
      rows = flipped ? storedColumns : storedRows;
      columns = flipped ? storedRows : storedColumns;
    }

    private static boolean isRowMajor(Tensor x, int outer, int inner, long width) {
      long step = x.strides()[inner];
      long row = x.strides()[outer];
      return (step == 1 || x.sizes()[inner] <= 1) && (row >= width || x.sizes()[outer] <= 1);
    }

    long address() {
      return tensor.address();
    }

    void close() {
      if (copied) {
        tensor.close();
      }
    }
  }

  /** c = a b + beta c + bias, without a graph; b's rows are added to where bias is given. */
  static void gemm(Tensor a, Tensor b, double beta, Tensor c, Tensor bias) {
    gemm(a, false, b, false, beta, c, bias, Epilogue.NONE);
  }

  /** {@link #gemm}, with either factor transposed first, and an epilogue. */
  static void gemm(
      Tensor a,
      boolean flipA,
      Tensor b,
      boolean flipB,
      double beta,
      Tensor c,
      Tensor bias,
      Epilogue epilogue) {
    GemmChoice.readProperty(c.device());
    Operand left = new Operand(a, flipA);
    Operand right = new Operand(b, flipB);
    long m = left.rows;
    long n = right.columns;
    NativeNn.gemm(
        c.device().id(),
        c.dtype().code(),
        c.dim() == 3 ? c.sizes()[0] : 1,
        left.transposed,
        right.transposed,
        m,
        n,
        left.columns,
        1,
        left.address(),
        left.ld,
        left.batchStride,
        right.address(),
        right.ld,
        right.batchStride,
        beta,
        c.address(),
        Math.max(n, 1),
        m * n,
        bias == null ? 0 : bias.address(),
        epilogue.code());
    Reference.reachabilityFence(a);
    Reference.reachabilityFence(b);
    Reference.reachabilityFence(c);
    Reference.reachabilityFence(bias);
    left.close();
    right.close();
  }

  /** The gradient of the first factor of a product, grad bᵀ. */
  static Tensor firstGrad(Tensor grad, Tensor b) {
    return Autograd.records(grad, b) ? grad.mm(b.t()) : product(grad, false, b, true);
  }

  /**
   * The gradient of the second factor, aᵀ grad. Where that factor was stored transposed, as a
   * layer's weight is, the gradient is computed in the same layout, so that it can become the
   * weight's gradient without a copy.
   */
  static Tensor secondGrad(Tensor a, Tensor grad, boolean storedTransposed) {
    if (Autograd.records(a, grad)) {
      return storedTransposed ? grad.t().mm(a).t() : a.t().mm(grad);
    }
    return storedTransposed ? product(grad, true, a, false).t() : product(a, true, grad, false);
  }

  private static Tensor product(Tensor a, boolean flipA, Tensor b, boolean flipB) {
    long rows = a.sizes()[flipA ? 1 : 0];
    long columns = b.sizes()[flipB ? 0 : 1];
    Tensor out = Tensor.allocate(a.dtype(), a.device(), rows, columns);
    gemm(a, flipA, b, flipB, 0, out, null, Epilogue.NONE);
    return out;
  }

  static boolean isStoredTransposed(Tensor x) {
    return !x.isContiguous() && x.strides()[0] == 1;
  }
}
