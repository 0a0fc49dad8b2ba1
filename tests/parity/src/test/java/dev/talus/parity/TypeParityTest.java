package dev.talus.parity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every op in the table, with inputs of every element type, gives libtorch's type and values. */
class TypeParityTest {
  private static final Map<String, Function<Tensor[], Tensor>> UNARY =
      Map.ofEntries(
          Map.entry("neg", t -> t[0].neg()),
          Map.entry("abs", t -> t[0].abs()),
          Map.entry("sign", t -> t[0].sign()),
          Map.entry("square", t -> t[0].square()),
          Map.entry("exp", t -> t[0].exp()),
          Map.entry("tanh", t -> t[0].tanh()),
          Map.entry("sigmoid", t -> t[0].sigmoid()),
          Map.entry("sqrt", t -> t[0].sqrt()),
          Map.entry("relu", t -> t[0].relu()),
          Map.entry("floor", t -> t[0].floor()),
          Map.entry("reciprocal", t -> t[0].reciprocal()),
          Map.entry("isnan", t -> t[0].isNan()),
          Map.entry("logical_not", t -> t[0].logicalNot()),
          Map.entry("add_scalar", t -> t[0].add(1.5)),
          Map.entry("sub_scalar", t -> t[0].sub(1.5)),
          Map.entry("rsub_scalar", t -> t[0].rsub(1.5)),
          Map.entry("mul_scalar", t -> t[0].mul(-2.5)),
          Map.entry("div_scalar", t -> t[0].div(-2.5)),
          Map.entry("add_scalar int64", t -> t[0].add(3L)),
          Map.entry("mul_scalar int64", t -> t[0].mul(3L)),
          Map.entry("pow_scalar", t -> t[0].pow(2.5)),
          Map.entry("clamp", t -> t[0].clamp(-0.5, 0.75)),
          Map.entry("lt_scalar", t -> t[0].lt(0.25)),
          Map.entry("sum", t -> t[0].sum()),
          Map.entry("sum_dim", t -> t[0].sum(1)),
          Map.entry("mean", t -> t[0].mean()),
          Map.entry("prod", t -> t[0].prod()),
          Map.entry("max", t -> t[0].max()),
          Map.entry("amax", t -> t[0].amax(1)),
          Map.entry("max_dim", t -> t[0].max(1).values()),
          Map.entry("argmax", t -> t[0].argmax()),
          Map.entry("norm", t -> t[0].norm()),
          Map.entry("var", t -> t[0].var()),
          Map.entry("logsumexp", t -> t[0].logsumexp(new int[] {1}, false)),
          Map.entry("all", t -> t[0].all()),
          Map.entry("any", t -> t[0].any()),
          Map.entry("softmax_1", t -> t[0].softmax(1)),
          Map.entry("add_scalar_", t -> t[0].clone().add_(1.5)),
          Map.entry("mul_scalar_", t -> t[0].clone().mul_(1.5)),
          Map.entry("div_scalar_", t -> t[0].clone().div_(1.5)),
          Map.entry("exp_", t -> t[0].clone().exp_()),
          Map.entry("relu_", t -> t[0].clone().relu_()),
          Map.entry("fill_", t -> t[0].clone().fill_(2.5)));

  private static final Map<String, Function<Tensor[], Tensor>> BINARY =
      Map.ofEntries(
          Map.entry("add", t -> t[0].add(t[1])),
          Map.entry("sub", t -> t[0].sub(t[1])),
          Map.entry("mul", t -> t[0].mul(t[1])),
          Map.entry("div", t -> t[0].div(t[1])),
          Map.entry("pow", t -> t[0].pow(t[1])),
          Map.entry("maximum", t -> t[0].maximum(t[1])),
          Map.entry("floor_divide", t -> t[0].floorDivide(t[1])),
          Map.entry("remainder", t -> t[0].remainder(t[1])),
          Map.entry("eq", t -> t[0].eq(t[1])),
          Map.entry("lt", t -> t[0].lt(t[1])),
          Map.entry("logical_and", t -> t[0].logicalAnd(t[1])),
          Map.entry("mm", t -> t[0].mm(t[1].t().contiguous())),
          Map.entry("cat_1", t -> Tensor.cat(List.of(t), 1)),
          Map.entry("mse_loss_mean", t -> dev.talus.nn.F.mseLoss(t[0], t[1])),
          Map.entry("add_", t -> t[0].clone().add_(t[1])),
          Map.entry("sub_", t -> t[0].clone().sub_(t[1])),
          Map.entry("mul_", t -> t[0].clone().mul_(t[1])),
          Map.entry("div_", t -> t[0].clone().div_(t[1])),
          Map.entry("copy_", t -> t[0].clone().copy_(t[1])));

  private static final Set<String> NEED_ONE_SHAPE = Set.of("mm", "cat_1", "mse_loss_mean");

  /** One op on inputs of some types; a scalar input has no dimensions. */
  record Typed(String op, List<DType> types, List<Boolean> scalar) {
    private boolean allOf(DType type) {
      return types.stream().allMatch(t -> t == type);
    }

    private boolean isFloating() {
      return types.stream().anyMatch(DType::isFloating);
    }

    /** What libtorch computes and Talus refuses, saying which conversion to make. */
    boolean isRefusedByTalusOnly() {
      switch (op) {
        case "pow":
          return !isFloating() && !allOf(DType.BOOL);
        case "mm":
          return !isFloating() && allOf(types.get(0)) && !allOf(DType.BOOL);
        case "logsumexp":
          return !isFloating();
        case "add":
        case "add_":
        case "maximum":
        case "sign":
        case "square":
          return allOf(DType.BOOL);
        default:
          return false;
      }
    }

    /** What libtorch refuses, though the answer is plain. */
    boolean isRefusedByTorchOnly() {
      return op.equals("argmax") && allOf(DType.BOOL);
    }

    /** Where libtorch keeps uint8, from the time before it had bool. */
    boolean isTruthOfBytes() {
      return (op.equals("all") || op.equals("any")) && allOf(DType.UINT8);
    }

    @Override
    public String toString() {
      List<String> inputs = new ArrayList<>();
      for (int i = 0; i < types.size(); i++) {
        inputs.add((scalar.get(i) ? "scalar " : "") + types.get(i).name());
      }
      return op + inputs;
    }
  }

  static Stream<Typed> unary() {
    return UNARY.keySet().stream()
        .sorted()
        .flatMap(
            op -> Stream.of(DType.values()).map(t -> new Typed(op, List.of(t), List.of(false))));
  }

  static Stream<Typed> binary() {
    List<Typed> all = new ArrayList<>();
    for (String op : BINARY.keySet().stream().sorted().toList()) {
      for (DType left : DType.values()) {
        for (DType right : DType.values()) {
          all.add(new Typed(op, List.of(left, right), List.of(false, false)));
          if (!NEED_ONE_SHAPE.contains(op)) {
            all.add(new Typed(op, List.of(left, right), List.of(false, true)));
          }
        }
      }
    }
    return all.stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("unary")
  void ofOne(Typed call) {
    compare(call, UNARY.get(call.op));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("binary")
  void ofTwo(Typed call) {
    compare(call, BINARY.get(call.op));
  }

  private static Tensor input(DType type, boolean scalar, int which) {
    long[] values = which == 0 ? new long[] {3, 0, 1, 7, 2, 1} : new long[] {1, 2, 1, 3, 1, 2};
    Tensor x = (scalar ? Tensor.scalar(values[3], DType.INT64) : Tensor.of(values, 2, 3)).to(type);
    return type.isFloating() ? x.mul(scalar ? 0.5 : 0.75) : x;
  }

  private static void compare(Typed call, Function<Tensor[], Tensor> op) {
    try (Scope scope = Scope.open();
        PointerScope pointers = new PointerScope()) {
      Tensor[] inputs = new Tensor[call.types.size()];
      org.bytedeco.pytorch.Tensor[] copies = new org.bytedeco.pytorch.Tensor[inputs.length];
      for (int i = 0; i < inputs.length; i++) {
        inputs[i] = input(call.types.get(i), call.scalar.get(i), i);
        copies[i] = Torch.copy(inputs[i]);
      }
      if (call.op.equals("mm")) {
        copies[1] = copies[1].t();
      }
      Tensor[] actual = new Tensor[1];
      org.bytedeco.pytorch.Tensor[] expected = new org.bytedeco.pytorch.Tensor[1];
      Throwable ours = catchThrowable(() -> actual[0] = op.apply(inputs));
      Throwable theirs = catchThrowable(() -> expected[0] = TorchOps.named(call.op).apply(copies));
      boolean talusOnly = call.isRefusedByTalusOnly();
      boolean torchOnly = call.isRefusedByTorchOnly();
      assertThat(ours != null)
          .as("refused; Talus: %s; libtorch: %s", ours, theirs)
          .isEqualTo(talusOnly || (theirs != null && !torchOnly));
      assertThat(theirs != null)
          .as("refused by libtorch: %s", theirs)
          .isEqualTo(torchOnly || (ours != null && !talusOnly));
      if (ours == null && theirs == null) {
        assertThat(actual[0].dtype() == Torch.dtype(expected[0]))
            .as("%s; libtorch has %s", actual[0].dtype(), Torch.dtype(expected[0]))
            .isNotEqualTo(call.isTruthOfBytes());
        Agreement.check(actual[0].toDoubleArray(), Torch.values(expected[0]), 1e-6, "output");
      }
    }
  }
}
