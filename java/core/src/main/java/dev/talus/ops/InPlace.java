package dev.talus.ops;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.internal.Geometries;
import dev.talus.internal.Native;
import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * Operations that overwrite their first operand.
 *
 * <p>Where autograd records, the new values are computed by the ordinary op and copied over, and
 * the operand takes the result's history; so every rule exists once. A change of a view also
 * changes the history of its base.
 */
public final class InPlace {
  // From 16 numbers on, normal ones are drawn by the algorithm of contiguous tensors.
  private static final long PIECE = 15;

  private InPlace() {}

  /** {@code target = op(target, other)}. */
  public static Tensor binary(Binary op, Tensor target, Tensor second, double alpha) {
    Tensor other = Placement.beside(second, target);
    Placement.same(target, other);
    checkResult(target, Shape.broadcast(target.sizes(), other.sizes()));
    DType type = op.resultType(target, other);
    if (!Types.canCast(type, target.dtype())) {
      throw new IllegalArgumentException(
          "result type " + type + " can't be cast to the desired output type " + target.dtype());
    }
    checkWritable(target);
    if (records(target, other)) {
      boolean keepsOld = op.keepsFirst(target, other);
      return recorded(target, keepsOld, old -> op.apply(old, other, alpha).to(target.dtype()));
    }
    try (Scope scope = Scope.open()) {
      if (type == target.dtype()) {
        op.run(target, apart(target, other.to(type)), alpha, target);
      } else {
        copyValues(op.apply(target, other, alpha), target);
      }
    }
    return changed(target);
  }

  /** {@code target = op(target)}. */
  public static Tensor unary(Unary op, Tensor target, double p0, double p1) {
    checkWritable(target);
    if (records(target, null)) {
      return recorded(target, op.keepsInput(), old -> op.apply(old, p0, p1));
    }
    if (!target.dtype().isFloating() && !op.isExactForIntegers(p0, p1)) {
      throw new IllegalArgumentException(
          "result type torch.float32 can't be cast to the desired output type " + target.dtype());
    }
    op.run(target, target, p0, p1);
    return changed(target);
  }

  /** {@code target /= value}. */
  public static Tensor divide(Tensor target, double value) {
    try (Scope scope = Scope.open()) {
      return scope.escape(
          binary(Binary.DIV, target, Tensor.scalar(value, target.dtype(), target.device()), 1));
    }
  }

  /** Every element becomes the value. */
  public static Tensor fill(Tensor target, double value) {
    checkWritable(target);
    if (records(target, null)) {
      try (Scope scope = Scope.open()) {
        return scope.escape(overwritten(target, Tensor.fullLike(target, value), "Fill"));
      }
    }
    Native.fill(
        target.device().id(),
        target.dtype().code(),
        target.numel(),
        target.isContiguous() ? null : Geometries.of(target.sizes(), target.strides()),
        value,
        integer(target, value),
        target.address());
    return changed(target);
  }

  private static long integer(Tensor target, double value) {
    return target.dtype() == DType.BOOL ? (value != 0 ? 1 : 0) : (long) value;
  }

  /** The source's values, converted and broadcast. */
  public static Tensor copy(Tensor target, Tensor source) {
    checkResult(target, Shape.broadcast(target.sizes(), source.sizes()));
    checkWritable(target);
    try (Scope scope = Scope.open()) {
      if (records(target, source)) {
        return scope.escape(overwritten(target, source.expand(target.sizes()), "Copy"));
      }
      copyValues(apart(target, source.expand(target.sizes())), target);
    }
    return changed(target);
  }

  /**
   * Random values, drawn in the order of the elements in memory. As in PyTorch, a contiguous tensor
   * is filled at once and any other in small pieces, which for normal numbers is another algorithm.
   */
  public static Tensor random(Tensor target, Consumer<Tensor> fill) {
    if (records(target, null)) {
      checkLeaf(target);
    }
    checkWritable(target);
    if (target.isContiguous()) {
      fill.accept(target);
    } else {
      try (Scope scope = Scope.open()) {
        Tensor inMemoryOrder = target.detach().permute(byStride(target));
        Tensor values = Tensor.emptyLike(inMemoryOrder);
        Tensor flat = values.view(-1);
        for (long at = 0; at < flat.numel(); at += PIECE) {
          fill.accept(flat.narrow(0, at, Math.min(PIECE, flat.numel() - at)));
        }
        copyValues(values, inMemoryOrder);
      }
    }
    return changed(target);
  }

  /** The dimensions, those with the longest strides first. */
  private static int[] byStride(Tensor x) {
    int[] dims = new int[x.dim()];
    for (int d = 0; d < dims.length; d++) {
      int at = d;
      // Dimensions of one stride keep their order.
      while (at > 0 && x.strides()[dims[at - 1]] < x.strides()[d]) {
        dims[at] = dims[at - 1];
        at--;
      }
      dims[at] = d;
    }
    return dims;
  }

  /** Copies and converts between tensors of one shape, on any devices, unseen by autograd. */
  static void copyValues(Tensor from, Tensor to) {
    if (from.device() != to.device()) {
      transfer(from, to);
      return;
    }
    Native.copy(
        from.device().id(),
        from.dtype().code(),
        to.dtype().code(),
        to.numel(),
        Geometries.of(to, from),
        from.address(),
        to.address());
    Reference.reachabilityFence(from);
    Reference.reachabilityFence(to);
  }

  /** Between devices only whole blocks of one type travel; the rest is done on either side. */
  private static void transfer(Tensor from, Tensor to) {
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      Tensor sent = from.to(to.dtype()).contiguous();
      Tensor received = to.isContiguous() ? to : Tensor.emptyLike(to);
      Native.transfer(
          sent.device().id(),
          sent.address(),
          received.device().id(),
          received.address(),
          sent.numel() * sent.dtype().bytes());
      if (received != to) {
        copyValues(received, to);
      }
      Reference.reachabilityFence(sent);
      Reference.reachabilityFence(received);
    }
  }

  private static boolean records(Tensor target, Tensor other) {
    if (!Autograd.isGradEnabled()) {
      return false;
    }
    boolean base = target.base() != null && target.base().requiresGrad();
    return base || Autograd.records(target, other);
  }

  /** The target takes values and history of what an ordinary op computes from it. */
  private static Tensor recorded(Tensor target, boolean keepsOld, UnaryOperator<Tensor> op) {
    checkLeaf(target);
    try (Scope scope = Scope.open()) {
      Tensor result = op.apply(keepsOld ? snapshot(target) : target);
      copyValues(result, target);
      if (target.base() == null) {
        target.autogradMeta().rebase(result.gradFn());
      } else {
        rebaseView(target, result);
      }
      return scope.escape(changed(target));
    }
  }

  /** The target takes the values of a source, and its old history ends here. */
  private static Tensor overwritten(Tensor target, Tensor source, String name) {
    checkLeaf(target);
    copyValues(apart(target, source), target);
    if (target.base() == null) {
      target.autogradMeta().rebase(new Overwrite(target, source, name));
    } else {
      rebaseView(target, source.to(target.device(), target.dtype()));
    }
    return changed(target);
  }

  private static void rebaseView(Tensor target, Tensor values) {
    Tensor base = target.base();
    if (!base.isContiguous()) {
      throw new UnsupportedOperationException(
          "an in-place change of a view of a non-contiguous tensor cannot be recorded;"
              + " use the operation that returns a new tensor");
    }
    base.autogradMeta().rebase(new CopySlices(base, values, target.geometry()));
  }

  /** The values before the change, for a rule that will read them. */
  private static Tensor snapshot(Tensor target) {
    Tensor old = target.detach().clone();
    if (target.gradFn() != null) {
      old.autogradMeta().setHistory(target.gradFn());
    }
    return old;
  }

  /** PyTorch's rule: the value a gradient belongs to must not disappear. */
  private static void checkLeaf(Tensor target) {
    if (target.isLeaf() && target.requiresGrad()) {
      throw new IllegalStateException(
          "a leaf Variable that requires grad is being used in an in-place operation."
              + " Do it under Autograd.noGrad() or on data()");
    }
    Tensor base = target.base();
    if (base != null && base.isLeaf() && base.requiresGrad()) {
      throw new IllegalStateException(
          "a view of a leaf Variable that requires grad is being used in an in-place operation."
              + " Do it under Autograd.noGrad() or on data()");
    }
  }

  private static void checkResult(Tensor target, long[] sizes) {
    if (!Arrays.equals(target.sizes(), sizes)) {
      throw new IllegalArgumentException(
          "output with shape "
              + target.shape()
              + " doesn't match the broadcast shape "
              + Arrays.toString(sizes));
    }
  }

  private static void checkWritable(Tensor target) {
    for (int d = 0; d < target.dim(); d++) {
      if (target.strides()[d] == 0 && target.sizes()[d] > 1) {
        throw new IllegalStateException(
            "unsupported operation: more than one element of the written-to tensor refers to a"
                + " single memory location. Please clone() the tensor before performing the"
                + " operation.");
      }
    }
  }

  /** The operand, copied if it overlaps the target other than element by element. */
  private static Tensor apart(Tensor target, Tensor other) {
    boolean shared = target.storage() == other.storage();
    boolean same =
        target.address() == other.address()
            && Arrays.equals(target.sizes(), other.sizes())
            && Arrays.equals(target.strides(), other.strides());
    return shared && !same ? other.detach().clone() : other;
  }

  private static Tensor changed(Tensor target) {
    target.versionCounter().bump();
    return target;
  }
}
