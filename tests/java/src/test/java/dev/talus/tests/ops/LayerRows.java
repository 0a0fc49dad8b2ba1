package dev.talus.tests.ops;

import static dev.talus.tests.ops.Arg.fixed;
import static dev.talus.tests.ops.Arg.index;
import static dev.talus.tests.ops.Arg.indices;
import static dev.talus.tests.ops.Arg.integer;
import static dev.talus.tests.ops.Arg.real;
import static dev.talus.tests.ops.OpRow.op;

import dev.talus.Tensor;
import dev.talus.nn.F;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;

/** Activations of newer networks, adaptive pooling and embeddings. */
final class LayerRows {
  private static final Class<IllegalArgumentException> ILLEGAL = IllegalArgumentException.class;
  private static final Class<IndexOutOfBoundsException> OUTSIDE = IndexOutOfBoundsException.class;

  private LayerRows() {}

  static List<OpRow> rows() {
    return List.of(
        // Java has no error function; the reference is libtorch, and the kernels' own tests.
        op("gelu", t -> F.gelu(t[0]))
            .torch("gelu")
            .with(fixed(-2, -0.5, 0, 1, 3))
            .with(real(3, 1, 7))
            .with(real(2, 0, 3))
            .large(real(70_003))
            .fails(ILLEGAL, "floating point", integer(3))
            .fails(ILLEGAL, "approximate argument must be", t -> F.gelu(t[0], "sinh"), real(2)),
        activation("gelu_tanh", x -> F.gelu(x, "tanh"), LayerRows::geluTanh),
        activation("silu", F::silu, x -> x / (1 + Math.exp(-x))),
        activation("leaky_relu", x -> F.leakyRelu(x, 0.1), x -> x > 0 ? x : 0.1 * x),
        activation("elu", x -> F.elu(x, 0.7), x -> x > 0 ? x : 0.7 * Math.expm1(x)),
        activation(
            "softplus",
            x -> F.softplus(x, 2, 1.5),
            x -> 2 * x > 1.5 ? x : Math.log1p(Math.exp(2 * x)) / 2),
        activation("hardswish", F::hardswish, x -> x * Math.min(Math.max(x + 3, 0), 6) / 6),
        activation("relu6", x -> F.relu6(x), x -> Math.min(Math.max(x, 0), 6)),
        activation(
            "hardtanh", x -> F.hardtanh(x, -0.5, 0.75), x -> Math.min(Math.max(x, -0.5), 0.75)),
        op("adaptive_avg_pool2d", t -> F.adaptiveAvgPool2d(t[0], 1))
            .torch("adaptive_avg_pool2d_1")
            .with(real(2, 3, 4, 5))
            .with(real(1, 2, 1, 1))
            .large(real(64, 32, 8, 8))
            .is(in -> adaptive(in[0], 1, 1))
            .fails(ILLEGAL, "use input.unsqueeze(0)", real(1, 4, 4)),
        op("adaptive_avg_pool2d 2 3", t -> F.adaptiveAvgPool2d(t[0], 2, 3))
            .torch("adaptive_avg_pool2d_2_3")
            .with(real(2, 2, 4, 6))
            .with(real(1, 2, 5, 7))
            .with(real(1, 1, 1, 2))
            .is(in -> adaptive(in[0], 2, 3)),
        op("adaptive_avg_pool2d 7", t -> F.adaptiveAvgPool2d(t[0], 7))
            .torch("adaptive_avg_pool2d_7")
            .with(real(2, 2, 14, 21))
            .with(real(1, 2, 9, 16))
            .with(real(1, 2, 4, 5))
            .with(real(0, 2, 8, 8))
            .large(real(16, 24, 13, 15))
            .is(in -> adaptive(in[0], 7, 7)),
        op("embedding", t -> F.embedding(t[1], t[0], -1))
            .with(real(5, 3), index(5, 2, 4))
            .with(real(4, 7), indices(3, 3, 0))
            .with(real(4, 2), index(4, 0))
            .large(real(300, 64), index(300, 40, 50))
            .is(in -> rows(in[0], in[1]))
            .fails(OUTSIDE, "index out of range in self", real(3, 5), indices(3))
            .fails(OUTSIDE, "index out of range in self", real(3, 5), indices(-1))
            .fails(ILLEGAL, "'weight' must be 2-D", real(3), indices(1))
            .fails(ILLEGAL, "int32/int64", real(3, 5), real(2)),
        op("embedding padding", t -> F.embedding(t[1], t[0], 1))
            .torch("embedding_padding_1")
            // Its gradient is not that of its values: see EmbeddingTest.
            .with(real(5, 3), indices(2, 0, 4)));
  }

  /** Over shapes that miss every vector width, and far from and near to where branches meet. */
  private static OpRow activation(String name, UnaryOperator<Tensor> op, DoubleUnaryOperator f) {
    return op(name, t -> op.apply(t[0]))
        .torch(name)
        .with(fixed(-7, -2.9, -0.25, 0.5, 2, 5.5, 6.5))
        .with(real(3, 1, 7))
        .with(real())
        .with(real(2, 0, 3))
        .large(real(70_003))
        .each(f)
        .fails(ILLEGAL, "floating point", integer(3));
  }

  private static double geluTanh(double x) {
    return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
  }

  private static Nd adaptive(Nd x, int height, int width) {
    return Nd.fill(
        i -> {
          double sum = 0;
          int count = 0;
          for (int r = i[2] * x.size(2) / height; r * height < (i[2] + 1) * x.size(2); r++) {
            for (int c = i[3] * x.size(3) / width; c * width < (i[3] + 1) * x.size(3); c++) {
              sum += x.at(i[0], i[1], r, c);
              count++;
            }
          }
          return sum / count;
        },
        x.size(0),
        x.size(1),
        height,
        width);
  }

  private static Nd rows(Nd weight, Nd index) {
    long[] shape = java.util.Arrays.copyOf(index.shape(), index.shape().length + 1);
    shape[shape.length - 1] = weight.size(1);
    double[] out = new double[index.values().length * weight.size(1)];
    for (int i = 0; i < out.length; i++) {
      out[i] = weight.at((int) index.values()[i / weight.size(1)], i % weight.size(1));
    }
    return new Nd(out, shape);
  }
}
