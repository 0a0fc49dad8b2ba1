package dev.talus.nn;

import dev.talus.Tensor;
import dev.talus.nn.init.Init;
import java.util.StringJoiner;

/**
 * Normalises each row of the last dimensions to mean 0 and variance 1, then scales and shifts it.
 *
 * <p>The weight starts as 1 and the bias as 0.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html">LayerNorm</a>
 */
public final class LayerNorm extends Module {
  private final long[] normalizedShape;
  private final double eps;
  private final Parameter weight;
  private final Parameter bias;

  /**
   * With PyTorch's defaults: eps 1e-5, a weight and a bias.
   *
   * @param normalizedShape the last sizes of the input, at least one
   */
  public LayerNorm(long... normalizedShape) {
    this(normalizedShape, BatchNorm.EPS, true, true);
  }

  /**
   * With all options.
   *
   * @param normalizedShape the last sizes of the input, at least one
   * @param eps added to the variance
   * @param elementwiseAffine whether there is a weight
   * @param bias whether there is a bias beside the weight
   * @throws IllegalArgumentException if a size is less than 1, or there is none
   */
  public LayerNorm(long[] normalizedShape, double eps, boolean elementwiseAffine, boolean bias) {
    if (normalizedShape.length == 0) {
      throw new IllegalArgumentException("LayerNorm: normalized_shape is empty");
    }
    for (long size : normalizedShape) {
      Arguments.atLeast("LayerNorm", "normalized_shape", size, 1);
    }
    this.normalizedShape = normalizedShape.clone();
    this.eps = eps;
    boolean shifts = elementwiseAffine && bias;
    weight =
        elementwiseAffine ? register("weight", Parameter.uninitialized(normalizedShape)) : null;
    this.bias = shifts ? register("bias", Parameter.uninitialized(normalizedShape)) : null;
    if (elementwiseAffine) {
      Init.ones_(weight);
    }
    if (shifts) {
      Init.zeros_(this.bias);
    }
  }

  /** The factors, of the normalized shape, or null. */
  public Parameter weight() {
    return weight;
  }

  /** What is added, of the normalized shape, or null. */
  public Parameter bias() {
    return bias;
  }

  /**
   * Normalises each row.
   *
   * @param x […, normalized shape]
   * @return the shape of x
   * @throws IllegalArgumentException naming this layer, if the shape or type does not fit
   */
  @Override
  public Tensor forward(Tensor x) {
    try {
      return F.layerNorm(x, normalizedShape, weight, bias, eps);
    } catch (IllegalArgumentException e) {
      throw refusal(e.getMessage(), e);
    }
  }

  @Override
  protected String extraRepr() {
    StringJoiner sizes = new StringJoiner(", ");
    for (long size : normalizedShape) {
      sizes.add(Long.toString(size));
    }
    return "("
        + sizes
        + (normalizedShape.length == 1 ? ",)" : ")")
        + ", eps="
        + Arguments.python(eps)
        + ", elementwise_affine="
        + Arguments.python(weight != null);
  }
}
