package dev.talus.parity;

import static dev.talus.parity.Torch.scalar;

import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/** libtorch's products of matrices, reductions and softmax. */
final class TorchSums {
  private static final long[] FIRST = {1};

  private TorchSums() {}

  static void addTo(TorchOps.Table table) {
    products(table);
    ofAll(table);
    overDimensions(table);
    table
        .unary("softmax_1", x -> torch.softmax(x, 1))
        .unary("softmax_0", x -> torch.softmax(x, 0))
        .unary("log_softmax_-1", x -> torch.log_softmax(x, -1))
        .unary("log_softmax of large values", x -> torch.log_softmax(x.mul(scalar(1000)), 0));
  }

  private static void products(TorchOps.Table table) {
    table
        .binary("mm", torch::mm)
        .binary("mm of transposed", (x, y) -> torch.mm(x.t(), y.t()))
        .binary("bmm", torch::bmm)
        .binary("mv", torch::mv)
        .binary("dot", torch::dot)
        .op("linear", t -> torch.linear(t[0], t[1], new TensorOptional(t[2])))
        .binary("linear_no_bias", (x, weight) -> torch.linear(x, weight))
        .op("addmm", t -> torch.addmm(t[0], t[1], t[2]))
        .op("addmm relu", t -> torch.relu(doubledAddmm(t)))
        .op("addmm relu6", t -> torch.relu6(doubledAddmm(t)))
        .binary("matmul", torch::matmul);
  }

  private static Tensor doubledAddmm(Tensor[] t) {
    return torch.addmm(t[0].mul(scalar(2)), t[1].mul(scalar(2)), t[2]);
  }

  private static void ofAll(TorchOps.Table table) {
    table
        .unary("sum", x -> torch.sum(x))
        .unary("mean", x -> torch.mean(x))
        .unary("prod", x -> torch.prod(x))
        .unary("max", x -> torch.max(x))
        .unary("min", x -> torch.min(x))
        .unary("norm", x -> torch.norm(x))
        .unary("var", x -> torch.var(x))
        .unary("std", x -> torch.std(x))
        .unary("argmax", x -> torch.argmax(x))
        .unary("argmin", x -> torch.argmin(x))
        .unary("all", x -> torch.all(x))
        .unary("any", x -> torch.any(x));
  }

  private static void overDimensions(TorchOps.Table table) {
    table
        .unary("sum_dim", x -> torch.sum(x, 1))
        .unary("sum_dim -1 0", x -> torch.sum(x, -1, 0))
        .unary("sum_keepdim", x -> torch.sum(x, FIRST, true, new ScalarTypeOptional()))
        .unary("mean_dim", x -> torch.mean(x, 1))
        .unary(
            "mean_keepdim", x -> torch.mean(x, new long[] {0, 1}, true, new ScalarTypeOptional()))
        .unary("prod_dim", x -> torch.prod(x, 1))
        .unary("amax", x -> torch.amax(x, FIRST, false))
        .unary("amax_0_-1", x -> torch.amax(x, new long[] {0, -1}, false))
        .unary("amin", x -> torch.amin(x, new long[] {-1}, false))
        .unary("max_dim", x -> torch.max(x, 1).get0())
        .unary("max_dim_indices", x -> torch.max(x, 1).get1())
        .unary("max of equal values", x -> torch.max(x, 0).get0())
        .unary("min_dim", x -> torch.min(x, -1).get0())
        .unary("argmax_dim", x -> torch.argmax(x, new LongOptional(1), false))
        .unary("argmin_dim", x -> torch.argmin(x, new LongOptional(1), false))
        .unary("var_dim", x -> torch.var(x, FIRST, true, false))
        .unary("var_correction", x -> torch.var(x, FIRST, new ScalarOptional(scalar(0)), true))
        .unary("std_dim", x -> torch.std(x, FIRST, true, false))
        .unary("norm_dim", TorchSums::normOfRows)
        .unary("logsumexp", x -> torch.logsumexp(x, FIRST, false));
  }

  private static Tensor normOfRows(Tensor x) {
    return torch.norm(x, new ScalarOptional(scalar(2)), FIRST, false);
  }
}
