package dev.talus.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Shape;
import dev.talus.Tensor;
import java.util.List;
import java.util.function.Supplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Making tensors, reading them, and PyTorch's rules for their types. */
class TensorTest {
  private static final DType F32 = DType.FLOAT32;
  private static final DType F64 = DType.FLOAT64;
  private static final DType I64 = DType.INT64;
  private static final DType I32 = DType.INT32;
  private static final DType U8 = DType.UINT8;
  private static final DType BOOL = DType.BOOL;

  private Scope scope;

  @BeforeEach
  void open() {
    scope = Scope.open();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  /** What makes it, its type, its shape and its values. */
  static List<Arguments> creations() {
    return List.of(
        made(() -> Tensor.of(new float[] {1, 2}), F32, "[2]", 1, 2),
        made(() -> Tensor.of(new float[] {1, 2}, 2, 1), F32, "[2, 1]", 1, 2),
        made(() -> Tensor.of(new double[] {1, 2}), F64, "[2]", 1, 2),
        made(() -> Tensor.of(new long[] {1, 2}), I64, "[2]", 1, 2),
        made(() -> Tensor.of(new int[] {1, -2}), I32, "[2]", 1, -2),
        made(() -> Tensor.of(new byte[] {1, -1}), U8, "[2]", 1, 255),
        made(() -> Tensor.of(new boolean[] {true, false}), BOOL, "[2]", 1, 0),
        made(() -> Tensor.of(new float[0]), F32, "[0]"),
        made(() -> Tensor.scalar(2.5), F32, "[]", 2.5),
        made(() -> Tensor.scalar(3, I64), I64, "[]", 3),
        made(() -> Tensor.zeros(1, 2), F32, "[1, 2]", 0, 0),
        made(() -> Tensor.zeros(), F32, "[]", 0),
        made(() -> Tensor.ones(I32, 2), I32, "[2]", 1, 1),
        made(() -> Tensor.full(2.5, 2), F32, "[2]", 2.5, 2.5),
        made(() -> Tensor.full(BOOL, 0.5, 1), BOOL, "[1]", 1),
        made(() -> Tensor.arange(3), I64, "[3]", 0, 1, 2),
        made(() -> Tensor.arange(2, 4), I64, "[2]", 2, 3),
        made(() -> Tensor.arange(5, 0, -2), I64, "[3]", 5, 3, 1),
        made(() -> Tensor.arange(0.0, 1.0, 0.25), F32, "[4]", 0, 0.25, 0.5, 0.75),
        made(() -> Tensor.arange(0), I64, "[0]"),
        made(() -> Tensor.eye(2), F32, "[2, 2]", 1, 0, 0, 1),
        made(() -> Tensor.eye(2, 3), F32, "[2, 3]", 1, 0, 0, 0, 1, 0),
        made(() -> Tensor.zerosLike(Tensor.ones(I64, 2)), I64, "[2]", 0, 0),
        made(() -> Tensor.onesLike(Tensor.zeros(F64, 1)), F64, "[1]", 1),
        made(() -> Tensor.fullLike(Tensor.zeros(2), 7), F32, "[2]", 7, 7));
  }

  private static Arguments made(
      Supplier<Tensor> maker, DType type, String shape, double... values) {
    return Arguments.of(maker, type, shape, values);
  }

  @ParameterizedTest
  @MethodSource("creations")
  void creation(Supplier<Tensor> maker, DType type, String shape, double[] values) {
    Tensor tensor = maker.get();
    assertThat(tensor.dtype()).isEqualTo(type);
    assertThat(tensor.shape()).hasToString(shape);
    assertThat(tensor.toDoubleArray()).isEqualTo(values);
    assertThat(tensor.isContiguous()).isTrue();
    assertThat(tensor.requiresGrad()).isFalse();
  }

  @Test
  void creationRefusesWhatDoesNotFit() {
    refused(() -> Tensor.of(new float[] {1, 2, 3}, 2, 2), "invalid for input of size 3");
    refused(() -> Tensor.zeros(2, -1), "negative size");
    refused(() -> Tensor.arange(0, 3, 0), "step must be nonzero");
    refused(() -> Tensor.arange(0, 3, -1), "inconsistent with step sign");
    refused(() -> Tensor.zeros(new long[17]), "at most 16 dimensions");
    assertThatExceptionOfType(ArithmeticException.class)
        .isThrownBy(() -> Tensor.zeros(1L << 40, 1L << 40));
  }

  private static void refused(ThrowingCallable call, String message) {
    assertThatIllegalArgumentException().isThrownBy(call).withMessageContaining(message);
  }

  @Test
  void sizes() {
    Tensor x = Tensor.zeros(2, 3, 4);
    assertThat(x.dim()).isEqualTo(3);
    assertThat(x.numel()).isEqualTo(24);
    assertThat(x.size(-1)).isEqualTo(4);
    assertThat(x.shape()).isEqualTo(Shape.of(2, 3, 4)).hasToString("[2, 3, 4]");
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> x.size(3))
        .withMessage("Dimension out of range (expected to be in range of [-3, 2], but got 3)");
  }

  @Test
  void reading() {
    Tensor x = Tensor.of(new float[] {1.75f, -2.5f});
    assertThat(x.toLongArray()).containsExactly(1, -2);
    assertThat(x.toDoubleArray()).containsExactly(1.75, -2.5);
    assertThat(x.select(0, 1).item()).isEqualTo(-2.5);
    assertThat(Tensor.scalar(1L << 60, I64).itemLong()).isEqualTo(1L << 60);
    assertThatIllegalStateException()
        .isThrownBy(x::item)
        .withMessageContaining("a Tensor with 2 elements cannot be converted to Scalar");
    assertThat(Tensor.of(new boolean[] {true, false}).toByteArray()).containsExactly(1, 0);
  }

  /** The promotion table that PyTorch documents: two tensors of one dimension. */
  @Test
  void promotionOfTensors() {
    DType[][] table = {
      {F32, F64, F64},
      {I64, F32, F32},
      {U8, I32, I32},
      {BOOL, U8, U8},
      {I64, I32, I64},
      {BOOL, F32, F32},
      {U8, I64, I64},
      {F64, I64, F64}
    };
    for (DType[] row : table) {
      assertThat(Tensor.ones(row[0], 2).mul(Tensor.ones(row[1], 2)).dtype()).isEqualTo(row[2]);
      assertThat(Tensor.ones(row[1], 2).mul(Tensor.ones(row[0], 2)).dtype()).isEqualTo(row[2]);
    }
  }

  /** A scalar tensor counts only where its category is higher. */
  @Test
  void promotionWithScalars() {
    DType[][] table = {
      {F32, F64, F32},
      {I32, I64, I32},
      {U8, I64, U8},
      {I64, F32, F32},
      {BOOL, I64, I64},
      {I64, F64, F64},
      {F32, I64, F32}
    };
    for (DType[] row : table) {
      assertThat(Tensor.ones(row[0], 2).mul(Tensor.ones(row[1])).dtype()).isEqualTo(row[2]);
    }
  }

  @Test
  void integersStayExact() {
    Tensor big = Tensor.of(new long[] {(1L << 53) + 1});
    assertThat(big.add(1L).itemLong()).isEqualTo((1L << 53) + 2);
    assertThat(big.mul(1L).itemLong()).isEqualTo((1L << 53) + 1);
    assertThat(big.sub(Tensor.of(new long[] {1})).itemLong()).isEqualTo(1L << 53);
    assertThat(big.sum().itemLong()).isEqualTo((1L << 53) + 1);
  }

  @Test
  void conversions() {
    assertThat(Tensor.of(new float[] {-1.9f, 2.9f}).to(I32).toLongArray()).containsExactly(-1, 2);
    assertThat(Tensor.of(new float[] {0, 0.5f}).to(BOOL).toLongArray()).containsExactly(0, 1);
    assertThat(Tensor.of(new long[] {-1, 256}).to(U8).toLongArray()).containsExactly(255, 0);
    Tensor x = Tensor.ones(1);
    assertThat(x.to(F32)).isSameAs(x);
  }

  @Test
  void allclose() {
    Tensor x = Tensor.of(new float[] {1, 2});
    assertThat(x.allclose(Tensor.of(new float[] {1, 2.00001f}), 1e-5, 1e-8)).isTrue();
    assertThat(x.allclose(Tensor.of(new float[] {1, 2.1f}), 1e-5, 1e-8)).isFalse();
    Tensor nan = Tensor.of(new float[] {Float.NaN});
    assertThat(nan.allclose(nan, 1, 1)).isFalse();
  }
}
