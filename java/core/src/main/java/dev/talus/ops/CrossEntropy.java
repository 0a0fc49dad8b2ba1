package dev.talus.ops;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.NativeNn;
import dev.talus.nn.Reduction;
import java.lang.ref.Reference;

/**
 * The negative log-likelihood of classes under the softmax of scores, in one pass over them, and so
 * its gradient. The graph is that of the two operations: the loss's node hands what it gets to
 * log-softmax's, which knows the targets.
 */
public final class CrossEntropy extends Node {
  private final long ignoreIndex;
  private final Reduction reduction;

  private CrossEntropy(
      Tensor x,
      Tensor exps,
      Tensor sums,
      Tensor target,
      Tensor weight,
      Tensor totalWeight,
      long ignoreIndex,
      Reduction reduction) {
    super(x);
    this.ignoreIndex = ignoreIndex;
    this.reduction = reduction;
    save(exps);
    save(sums);
    save(target);
    save(weight);
    save(totalWeight);
  }

  /** Whether the rows of the kernel lie in the scores as they are. */
  public static boolean takes(Tensor x) {
    return x.dim() <= 2 && x.numel() > 0;
  }

  /**
   * The loss of each row's target class, reduced; the mean is divided by the sum of the weights.
   *
   * @param x scores [C] or [N, C], not empty
   * @param target int64 classes [] or [N]
   * @param weight one for each class [C], or null for 1
   * @param ignoreIndex targets of this value count nothing
   * @param reduction the mean, the sum or none
   * @return 0-d, or of the target's shape without reduction
   * @throws IllegalArgumentException if shapes or types do not fit together
   * @throws IndexOutOfBoundsException if a target is no class
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html">cross_entropy</a>
   */
  public static Tensor apply(
      Tensor x, Tensor target, Tensor weight, long ignoreIndex, Reduction reduction) {
    Checks.floating("log_softmax", x);
    NllLoss.check(x, target, weight);
    long[] sizes = reduction == Reduction.NONE ? target.sizes() : new long[0];
    Tensor out = Tensor.allocate(x.dtype(), x.device(), sizes);
    boolean records = Autograd.records(x);
    try (Tensor totalWeight = Tensor.allocate(x.dtype(), x.device());
        Tensor exps = records ? Tensor.allocate(x.dtype(), x.device(), x.sizes()) : null;
        Tensor sums = records ? Tensor.allocate(x.dtype(), x.device(), oneForEachRow(x)) : null) {
      launch(x, target, weight, ignoreIndex, reduction, out, totalWeight, exps, sums);
      if (!records) {
        return out;
      }
      Tensor total = reduction == Reduction.MEAN ? totalWeight : null;
      CrossEntropy node =
          new CrossEntropy(x, exps, sums, target, weight, total, ignoreIndex, reduction);
      node.recordUnseen();
      return new Loss(node, sizes).recorded(out);
    }
  }

  private static long[] oneForEachRow(Tensor x) {
    long[] sizes = x.sizes().clone();
    sizes[sizes.length - 1] = 1;
    return sizes;
  }

  private static void launch(
      Tensor x,
      Tensor target,
      Tensor weight,
      long ignoreIndex,
      Reduction reduction,
      Tensor out,
      Tensor totalWeight,
      Tensor exps,
      Tensor sums) {
    if (!Checks.contiguous(x, target, weight)) {
      try (Scope scope = Scope.open()) {
        launch(
            Checks.dense(x),
            Checks.dense(target),
            Checks.dense(weight),
            ignoreIndex,
            reduction,
            out,
            totalWeight,
            exps,
            sums);
      }
      return;
    }
    long classes = x.sizes()[x.dim() - 1];
    NativeNn.crossEntropy(
        x.device().id(),
        x.dtype().code(),
        x.numel() / classes,
        classes,
        x.address(),
        target.address(),
        weight == null ? 0 : weight.address(),
        ignoreIndex,
        reduction.code(),
        out.address(),
        totalWeight.address(),
        exps == null ? 0 : exps.address(),
        sums == null ? 0 : sums.address());
    Reference.reachabilityFence(x);
    Reference.reachabilityFence(target);
    Reference.reachabilityFence(weight);
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    Tensor exps = saved(0);
    Tensor sums = saved(1);
    Tensor target = saved(2);
    Tensor weight = saved(3);
    Tensor total = saved(4);
    if (Autograd.isGradEnabled()) {
      return new Tensor[] {differentiable(grad, exps, sums, target, weight, total)};
    }
    Tensor out = Tensor.allocate(exps.dtype(), exps.device(), exps.sizes());
    NativeNn.crossEntropyBackward(
        exps.device().id(),
        exps.dtype().code(),
        sums.numel(),
        exps.sizes()[exps.dim() - 1],
        grad.contiguous().address(),
        exps.address(),
        sums.address(),
        target.contiguous().address(),
        weight == null ? 0 : weight.contiguous().address(),
        ignoreIndex,
        reduction.code(),
        total == null ? 0 : total.address(),
        out.address());
    return new Tensor[] {out};
  }

  /** (softmax - one-hot) times what the loss of each row counts, the softmax with its history. */
  private Tensor differentiable(
      Tensor grad, Tensor exps, Tensor sums, Tensor target, Tensor weight, Tensor total) {
    Tensor softmax;
    try (Autograd.GradMode mode = Autograd.noGrad()) {
      softmax = exps.div(sums);
    }
    Softmax.recorded(nextFunctions().get(0), softmax);
    Tensor ofLogs = NllLoss.differentiable(grad, target, weight, ignoreIndex, total, inputSizes(0));
    return ofLogs.sub(softmax.mul(ofLogs.sum(new int[] {-1}, true)));
  }

  @Override
  public String name() {
    return "LogSoftmaxBackward";
  }

  /** What the caller sees: the gradient of the loss passes through to the node that uses it. */
  private static final class Loss extends Node {
    Loss(CrossEntropy scores, long[] sizes) {
      super(scores, sizes);
    }

    Tensor recorded(Tensor out) {
      return record(out);
    }

    @Override
    protected Tensor[] backward(Tensor grad, boolean[] needs) {
      return new Tensor[] {grad};
    }

    @Override
    public String name() {
      return "NllLossBackward";
    }
  }
}
