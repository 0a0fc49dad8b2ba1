package dev.talus.tests.ops;

import static dev.talus.tests.ops.Arg.integer;
import static dev.talus.tests.ops.Arg.real;
import static dev.talus.tests.ops.OpRow.op;

import dev.talus.DType;
import dev.talus.Tensor;
import dev.talus.ops.AvgPool2d;
import dev.talus.ops.Conv2d;
import dev.talus.ops.Epilogue;
import dev.talus.ops.MaxPool2d;
import java.util.List;
import java.util.function.Function;

/** Convolution and pooling of images. */
final class ImageRows {
  private static final Class<IllegalArgumentException> ILLEGAL = IllegalArgumentException.class;

  private ImageRows() {}

  static List<OpRow> rows() {
    return List.of(
        conv("conv2d", 1, 0, 1, 1)
            .with(real(2, 1, 5, 5), real(3, 1, 3, 3), real(3))
            .with(real(1, 2, 4, 6), real(2, 2, 1, 1), real(2))
            .with(real(1, 2, 3, 3), real(1, 2, 3, 3), real(1))
            .with(real(1, 3, 7, 5), real(4, 3, 2, 3), real(4))
            .with(real(0, 2, 4, 4), real(2, 2, 3, 3), real(2))
            .large(real(8, 6, 15, 15), real(16, 6, 3, 3), real(16))
            .fails(
                ILLEGAL,
                "only mini-batches are accepted, use input.unsqueeze(0) for a single sample",
                real(1, 5, 5),
                real(3, 1, 3, 3),
                real(3))
            .fails(
                ILLEGAL,
                "to have 1 channels, but got 2",
                real(1, 2, 5, 5),
                real(3, 1, 3, 3),
                real(3))
            .fails(
                ILLEGAL,
                "Kernel size can't be greater than actual input size",
                real(1, 1, 2, 5),
                real(3, 1, 3, 3),
                real(3))
            .fails(
                ILLEGAL,
                "expected bias to be 1-dimensional with 3",
                real(1, 1, 5, 5),
                real(3, 1, 3, 3),
                real(2))
            .fails(
                ILLEGAL, "expected a 4-dimensional weight", real(1, 1, 5, 5), real(3, 3), real(3))
            .fails(ILLEGAL, "floating point", integer(1, 1, 5, 5), integer(3, 1, 3, 3), integer(3))
            .fails(
                ILLEGAL,
                "should be the same",
                t -> convolved(t[0].to(DType.FLOAT64), t[1], t[2], 1, 0, 1, 1),
                real(1, 1, 5, 5),
                real(3, 1, 3, 3),
                real(3)),
        conv("conv2d stride", 2, 0, 1, 1)
            .with(real(1, 2, 7, 6), real(3, 2, 3, 2), real(3))
            .large(real(4, 8, 31, 33), real(16, 8, 5, 5), real(16)),
        conv("conv2d padding", 1, 2, 1, 1)
            .with(real(2, 1, 3, 4), real(2, 1, 3, 3), real(2))
            .large(real(4, 8, 31, 33), real(16, 8, 5, 5), real(16)),
        conv("conv2d dilation", 1, 1, 2, 1).with(real(1, 2, 6, 5), real(2, 2, 3, 2), real(2)),
        conv("conv2d groups", 1, 1, 1, 2)
            .with(real(1, 4, 4, 3), real(6, 2, 3, 3), real(6))
            .with(real(2, 2, 4, 3), real(2, 1, 3, 3), real(2))
            .fails(ILLEGAL, "divisible", real(1, 4, 4, 4), real(3, 2, 3, 3), real(3)),
        conv("conv2d all options", 2, 2, 2, 3).with(real(2, 3, 7, 8), real(6, 1, 3, 3), real(6)),
        conv("conv2d relu", Epilogue.RELU, Double.POSITIVE_INFINITY),
        conv("conv2d relu6", Epilogue.RELU6, 6),
        op("conv2d without bias", t -> convolved(t[0], t[1], null, 1, 1, 1, 1))
            .torch("conv2d_no_bias_padding_1")
            .with(real(2, 2, 4, 5), real(3, 2, 3, 3))
            .is(in -> References.conv2d(in[0], in[1], null, 1, 1, 1, 1))
            .fails(
                ILLEGAL,
                "stride should be greater than zero",
                t -> convolved(t[0], t[1], null, 0, 1, 1, 1),
                real(1, 1, 3, 3),
                real(1, 1, 2, 2))
            .fails(
                ILLEGAL,
                "padding must be non-negative",
                t -> convolved(t[0], t[1], null, 1, -1, 1, 1),
                real(1, 1, 3, 3),
                real(1, 1, 2, 2))
            .fails(
                ILLEGAL,
                "groups should be greater than zero",
                t -> convolved(t[0], t[1], null, 1, 1, 1, 0),
                real(1, 1, 3, 3),
                real(1, 1, 2, 2)),
        maxPool("max_pool2d", 2, 2, 0, 1)
            .with(real(2, 3, 6, 4))
            .with(real(1, 1, 5, 7))
            .with(real(1, 2, 2, 2))
            .with(real(0, 2, 4, 4))
            .large(real(16, 16, 29, 31))
            .fails(ILLEGAL, "use input.unsqueeze(0)", real(1, 4, 4))
            .fails(ILLEGAL, "Output size is too small", real(1, 1, 1, 4)),
        maxPool("max_pool2d overlapping", 3, 1, 1, 1).with(real(1, 2, 5, 4)),
        maxPool("max_pool2d dilated", 2, 2, 0, 2).with(real(1, 2, 7, 6)),
        maxPool("max_pool2d large window", 17, 1, 1, 1).with(real(1, 1, 16, 17)),
        op("max_pool2d ceil", t -> maxPooled(t[0], 3, 2, 1, 1, true))
            .torch("max_pool2d_3_2_1_1_ceil")
            .with(real(1, 2, 6, 7))
            .with(real(1, 1, 5, 5))
            .fails(
                ILLEGAL,
                "pad should be smaller than or equal to half of kernel size",
                t -> maxPooled(t[0], 2, 2, 2, 1, false),
                real(1, 1, 5, 5))
            .fails(
                ILLEGAL,
                "kernel size should be greater than zero",
                t -> maxPooled(t[0], 0, 2, 0, 1, false),
                real(1, 1, 5, 5)),
        op("avg_pool2d", t -> avgPooled(t[0], 2, 2, 0, false, true))
            .torch("avg_pool2d_2_2_0")
            .with(real(2, 3, 6, 5))
            .with(real(1, 1, 2, 2))
            .large(real(16, 16, 29, 31))
            .is(in -> References.avgPool2d(in[0], 2, 2, 0))
            .fails(ILLEGAL, "use input.unsqueeze(0)", real(1, 4, 4)),
        op("avg_pool2d padding", t -> avgPooled(t[0], 3, 2, 1, false, true))
            .torch("avg_pool2d_3_2_1")
            .with(real(1, 2, 6, 7))
            .is(in -> References.avgPool2d(in[0], 3, 2, 1)),
        op("avg_pool2d without counting padding", t -> avgPooled(t[0], 3, 2, 1, true, false))
            .torch("avg_pool2d_3_2_1_ceil_nopad")
            .with(real(1, 2, 6, 7)));
  }

  private static OpRow conv(String name, int stride, int padding, int dilation, int groups) {
    Function<Tensor[], Tensor> call =
        t -> convolved(t[0], t[1], t[2], stride, padding, dilation, groups);
    return op(name, call)
        .torch("conv2d_" + stride + "_" + padding + "_" + dilation + "_" + groups)
        .tolerance(2e-5)
        .is(in -> References.conv2d(in[0], in[1], in[2], stride, padding, dilation, groups));
  }

  /** Activated in the convolution's pass; twice the sums reach beyond 6. */
  private static OpRow conv(String name, Epilogue activation, double most) {
    int[] one = {1};
    return op(
            name,
            t ->
                Conv2d.apply(
                    t[0].mul(2),
                    t[1],
                    t[2].mul(2),
                    one,
                    one,
                    one,
                    (int) (t[0].size(1) / t[1].size(1)),
                    activation))
        .with(real(2, 2, 4, 5), real(3, 2, 3, 3), real(3))
        .with(real(1, 3, 5, 4), real(3, 1, 3, 3), real(3))
        .with(real(2, 9, 3, 4), real(4, 9, 1, 1), real(4))
        .large(real(8, 3, 31, 33), real(24, 3, 3, 3), real(24))
        .tolerance(2e-5)
        .is(
            in -> {
              int groups = in[0].size(1) / in[1].size(1);
              Nd sums = References.conv2d(in[0], in[1], in[2], 1, 1, 1, groups);
              return sums.map(x -> Math.min(Math.max(2 * x, 0), most));
            });
  }

  private static Tensor convolved(
      Tensor x, Tensor w, Tensor bias, int stride, int padding, int dilation, int groups) {
    int[][] options = {{stride}, {padding}, {dilation}};
    return Conv2d.apply(x, w, bias, options[0], options[1], options[2], groups);
  }

  private static OpRow maxPool(String name, int kernel, int stride, int padding, int dilation) {
    return op(name, t -> maxPooled(t[0], kernel, stride, padding, dilation, false))
        .torch("max_pool2d_" + kernel + "_" + stride + "_" + padding + "_" + dilation)
        .is(in -> References.maxPool2d(in[0], kernel, stride, padding, dilation));
  }

  private static Tensor maxPooled(
      Tensor x, int kernel, int stride, int padding, int dilation, boolean ceil) {
    int[][] options = {{kernel}, {stride}, {padding}, {dilation}};
    return MaxPool2d.apply(x, options[0], options[1], options[2], options[3], ceil);
  }

  private static Tensor avgPooled(
      Tensor x, int kernel, int stride, int padding, boolean ceil, boolean countIncludePad) {
    int[][] options = {{kernel}, {stride}, {padding}};
    return AvgPool2d.apply(x, options[0], options[1], options[2], ceil, countIncludePad, null);
  }
}
