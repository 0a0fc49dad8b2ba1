package dev.talus.tests.ops;

import static dev.talus.tests.ops.Arg.index;
import static dev.talus.tests.ops.Arg.indices;
import static dev.talus.tests.ops.Arg.real;
import static dev.talus.tests.ops.OpRow.op;

import dev.talus.Tensor;
import dev.talus.ops.OneHot;
import java.util.Arrays;
import java.util.List;

/** Ops that move elements to and from places given by indices, and that join tensors. */
final class IndexRows {
  private static final Class<IllegalArgumentException> ILLEGAL = IllegalArgumentException.class;
  private static final Class<IndexOutOfBoundsException> OUTSIDE = IndexOutOfBoundsException.class;

  private IndexRows() {}

  static List<OpRow> rows() {
    return List.of(
        op("index_select", t -> t[0].indexSelect(1, t[1]))
            .torch("index_select_1")
            .with(real(3, 5), index(5, 4))
            .with(real(2, 3, 4), indices(2, 2, 0))
            .with(real(2, 3), index(1, 0))
            .large(real(300, 64, 9), index(64, 101))
            .is(
                in ->
                    Nd.fill(
                        i -> in[0].at(at(i, 1, (int) in[1].at(i[1]))),
                        replaced(in[0].shape(), 1, in[1].size(0))))
            .fails(OUTSIDE, "index 5 at position 0 is out of range", real(3, 5), indices(5))
            .fails(OUTSIDE, "index -1 at position 0 is out of range", real(3, 5), indices(-1))
            .fails(ILLEGAL, "supposed to be a vector", real(3, 5), index(5, 2, 2))
            .fails(ILLEGAL, "int32/int64", real(3, 5), real(2)),
        op("gather", t -> t[0].gather(1, t[1]))
            .torch("gather_1")
            .with(real(3, 5), index(5, 3, 2))
            .with(real(2, 4, 3), index(4, 2, 6, 3))
            .with(real(3, 4), index(4, 2, 1))
            .is(in -> Nd.fill(i -> in[0].at(at(i, 1, (int) in[1].at(i))), in[1].shape()))
            .fails(
                OUTSIDE,
                "index 3 at position 0 is out of range",
                t -> t[0].gather(0, t[1]),
                real(3),
                indices(3))
            .fails(ILLEGAL, "as many dimensions", real(2, 3), index(2, 2)),
        op("scatter_add", t -> t[0].scatterAdd(0, t[1], t[2]))
            .torch("scatter_add_0")
            .with(real(4, 3), index(4, 5, 3), real(5, 3))
            .with(real(2, 3), index(2, 1, 3), real(2, 3))
            .with(real(5), indices(0, 0, 0, 4), real(4))
            .fails(ILLEGAL, "as many dimensions", real(2, 3), index(2, 2), real(2)),
        op("one_hot", t -> OneHot.apply(t[0], 5))
            .torch("one_hot_5")
            .with(index(5, 7))
            .with(index(5, 2, 3))
            .is(in -> oneHot(in[0]))
            .constant()
            .fails(OUTSIDE, "smaller than num_classes", indices(5))
            .fails(OUTSIDE, "non-negative", indices(-1))
            .fails(ILLEGAL, "int64", real(3)),
        op("cat", t -> Tensor.cat(List.of(t), 1))
            .torch("cat_1")
            .with(real(2, 3), real(2, 1), real(2, 2))
            .with(real(2, 3, 2), real(2, 0, 2))
            .with(real(3, 2))
            .large(real(301, 257), real(301, 123))
            .fails(
                ILLEGAL,
                "Sizes of tensors must match except in dimension 1",
                real(2, 3),
                real(3, 3))
            .fails(ILLEGAL, "same number of dimensions", real(2, 3), real(2))
            .fails(ILLEGAL, "non-empty list", t -> Tensor.cat(List.of(), 0)),
        op("cat first", t -> Tensor.cat(List.of(t), 0)).torch("cat_0").with(real(3), real(2)),
        op("cat of one twice", t -> Tensor.cat(List.of(t[0], t[0]), 0)).with(real(2, 2)),
        op("stack", t -> Tensor.stack(List.of(t), 1))
            .torch("stack_1")
            .with(real(2, 3), real(2, 3))
            .with(real(2), real(2), real(2))
            .fails(ILLEGAL, "Sizes of tensors must match", real(2), real(3))
            .fails(ILLEGAL, "non-empty list", t -> Tensor.stack(List.of(), 0)),
        op("stack scalars", t -> Tensor.stack(List.of(t), 0))
            .torch("stack_0")
            .with(real(), real()));
  }

  private static int[] at(int[] index, int dim, int value) {
    int[] changed = index.clone();
    changed[dim] = value;
    return changed;
  }

  private static long[] replaced(long[] shape, int dim, long size) {
    long[] changed = shape.clone();
    changed[dim] = size;
    return changed;
  }

  private static Nd oneHot(Nd index) {
    long[] shape = Arrays.copyOf(index.shape(), index.shape().length + 1);
    shape[shape.length - 1] = 5;
    return Nd.fill(
        i -> {
          int last = i[i.length - 1];
          return index.at(Arrays.copyOf(i, i.length - 1)) == last ? 1 : 0;
        },
        shape);
  }
}
