package dev.talus.tests.ops;

import static dev.talus.tests.ops.Arg.integer;
import static dev.talus.tests.ops.Arg.real;
import static dev.talus.tests.ops.OpRow.op;

import dev.talus.DType;
import dev.talus.nn.F;
import dev.talus.ops.Epilogue;
import dev.talus.ops.Matmul;
import java.util.List;

/** Products of matrices and vectors. */
final class MatmulRows {
  private static final Class<IllegalArgumentException> ILLEGAL = IllegalArgumentException.class;

  private MatmulRows() {}

  static List<OpRow> rows() {
    return List.of(
        op("mm", t -> t[0].mm(t[1]))
            .torch("mm")
            .with(real(3, 4), real(4, 5))
            .with(real(1, 7), real(7, 1))
            .with(real(1, 1), real(1, 3))
            .with(real(0, 3), real(3, 2))
            .with(real(2, 0), real(0, 3))
            .large(real(67, 131), real(131, 259))
            .is(in -> References.mm(in[0], in[1]))
            .fails(
                ILLEGAL,
                "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x2)",
                real(2, 3),
                real(4, 2))
            .fails(ILLEGAL, "mat2 must be a matrix", real(2, 3), real(3))
            .fails(ILLEGAL, "self must be a matrix", real(3), real(3, 2))
            .fails(ILLEGAL, "floating point type", integer(2, 2), integer(2, 2))
            .fails(
                ILLEGAL, "one dtype", t -> t[0].mm(t[1].to(DType.FLOAT64)), real(2, 2), real(2, 2)),
        op("mm of transposed", t -> t[0].t().mm(t[1].t()))
            .with(real(4, 3), real(5, 4))
            .large(real(131, 67), real(259, 131)),
        op("bmm", t -> t[0].bmm(t[1]))
            .torch("bmm")
            .with(real(2, 3, 4), real(2, 4, 5))
            .with(real(1, 2, 3), real(1, 3, 1))
            .with(real(0, 2, 3), real(0, 3, 2))
            .with(real(3, 2, 0), real(3, 0, 2))
            .large(real(5, 33, 65), real(5, 65, 97))
            .is(in -> References.bmm(in[0], in[1]))
            .fails(ILLEGAL, "same size", real(2, 3, 4), real(3, 4, 5))
            .fails(ILLEGAL, "batch2 must be a 3D tensor", real(2, 3, 4), real(4, 5)),
        op("mv", t -> t[0].mv(t[1]))
            .torch("mv")
            .with(real(3, 4), real(4))
            .with(real(1, 1), real(1))
            .fails(ILLEGAL, "cannot be multiplied", real(3, 4), real(3)),
        op("dot", t -> t[0].dot(t[1]))
            .torch("dot")
            .with(real(9), real(9))
            .with(real(1), real(1))
            .with(real(0), real(0))
            .large(real(50_001), real(50_001))
            .tolerance(1e-3)
            .fails(ILLEGAL, "1D tensors expected", real(3, 1), real(3)),
        op("addmm", t -> t[0].addmm(t[1], t[2]))
            .torch("addmm")
            .with(real(5), real(3, 4), real(4, 5))
            .with(real(3, 5), real(3, 4), real(4, 5))
            .with(real(3, 1), real(3, 4), real(4, 5))
            .with(real(), real(2, 3), real(3, 2))
            .with(real(2), real(3, 0), real(0, 2))
            .large(real(120), real(64, 576), real(576, 120))
            .is(in -> in[0].zip(References.mm(in[1], in[2]), Double::sum))
            .fails(ILLEGAL, "must match the size", real(4), real(3, 4), real(4, 5))
            .fails(ILLEGAL, "does not broadcast", real(3, 5), real(1, 4), real(4, 5)),
        addmm("addmm relu", Epilogue.RELU, Double.POSITIVE_INFINITY),
        addmm("addmm relu6", Epilogue.RELU6, 6),
        op("linear", t -> F.linear(t[0], t[1], t[2]))
            .torch("linear")
            .with(real(3, 4), real(5, 4), real(5))
            .with(real(2, 3, 4), real(2, 4), real(2))
            .with(real(4), real(3, 4), real(3))
            .with(real(0, 4), real(3, 4), real(3))
            .large(real(64, 576), real(120, 576), real(120))
            .fails(ILLEGAL, "cannot be multiplied", real(3, 4), real(5, 3), real(5)),
        op("linear without bias", t -> F.linear(t[0], t[1], null))
            .torch("linear_no_bias")
            .with(real(3, 4), real(5, 4))
            .with(real(2, 3, 4), real(2, 4)),
        op("matmul", t -> t[0].matmul(t[1]))
            .torch("matmul")
            .with(real(4), real(4))
            .with(real(3, 4), real(4))
            .with(real(4), real(4, 3))
            .with(real(3, 4), real(4, 2))
            .with(real(2, 3, 4), real(4))
            .with(real(4), real(2, 4, 3))
            .with(real(2, 3, 4), real(4, 5))
            .with(real(2, 3, 4), real(2, 4, 2))
            .with(real(2, 1, 3, 2), real(3, 2, 2))
            .with(real(3, 2), real(2, 2, 3))
            .with(real(0, 3, 2), real(2, 2))
            .large(real(7, 31, 33), real(33, 65))
            .fails(ILLEGAL, "at least 1D", real(), real(3))
            .fails(ILLEGAL, "cannot be multiplied", real(2, 3, 4), real(5, 2))
            .fails(ILLEGAL, "must match the size", real(2, 3, 4), real(3, 4, 2)));
  }

  /** Activated in the product's pass; twice the sums reach beyond 6. */
  private static OpRow addmm(String name, Epilogue activation, double most) {
    return op(name, t -> Matmul.addmm(t[0].mul(2), t[1].mul(2), t[2], activation))
        .with(real(5), real(3, 4), real(4, 5))
        .with(real(3, 5), real(3, 4), real(4, 5))
        .with(real(1), real(7, 9), real(9, 1))
        .with(real(2), real(3, 0), real(0, 2))
        .large(real(120), real(512, 33), real(33, 120))
        .tolerance(2e-5)
        .is(
            in ->
                in[0]
                    .zip(References.mm(in[1], in[2]), Double::sum)
                    .map(x -> Math.min(Math.max(2 * x, 0), most)));
  }
}
