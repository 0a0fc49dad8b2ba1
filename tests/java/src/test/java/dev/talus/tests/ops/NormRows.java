package dev.talus.tests.ops;

import static dev.talus.tests.ops.Arg.integer;
import static dev.talus.tests.ops.Arg.real;
import static dev.talus.tests.ops.Arg.weight;
import static dev.talus.tests.ops.OpRow.op;

import dev.talus.DType;
import dev.talus.Tensor;
import dev.talus.nn.F;
import java.util.List;

/** Batch and layer normalisation. */
final class NormRows {
  private static final Class<IllegalArgumentException> ILLEGAL = IllegalArgumentException.class;
  private static final double EPS = 1e-3;

  private NormRows() {}

  static List<OpRow> rows() {
    return List.of(
        op("batch_norm training", t -> F.batchNorm(t[0], null, null, t[1], t[2], true, 0.1, EPS))
            .torch("batch_norm_training")
            .with(real(3, 2, 2, 3), real(2), real(2))
            .with(real(5, 3), real(3), real(3))
            .with(real(2, 2, 5), real(2), real(2))
            .large(real(17, 33, 21, 20), real(33), real(33))
            .is(in -> batchNorm(in[0], in[1], in[2]))
            .fails(ILLEGAL, "more than 1 value per channel", real(1, 3), real(3), real(3))
            .fails(ILLEGAL, "weight should contain 3 elements", real(4, 3), real(2), real(3))
            .fails(ILLEGAL, "bias should contain 3 elements", real(4, 3), real(3), real(2))
            .fails(ILLEGAL, "[N, C, *]", real(3), real(3), real(3))
            .fails(ILLEGAL, "floating point", integer(4, 3), integer(3), integer(3))
            .fails(
                ILLEGAL,
                "should be the same",
                t -> F.batchNorm(t[0].to(DType.FLOAT64), null, null, t[1], t[2], true, 0.1, EPS),
                real(4, 3),
                real(3),
                real(3)),
        op("batch_norm plain", t -> F.batchNorm(t[0], null, null, null, null, true, 0.1, EPS))
            .torch("batch_norm_plain")
            .with(real(3, 2, 2, 3))
            .with(real(9, 1, 1, 1))
            .large(real(3000, 65))
            .is(in -> batchNorm(in[0], null, null))
            .fails(
                ILLEGAL,
                "running_mean and running_var must be defined",
                t -> F.batchNorm(t[0], null, null, null, null, false, 0.1, EPS),
                real(3, 2)),
        op("batch_norm eval", t -> F.batchNorm(t[0], t[1], t[2], t[3], t[4], false, 0.1, EPS))
            .torch("batch_norm_eval")
            .with(real(3, 2, 2, 3), weight(2), weight(2), real(2), real(2))
            .with(real(1, 3), weight(3), weight(3), real(3), real(3))
            .with(real(0, 3, 2, 2), weight(3), weight(3), real(3), real(3))
            .large(real(17, 33, 21, 20), weight(33), weight(33), real(33), real(33))
            .is(
                in ->
                    Nd.fill(
                        i -> {
                          int c = i[1];
                          double r = 1 / Math.sqrt(in[2].at(c) + EPS);
                          return (in[0].at(i) - in[1].at(c)) * r * in[3].at(c) + in[4].at(c);
                        },
                        in[0].shape()))
            .fails(
                ILLEGAL,
                "running_var should contain 2 elements",
                real(4, 2),
                weight(2),
                weight(3),
                real(2),
                real(2)),
        op("layer_norm", t -> F.layerNorm(t[0], t[1].shape().toArray(), t[1], t[2], EPS))
            .torch("layer_norm")
            .with(real(3, 5), real(5), real(5))
            .with(real(2, 3, 2, 3), real(2, 3), real(2, 3))
            .with(real(7), real(7), real(7))
            .with(real(0, 4), real(4), real(4))
            .large(real(301, 133), real(133), real(133))
            .is(in -> layerNorm(in[0], in[1], in[2]))
            .fails(ILLEGAL, "expected input with shape [*, 4]", real(3, 5), real(4), real(4))
            .fails(ILLEGAL, "Expected bias to be of same shape", real(3, 5), real(5), real(4))
            .fails(ILLEGAL, "floating point", integer(3, 5), integer(5), integer(5)),
        op("layer_norm plain", t -> layerNormOfLast(t[0]))
            .torch("layer_norm_plain")
            .with(real(3, 5))
            .with(real(2, 3, 4))
            .is(in -> layerNorm(in[0], null, null))
            .fails(
                ILLEGAL,
                "at least 1-dimensional",
                t -> F.layerNorm(t[0], new long[0], null, null, EPS),
                real(3, 5)));
  }

  private static Tensor layerNormOfLast(Tensor x) {
    return F.layerNorm(x, new long[] {x.size(-1)}, null, null, EPS);
  }

  private static Nd batchNorm(Nd x, Nd weight, Nd bias) {
    int channels = x.size(1);
    double[] mean = new double[channels];
    double[] variance = new double[channels];
    int inner = x.values().length / (x.size(0) * channels);
    double count = x.size(0) * inner;
    for (int i = 0; i < x.values().length; i++) {
      mean[i / inner % channels] += x.values()[i] / count;
    }
    for (int i = 0; i < x.values().length; i++) {
      int c = i / inner % channels;
      variance[c] += Math.pow(x.values()[i] - mean[c], 2) / count;
    }
    return Nd.fill(
        i -> {
          double y = (x.at(i) - mean[i[1]]) / Math.sqrt(variance[i[1]] + EPS);
          return weight == null ? y : y * weight.at(i[1]) + bias.at(i[1]);
        },
        x.shape());
  }

  private static Nd layerNorm(Nd x, Nd weight, Nd bias) {
    int cols = weight == null ? x.size(-1) : weight.values().length;
    double[] out = new double[x.values().length];
    for (int row = 0; row < out.length; row += cols) {
      double mean = 0;
      double variance = 0;
      for (int i = 0; i < cols; i++) {
        mean += x.values()[row + i] / cols;
      }
      for (int i = 0; i < cols; i++) {
        variance += Math.pow(x.values()[row + i] - mean, 2) / cols;
      }
      for (int i = 0; i < cols; i++) {
        double y = (x.values()[row + i] - mean) / Math.sqrt(variance + EPS);
        out[row + i] = weight == null ? y : y * weight.values()[i] + bias.values()[i];
      }
    }
    return new Nd(out, x.shape());
  }
}
