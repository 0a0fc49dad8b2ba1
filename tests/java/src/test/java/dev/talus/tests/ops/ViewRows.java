package dev.talus.tests.ops;

import static dev.talus.tests.ops.Arg.real;
import static dev.talus.tests.ops.OpRow.op;

import java.util.List;

/** Ops that look at the same elements in another shape. */
final class ViewRows {
  private static final Class<IllegalArgumentException> ILLEGAL = IllegalArgumentException.class;
  private static final Class<IndexOutOfBoundsException> OUTSIDE = IndexOutOfBoundsException.class;

  private ViewRows() {}

  static List<OpRow> rows() {
    return List.of(
        op("view", t -> t[0].view(4, -1))
            .torch("view_4_-1")
            .with(real(2, 6))
            .with(real(2, 2, 5))
            .with(real(4))
            .with(real(2, 2, 0, 3))
            .contiguousOnly()
            .is(in -> new Nd(in[0].values(), new long[] {4, in[0].values().length / 4}))
            .fails(ILLEGAL, "shape '[4, -1]' is invalid for input of size 6", real(2, 3))
            .fails(ILLEGAL, "invalid for input of size 6", t -> t[0].view(5), real(2, 3))
            .fails(ILLEGAL, "only one dimension can be inferred", t -> t[0].view(-1, -1), real(4))
            .fails(ILLEGAL, "invalid shape dimension -2", t -> t[0].view(-2, 2), real(4))
            .fails(ILLEGAL, "ambiguous", t -> t[0].view(-1, 0), real(0))
            .fails(ILLEGAL, "reshape", t -> t[0].t().view(6), real(2, 3)),
        op("reshape", t -> t[0].reshape(3, -1))
            .torch("reshape_3_-1")
            .with(real(2, 6))
            .with(real(3))
            .with(real(2, 3, 2))
            .with(real(3, 0))
            .is(in -> new Nd(in[0].values(), new long[] {3, in[0].values().length / 3}))
            .fails(ILLEGAL, "invalid for input of size 4", real(4)),
        op("reshape to a scalar", t -> t[0].reshape()).with(real(1, 1)).with(real()),
        op("flatten", t -> t[0].flatten(1, -1))
            .torch("flatten_1_-1")
            .with(real(2, 3, 4))
            .with(real(2, 3))
            .with(real(3, 1, 2, 2))
            .fails(
                ILLEGAL, "start_dim cannot come after end_dim", t -> t[0].flatten(1, 0), real(2, 3))
            .fails(OUTSIDE, "Dimension out of range", real(3)),
        op("flatten all", t -> t[0].flatten()).with(real(2, 3)).with(real()).with(real(0, 2)),
        op("permute", t -> t[0].permute(2, 0, -2))
            .torch("permute_2_0_-2")
            .with(real(2, 3, 4))
            .with(real(1, 3, 5))
            .with(real(2, 0, 4))
            .is(
                in ->
                    Nd.fill(
                        i -> in[0].at(i[1], i[2], i[0]),
                        in[0].shape()[2],
                        in[0].shape()[0],
                        in[0].shape()[1]))
            .fails(ILLEGAL, "not equal to len(dims)", real(2, 3))
            .fails(ILLEGAL, "duplicate dims", t -> t[0].permute(0, 0), real(2, 3)),
        op("transpose", t -> t[0].transpose(0, -1))
            .torch("transpose_0_-1")
            .with(real(2, 3))
            .with(real(3))
            .with(real())
            .with(real(2, 3, 4))
            .fails(OUTSIDE, "[-2, 1], but got 2", t -> t[0].transpose(0, 2), real(2, 3)),
        op("t", t -> t[0].t())
            .torch("t")
            .with(real(2, 3))
            .with(real(3))
            .with(real())
            .fails(ILLEGAL, "expects a tensor with <= 2 dimensions", real(1, 2, 3)),
        op("squeeze", t -> t[0].squeeze())
            .torch("squeeze")
            .with(real(1, 3, 1))
            .with(real(1))
            .with(real())
            .with(real(2, 3)),
        op("squeeze_dim", t -> t[0].squeeze(1))
            .torch("squeeze_1")
            .with(real(2, 1, 3))
            .with(real(1, 2))
            .fails(OUTSIDE, "Dimension out of range", real(3)),
        op("unsqueeze", t -> t[0].unsqueeze(-1))
            .torch("unsqueeze_-1")
            .with(real(2, 3))
            .with(real())
            .fails(OUTSIDE, "[-2, 1], but got 2", t -> t[0].unsqueeze(2), real(3)),
        op("unsqueeze first", t -> t[0].unsqueeze(0)).torch("unsqueeze_0").with(real(2, 3)),
        op("expand", t -> t[0].expand(2, -1, 4))
            .torch("expand_2_-1_4")
            .with(real(3, 1))
            .with(real(1, 3, 4))
            .with(real(2, 1, 1))
            .fails(ILLEGAL, "must match the existing size (3)", real(1, 3))
            .fails(ILLEGAL, "number of sizes provided", t -> t[0].expand(3), real(3, 3)),
        op("select", t -> t[0].select(1, -1))
            .torch("select_1_-1")
            .with(real(2, 3))
            .with(real(2, 1, 3))
            .with(real(0, 2))
            .fails(
                OUTSIDE,
                "out of range for tensor of size [2, 3]",
                t -> t[0].select(1, 3),
                real(2, 3))
            .fails(OUTSIDE, "cannot be applied to a 0-dim tensor", t -> t[0].select(0, 0), real()),
        op("get", t -> t[0].get(1)).torch("select_0_1").with(real(3)).with(real(2, 2)),
        op("narrow", t -> t[0].narrow(-1, 1, 2))
            .torch("narrow_-1_1_2")
            .with(real(3))
            .with(real(2, 4))
            .with(real(2, 1, 5))
            .with(real(0, 3))
            .fails(OUTSIDE, "exceeds dimension size (2)", real(2))
            .fails(OUTSIDE, "cannot be applied to a 0-dim tensor", real()),
        op("slice", t -> t[0].slice(0, 1, -1, 2))
            .torch("slice_0_1_-1_2")
            .with(real(7))
            .with(real(6, 2))
            .with(real(2))
            .with(real(1, 3))
            .fails(ILLEGAL, "slice step must be positive", t -> t[0].slice(0, 0, 2, 0), real(3)),
        op("contiguous", t -> t[0].t().contiguous()).with(real(2, 3)).with(real(3, 1)),
        op("detach", t -> t[0].detach().add(t[0])).with(real(3)).constant(),
        op("views of views", t -> t[0].narrow(0, 1, 3).t().unsqueeze(0).select(1, 0).mul(t[1]))
            .with(real(5, 2), real(3)));
  }
}
