package dev.talus.bench;

import dev.talus.Scope;
import dev.talus.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;
import org.bytedeco.pytorch.global.torch;

/** Float32 matrix products, square ones and those of networks. */
final class GemmFamily implements Family {
  /** Up to here the call is most of the time, and a product in place beats packing. */
  private static final int SMALL = 32;

  private static final double SMALL_TARGET = 3.0;

  /** From here on, square products are to keep a core's multiply-adds busy. */
  private static final int LARGE = 512;

  private static final double SHARE = 0.9;

  @Override
  public String name() {
    return "gemm";
  }

  @Override
  public String title() {
    return "matrix products [m,k] x [k,n], float32 (x^T: stored transposed)";
  }

  @Override
  public List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    for (int n : new int[] {16, 32, 64, 128, 256, 512, 1024, 2048}) {
      rows.add(row("square", n, n, n, false, false));
    }
    rows.add(row("square", 512, 512, 512, false, true));
    rows.add(row("square", 512, 512, 512, true, false));
    linear(rows, "lenet", 64, 576, 120);
    linear(rows, "lenet", 64, 84, 10);
    linear(rows, "mlp", 64, 784, 1024);
    linear(rows, "mlp", 64, 1024, 1024);
    linear(rows, "mlp", 64, 1024, 10);
    linear(rows, "mlp", 256, 784, 1024);
    linear(rows, "mlp", 256, 1024, 1024);
    linear(rows, "mlp", 256, 1024, 10);
    linear(rows, "vgg", 1, 4096, 4096);
    linear(rows, "vgg", 32, 4096, 4096);
    rows.add(row("conv 3x3", 64, 3136, 576, false, false));
    rows.add(row("long sum", 64, 64, 65536, false, false));
    rows.add(row("long sum", 16, 16, 65536, false, false));
    // Attention of 8 sequences with 12 heads, forward and backward; the last two are its scores
    // with keys or queries stored the other way round.
    rows.add(batched(96, 128, 128, 64, false, true));
    rows.add(batched(96, 128, 64, 128, false, false));
    rows.add(batched(96, 128, 128, 64, false, false));
    rows.add(batched(96, 128, 64, 128, true, false));
    rows.add(batched(96, 128, 128, 64, true, false));
    rows.add(row("row", 1, 1000, 1000, false, false));
    rows.add(row("column", 1000, 1, 1000, false, false));
    return rows;
  }

  /** A layer's product, then those of the gradients of its input and of its weight. */
  private static void linear(List<Row> rows, String net, int batch, int in, int out) {
    rows.add(row(net, batch, out, in, false, true));
    rows.add(row(net + " dx", batch, in, out, false, false));
    rows.add(row(net + " dw", out, in, batch, true, false));
  }

  private static Row row(String what, int m, int n, int k, boolean transA, boolean transB) {
    String name =
        String.format("%s %d,%d,%d%s%s", what, m, n, k, transA ? " a^T" : "", transB ? " b^T" : "");
    double flops = 2.0 * m * n * k;
    double bytes = 4.0 * ((double) m * k + (double) k * n + (double) m * n);
    // A matrix is read, or written, once.
    boolean streams = m == 1 || n == 1 || k == 1;
    boolean small = m <= SMALL && n <= SMALL && k <= SMALL;
    boolean large = m == n && n == k && n >= LARGE;
    return new Row(
            name,
            streams ? 0 : flops,
            streams ? bytes : 0,
            small ? SMALL_TARGET : 1.0,
            () -> new Product(m, n, k, transA, transB))
        .withShare(large ? SHARE : 0);
  }

  /** Many products of one size, which OpenBLAS has no function for. */
  private static Row batched(int batch, int m, int n, int k, boolean transA, boolean transB) {
    String name =
        String.format(
            "batched %d x %d,%d,%d%s%s",
            batch, m, n, k, transA ? " a^T" : "", transB ? " b^T" : "");
    return new Row(
        name,
        2.0 * batch * m * n * k,
        0,
        1.0,
        () ->
            new OpWork(
                List.of(
                    transA ? Input.of(batch, k, m) : Input.of(batch, m, k),
                    transB ? Input.of(batch, n, k) : Input.of(batch, k, n)),
                t ->
                    (transA ? t[0].transpose(1, 2) : t[0])
                        .matmul(transB ? t[1].transpose(1, 2) : t[1]),
                t ->
                    torch.bmm(
                        transA ? t[0].transpose(1, 2) : t[0], transB ? t[1].transpose(1, 2) : t[1]),
                false));
  }

  private static final class Product extends OpWork {
    private final int m;
    private final int n;
    private final int k;
    private final boolean transA;
    private final boolean transB;
    private final FloatPointer a;
    private final FloatPointer b;
    private final FloatPointer c;

    Product(int m, int n, int k, boolean transA, boolean transB) {
      super(
          List.of(
              transA ? Input.of(k, m) : Input.of(m, k), transB ? Input.of(n, k) : Input.of(k, n)),
          t -> (transA ? t[0].t() : t[0]).matmul(transB ? t[1].t() : t[1]),
          t -> torch.matmul(transA ? t[0].t() : t[0], transB ? t[1].t() : t[1]),
          false);
      this.m = m;
      this.n = n;
      this.k = k;
      this.transA = transA;
      this.transB = transB;
      a = floats(input(0));
      b = floats(input(1));
      c = new FloatPointer((long) m * n);
    }

    private static FloatPointer floats(Tensor tensor) {
      return new FloatPointer(Input.pointer(tensor));
    }

    @Override
    public Runnable blas() {
      int opA = transA ? openblas.CblasTrans : openblas.CblasNoTrans;
      int opB = transB ? openblas.CblasTrans : openblas.CblasNoTrans;
      int lda = transA ? m : k;
      int ldb = transB ? k : n;
      return () ->
          openblas.cblas_sgemm(
              openblas.CblasRowMajor, opA, opB, m, n, k, 1, a, lda, b, ldb, 0, c, n);
    }

    @Override
    public void check() {
      super.check();
      blas().run();
      float[] product = new float[(int) Math.min(1 << 20, (long) m * n)];
      c.get(product);
      try (Scope scope = Scope.open()) {
        Tensor x = transA ? input(0).t() : input(0);
        Tensor y = transB ? input(1).t() : input(1);
        Tensor ours = x.matmul(y).view(-1).narrow(0, 0, product.length);
        Agreement.check("OpenBLAS's product", ours.toFloatArray(), product);
      }
    }

    @Override
    public void close() {
      c.close();
      super.close();
    }
  }
}
