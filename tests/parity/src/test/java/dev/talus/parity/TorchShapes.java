package dev.talus.parity;

import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** libtorch's functions that look at, pick, join and move elements. */
final class TorchShapes {
  private TorchShapes() {}

  static void addTo(TorchOps.Table table) {
    views(table);
    indices(table);
  }

  private static void views(TorchOps.Table table) {
    table
        .unary("view_4_-1", x -> x.view(4, -1))
        .unary("reshape_3_-1", x -> x.reshape(3, -1))
        .unary("reshape to a scalar", x -> x.reshape(new long[0]))
        .unary("flatten_1_-1", x -> torch.flatten(x, 1, -1))
        .unary("flatten all", x -> torch.flatten(x))
        .unary("permute_2_0_-2", x -> x.permute(2, 0, -2))
        .unary("transpose_0_-1", x -> x.transpose(0, -1))
        .unary("t", Tensor::t)
        .unary("squeeze", x -> x.squeeze())
        .unary("squeeze_1", x -> x.squeeze(1L))
        .unary("unsqueeze_-1", x -> x.unsqueeze(-1))
        .unary("unsqueeze_0", x -> x.unsqueeze(0))
        .unary("expand_2_-1_4", x -> x.expand(2, -1, 4))
        .unary("select_1_-1", x -> x.select(1, -1))
        .unary("select_0_1", x -> x.select(0, 1))
        .unary("narrow_-1_1_2", x -> x.narrow(-1, 1, 2))
        .unary("slice_0_1_-1_2", x -> slice(x, 0, 1, -1, 2))
        .unary("contiguous", x -> x.t().contiguous())
        .unary("detach", x -> x.detach().add(x))
        .binary("views of views", (x, y) -> x.narrow(0, 1, 3).t().unsqueeze(0).select(1, 0).mul(y));
  }

  static Tensor slice(Tensor x, int dim, long start, long end, long step) {
    return x.slice(dim, new LongOptional(start), new LongOptional(end), step);
  }

  private static void indices(TorchOps.Table table) {
    table
        .binary("index_select_1", (x, index) -> torch.index_select(x, 1, index))
        .binary("gather_1", (x, index) -> torch.gather(x, 1, index))
        .op("scatter_add_0", t -> torch.scatter_add(t[0], 0, t[1], t[2]))
        .unary("one_hot_5", index -> torch.one_hot(index, 5))
        .op("cat_1", t -> torch.cat(new TensorVector(t), 1))
        .op("cat_0", t -> torch.cat(new TensorVector(t), 0))
        .unary("cat of one twice", x -> torch.cat(new TensorVector(x, x), 0))
        .op("stack_1", t -> torch.stack(new TensorVector(t), 1))
        .op("stack_0", t -> torch.stack(new TensorVector(t), 0));
  }
}
