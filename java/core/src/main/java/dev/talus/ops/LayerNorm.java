package dev.talus.ops;

import static dev.talus.ops.BatchNorm.address;
import static dev.talus.ops.BatchNorm.contiguous;

import dev.talus.Scope;
import dev.talus.Shape;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.internal.NativeNn;
import java.lang.ref.Reference;
import java.util.Arrays;

/**
 * Normalises each row of the last dimensions to mean 0 and variance 1, then scales and shifts it.
 *
 * @see <a href="https://arxiv.org/abs/1607.06450">Layer Normalization</a>
 */
public final class LayerNorm extends Node {
  private final int dims;
  private final double eps;

  private LayerNorm(
      int dims, Tensor x, Tensor weight, Tensor bias, Tensor mean, Tensor rstd, double eps) {
    super(x, weight, bias);
    this.dims = dims;
    this.eps = eps;
    save(x);
    save(weight);
    save(mean);
    save(rstd);
  }

  /**
   * Normalises each row of the last dimensions.
   *
   * @param x […, shape], floating
   * @param shape the last sizes of x, at least one
   * @param weight of that shape, or null for 1
   * @param bias of that shape, or null for 0
   * @param eps added to the biased variance
   * @return the shape of x
   * @throws IllegalArgumentException if shapes or types do not fit
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.layer_norm.html">layer_norm</a>
   */
  public static Tensor apply(Tensor x, long[] shape, Tensor weight, Tensor bias, double eps) {
    check(x, shape, weight, bias);
    long cols = Shape.numel(shape);
    long rows = 1;
    for (int d = 0; d < x.dim() - shape.length; d++) {
      rows *= x.size(d);
    }
    Tensor out = Tensor.emptyLike(x);
    try (Tensor mean = Tensor.allocate(x.dtype(), x.device(), rows);
        Tensor rstd = Tensor.allocate(x.dtype(), x.device(), rows)) {
      try (Scope scope = Scope.open();
          Autograd.GradMode mode = Autograd.noGrad()) {
        NativeNn.layerNorm(
            x.device().id(),
            x.dtype().code(),
            rows,
            cols,
            x.contiguous().address(),
            address(contiguous(weight)),
            address(contiguous(bias)),
            eps,
            out.address(),
            mean.address(),
            rstd.address());
      }
      Reference.reachabilityFence(x);
      Reference.reachabilityFence(weight);
      Reference.reachabilityFence(bias);
      return Autograd.records(x, weight, bias)
          ? new LayerNorm(shape.length, x, weight, bias, mean, rstd, eps).record(out)
          : out;
    }
  }

  private static void check(Tensor x, long[] shape, Tensor weight, Tensor bias) {
    Placement.same(x, weight, bias);
    Checks.floating("layer_norm", x);
    if (shape.length == 0) {
      throw new IllegalArgumentException(
          "Expected normalized_shape to be at least 1-dimensional, but got []");
    }
    int from = x.dim() - shape.length;
    if (from < 0 || !Arrays.equals(Arrays.copyOfRange(x.sizes(), from, x.dim()), shape)) {
      throw new IllegalArgumentException(
          "Given normalized_shape="
              + Arrays.toString(shape)
              + ", expected input with shape [*, "
              + Arrays.toString(shape).substring(1)
              + ", but got input of size "
              + x.shape());
    }
    checkParameter("weight", x, shape, weight);
    checkParameter("bias", x, shape, bias);
  }

  private static void checkParameter(String what, Tensor x, long[] shape, Tensor parameter) {
    if (parameter == null) {
      return;
    }
    Checks.sameType("layer_norm", x, what, parameter);
    if (!Arrays.equals(parameter.sizes(), shape)) {
      throw new IllegalArgumentException(
          "Expected "
              + what
              + " to be of same shape as normalized_shape, but got "
              + what
              + " of shape "
              + parameter.shape()
              + " and normalized_shape = "
              + Arrays.toString(shape));
    }
  }

  @Override
  protected Tensor[] backward(Tensor grad, boolean[] needs) {
    Tensor x = saved(0);
    Tensor weight = saved(1);
    Tensor mean = saved(2);
    Tensor rstd = saved(3);
    if (Autograd.records(grad, x, weight)) {
      return differentiable(grad, x, weight, needs);
    }
    long[] shape = Arrays.copyOfRange(x.sizes(), x.dim() - dims, x.dim());
    Tensor gradX = needs[0] ? Tensor.emptyLike(x) : null;
    Tensor gradWeight = needs[1] ? Tensor.allocate(x.dtype(), x.device(), shape) : null;
    Tensor gradBias = needs[2] ? Tensor.allocate(x.dtype(), x.device(), shape) : null;
    NativeNn.layerNormBackward(
        x.device().id(),
        x.dtype().code(),
        mean.numel(),
        Shape.numel(shape),
        grad.contiguous().address(),
        x.contiguous().address(),
        address(contiguous(weight)),
        mean.address(),
        rstd.address(),
        address(gradX),
        address(gradWeight),
        address(gradBias));
    return new Tensor[] {gradX, gradWeight, gradBias};
  }

  /** The same gradients by operations that are recorded; mean and rstd are functions of x then. */
  private Tensor[] differentiable(Tensor grad, Tensor x, Tensor weight, boolean[] needs) {
    int[] first = Dims.range(0, x.dim() - dims);
    int[] last = Dims.range(first.length, x.dim());
    Tensor centred = x.sub(x.mean(last, true));
    Tensor r = centred.square().mean(last, true).add(eps).rsqrt();
    Tensor normal = centred.mul(r);
    Tensor h = weight == null ? grad : grad.mul(weight);
    Tensor own = h.sub(h.mean(last, true)).sub(normal.mul(h.mul(normal).mean(last, true)));
    Tensor ofWeight = grad.mul(normal);
    return new Tensor[] {
      needs[0] ? own.mul(r) : null,
      needs[1] ? (first.length == 0 ? ofWeight : ofWeight.sum(first)) : null,
      needs[2] ? (first.length == 0 ? grad : grad.sum(first)) : null
    };
  }

  @Override
  public String name() {
    return "NativeLayerNormBackward";
  }
}
