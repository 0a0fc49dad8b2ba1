package dev.talus.tests.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.memory.Allocator;
import dev.talus.nn.F;
import java.nio.file.Path;
import java.util.function.Function;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** Who multiplies on a GPU. A cuBLAS that was loaded stays, so what needs none comes first. */
@CudaTest
@TestMethodOrder(OrderAnnotation.class)
class GemmProviderTest {
  private static final Device GPU = Device.cuda();

  /** What a product by cuBLAS takes, and these small products otherwise do not. */
  private static final long LEAST_WORKSPACE = 4 << 20;

  @Test
  @Order(1)
  void cublasIsRefusedWhereThereIsNone() {
    assertThat(Talus.gemmProvider()).isEqualTo("native");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Talus.setGemmProvider("openblas"))
        .withMessageContaining("'openblas', expected native or cublas");
    withLibrary(
        "/no/such/libcublas.so",
        () ->
            assertThatThrownBy(() -> Talus.setGemmProvider("cublas"))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("from -Dtalus.cublas=/no/such/libcublas.so: ")
                .hasMessageContaining("libcublas of CUDA 12 or later, or choose -Dtalus.gemm="));
    assertThat(Talus.gemmProvider()).isEqualTo("native");
    assertThat(peakOf(x -> x.mm(x))).isLessThan(LEAST_WORKSPACE);
  }

  @Test
  @Order(2)
  void productsAreComputedByCublasOnceItIsChosen() {
    chooseCublas();
    try {
      assertThat(Talus.gemmProvider()).isEqualTo("cublas");
      usesCublas(x -> x.mm(x));
      usesCublas(x -> x.t().mm(x));
      usesCublas(x -> x.mv(x.select(0, 1)));
      usesCublas(x -> x.view(2, 2, 4).bmm(x.t().contiguous().view(2, 4, 2)));
      usesCublas(x -> F.relu(F.linear(x.select(0, 2).unsqueeze(0), x, x.select(0, 0))));
      usesCublas(x -> F.conv2d(x.view(1, 4, 2, 2), x.view(4, 4, 1, 1), x.select(0, 0)));
      usesCublas(
          x -> {
            Tensor leaf = x.detach().requiresGrad_(true);
            leaf.mm(leaf).sum().backward();
            return leaf.grad();
          });
      // A convolution that is not a plain product.
      assertThat(peakOf(x -> F.conv2d(x.view(1, 1, 4, 4), x.view(4, 1, 2, 2), null)))
          .isLessThan(LEAST_WORKSPACE);
    } finally {
      Talus.setGemmProvider("native");
    }
    assertThat(peakOf(x -> x.mm(x))).isLessThan(LEAST_WORKSPACE);
  }

  /** The library with emulated devices has a stand-in for cuBLAS; a GPU takes the machine's. */
  private static void chooseCublas() {
    if (CudaTestDevice.isEmulated(GPU.hardwareName())) {
      Path library = Path.of(System.getProperty("java.library.path"), "libtalus.so");
      withLibrary(library.toString(), () -> Talus.setGemmProvider("cublas"));
      return;
    }
    try {
      Talus.setGemmProvider("cublas");
    } catch (UnsupportedOperationException e) {
      abort("there is no cuBLAS for this GPU: " + e.getMessage());
    }
  }

  private static void usesCublas(Function<Tensor, Tensor> product) {
    assertThat(peakOf(product)).isGreaterThanOrEqualTo(LEAST_WORKSPACE);
    try (Scope scope = Scope.open()) {
      float[] expected = product.apply(matrix(Device.CPU)).toFloatArray();
      // Small whole numbers: no order of the sum rounds.
      assertThat(product.apply(matrix(GPU)).toFloatArray()).containsExactly(expected);
    }
  }

  /** The most memory that an operation on a small matrix takes meanwhile. */
  private static long peakOf(Function<Tensor, Tensor> operation) {
    Allocator allocator = Allocator.of(GPU);
    try (Scope scope = Scope.open()) {
      Tensor x = matrix(GPU);
      allocator.resetPeak();
      long before = allocator.stats().peakBytes();
      operation.apply(x);
      return allocator.stats().peakBytes() - before;
    }
  }

  private static Tensor matrix(Device device) {
    return Tensor.arange(-7, 9, 1).to(DType.FLOAT32).view(4, 4).to(device);
  }

  private static void withLibrary(String file, Runnable what) {
    String before = System.setProperty("talus.cublas", file);
    try {
      what.run();
    } finally {
      if (before == null) {
        System.clearProperty("talus.cublas");
      } else {
        System.setProperty("talus.cublas", before);
      }
    }
  }
}
