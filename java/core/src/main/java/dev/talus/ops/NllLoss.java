package dev.talus.ops;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.NativeNn;
import dev.talus.nn.Reduction;
import java.lang.ref.Reference;
import java.util.Arrays;

/** The negative log-likelihood of classes. */
public final class NllLoss extends Node {
  private final long ignoreIndex;
  private final Reduction reduction;

  private NllLoss(
      Tensor x,
      Tensor target,
      Tensor weight,
      Tensor totalWeight,
      long ignoreIndex,
      Reduction reduction) {
    super(x);
    this.ignoreIndex = ignoreIndex;
    this.reduction = reduction;
    save(target);
    save(weight);
    save(totalWeight);
  }

  /**
   * Minus the log-probability of each target class, times the class's weight, reduced; the mean is
   * divided by the sum of the weights.
   *
   * @param x log-probabilities [C], [N, C] or [N, C, d1, …]
   * @param target int64 classes [], [N] or [N, d1, …]
   * @param weight one for each class [C], or null for 1
   * @param ignoreIndex targets of this value count nothing
   * @param reduction the mean, the sum or none
   * @return 0-d, or of the target's shape without reduction
   * @throws IllegalArgumentException if shapes or types do not fit together
   * @throws IndexOutOfBoundsException if a target is no class
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html">NLLLoss</a>
   */
  public static Tensor apply(
      Tensor x, Tensor target, Tensor weight, long ignoreIndex, Reduction reduction) {
    check(x, target, weight);
    boolean reduces = reduction != Reduction.NONE;
    long[] sizes = reduces ? new long[0] : target.sizes();
    Tensor out = Tensor.allocate(x.dtype(), x.device(), sizes);
    try (Tensor totalWeight = Tensor.allocate(x.dtype(), x.device())) {
      launch(x, target, weight, ignoreIndex, reduction, out, totalWeight);
      if (!Autograd.records(x)) {
        return out;
      }
      Tensor total = reduction == Reduction.MEAN ? totalWeight : null;
      return new NllLoss(x, target, weight, total, ignoreIndex, reduction).record(out);
    }
  }

  private static void launch(
      Tensor x,
      Tensor target,
      Tensor weight,
      long ignoreIndex,
      Reduction reduction,
      Tensor out,
      Tensor totalWeight) {
    if (!Checks.contiguous(x, target, weight)) {
      try (Scope scope = Scope.open()) {
        launch(
            Checks.dense(x),
            Checks.dense(target),
            Checks.dense(weight),
            ignoreIndex,
            reduction,
            out,
            totalWeight);
      }
      return;
    }
    NativeNn.nllLoss(
        x.device().id(),
        x.dtype().code(),
        rows(x.sizes()),
        classes(x.sizes()),
        inner(x.sizes()),
        x.address(),
        target.address(),
        weight == null ? 0 : weight.address(),
        ignoreIndex,
        reduction.code(),
        out.address(),
        totalWeight.address());
    Reference.reachabilityFence(x);
    Reference.reachabilityFence(target);
    Reference.reachabilityFence(weight);
  }

  private static long rows(long[] sizes) {
    return sizes.length == 1 ? 1 : sizes[0];
  }

  private static long classes(long[] sizes) {
    return sizes[sizes.length == 1 ? 0 : 1];
  }

  private static long inner(long[] sizes) {
    return sizes.length < 3 ? 1 : Shape.numel(Arrays.copyOfRange(sizes, 2, sizes.length));
  }

  static void check(Tensor x, Tensor target, Tensor weight) {
    Placement.same(x, target, weight);
    Checks.floating("nll_loss", x);
    if (target.dtype() != DType.INT64) {
      throw new IllegalArgumentException(
          "nll_loss(): expected target of type torch.int64 but got "
              + target.dtype()
              + "; convert with to(DType.INT64)");
    }
    if (x.dim() == 0) {
      throw new IllegalArgumentException(
          "nll_loss(): input tensor should be [classes], [batch, classes] or [batch, classes, ...],"
              + " but got a 0-d tensor");
    }
    if (x.dim() > 1 && (target.dim() == 0 || x.size(0) != target.size(0))) {
      throw new IllegalArgumentException(
          "Expected input batch_size ("
              + x.size(0)
              + ") to match target batch_size ("
              + (target.dim() == 0 ? 1 : target.size(0))
              + "). Input shape "
              + x.shape()
              + ", target shape "
              + target.shape());
    }
    boolean single = x.dim() == 1 && target.dim() == 1 && target.numel() == 1;
    boolean plain = x.dim() == 2 && target.dim() == 1; // their first sizes were compared above
    if (!single && !plain) {
      checkTarget(x, target);
    }
    if (weight == null) {
      return;
    }
    Checks.sameType("nll_loss", x, "weight", weight);
    if (weight.dim() != 1 || weight.numel() != classes(x.sizes())) {
      throw new IllegalArgumentException(
          "weight tensor should be defined either for all "
              + classes(x.sizes())
              + " classes or no classes but got weight tensor of shape: "
              + weight.shape());
    }
    if (Autograd.records(weight)) {
      throw new IllegalArgumentException(
          "the derivative for 'weight' is not implemented; pass weight.detach()");
    }
  }

  private static void checkTarget(Tensor x, Tensor target) {
    long[] expected = new long[Math.max(x.dim() - 1, 0)];
    for (int d = 0; d < expected.length; d++) {
      expected[d] = x.sizes()[d == 0 ? 0 : d + 1];
    }
    if (!Arrays.equals(expected, target.sizes())) {
      throw new IllegalArgumentException(
          "size mismatch (got input: "
              + x.shape()
              + ", target: "
              + target.shape()
              + "); expected target of shape "
              + Arrays.toString(expected));
    }
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    Tensor target = saved(0);
    Tensor weight = saved(1);
    Tensor total = saved(2);
    long[] sizes = inputSizes(0);
    if (Autograd.records(grad)) {
      return new Tensor[] {differentiable(grad, target, weight, ignoreIndex, total, sizes)};
    }
    Tensor out = Tensor.allocate(grad.dtype(), grad.device(), sizes);
    NativeNn.nllLossBackward(
        grad.device().id(),
        grad.dtype().code(),
        rows(sizes),
        classes(sizes),
        inner(sizes),
        grad.contiguous().address(),
        target.contiguous().address(),
        weight == null ? 0 : weight.contiguous().address(),
        ignoreIndex,
        reduction.code(),
        total == null ? 0 : total.address(),
        out.address());
    return new Tensor[] {out};
  }

  /**
   * The gradient of log-probabilities, by recorded operations.
   *
   * @param total the sum of the weights, or null unless the mean is taken
   */
  static Tensor differentiable(
      Tensor grad, Tensor target, Tensor weight, long ignoreIndex, Tensor total, long[] sizes) {
    Tensor ignored = target.eq(ignoreIndex);
    Tensor classes = target.maskedFill(ignored, 0);
    Tensor share =
        weight == null
            ? Tensor.ones(grad.dtype(), grad.device(), target.sizes())
            : weight.indexSelect(0, classes.flatten()).reshape(target.sizes());
    Tensor scale = share.maskedFill(ignored, 0).neg();
    Tensor each = grad.mul(total != null ? scale.div(total) : scale);
    int dim = sizes.length == 1 ? 0 : 1;
    // [C] with a target of no dimensions: the gradient of one element.
    return sizes.length == 1
        ? ScatterAdd.intoZeros(sizes, dim, classes.reshape(1), each.reshape(1))
        : ScatterAdd.intoZeros(sizes, dim, classes.unsqueeze(1), each.unsqueeze(1));
  }
}
