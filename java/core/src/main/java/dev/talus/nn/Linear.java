package dev.talus.nn;

import dev.talus.Tensor;
import dev.talus.nn.init.Init;
import dev.talus.ops.Epilogue;

/**
 * An affine map of the last dimension: y = x Wᵀ + b.
 *
 * <p>Weight [out, in] and bias [out] start uniform in ±1/√in, with PyTorch's numbers.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html">Linear</a>
 */
public final class Linear extends Module {
  private final long inFeatures;
  private final long outFeatures;
  private final Parameter weight;
  private final Parameter bias;

  /**
   * With a bias.
   *
   * @param inFeatures size of the input's last dimension, more than 0
   * @param outFeatures size of the output's last dimension, more than 0
   */
  public Linear(long inFeatures, long outFeatures) {
    this(inFeatures, outFeatures, true);
  }

  /**
   * With or without a bias.
   *
   * @param inFeatures size of the input's last dimension, more than 0
   * @param outFeatures size of the output's last dimension, more than 0
   * @param bias whether to add one
   * @throws IllegalArgumentException if a size is less than 1
   */
  public Linear(long inFeatures, long outFeatures, boolean bias) {
    Arguments.atLeast("Linear", "in_features", inFeatures, 1);
    Arguments.atLeast("Linear", "out_features", outFeatures, 1);
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    weight = register("weight", Parameter.uninitialized(outFeatures, inFeatures));
    this.bias = bias ? register("bias", Parameter.uninitialized(outFeatures)) : null;
    resetParameters(weight, this.bias);
  }

  /** PyTorch's default of layers with a weight: the weight is drawn first, then the bias. */
  static void resetParameters(Parameter weight, Parameter bias) {
    Init.kaimingUniform_(weight, Math.sqrt(5.0));
    if (bias != null) {
      double bound = 1 / Math.sqrt(Init.fan(weight, Init.Fan.IN));
      Init.uniform_(bias, -bound, bound);
    }
  }

  /** The weight, [out, in]. */
  public Parameter weight() {
    return weight;
  }

  /** The bias, [out], or null. */
  public Parameter bias() {
    return bias;
  }

  /**
   * Maps the last dimension.
   *
   * @param x […, in]
   * @return […, out]
   * @throws IllegalArgumentException naming this layer, if the last size or the type does not fit
   */
  @Override
  public Tensor forward(Tensor x) {
    return forward(x, Epilogue.NONE);
  }

  @Override
  Tensor forward(Tensor x, Epilogue epilogue) {
    check(x);
    return F.linear(x, weight, bias, epilogue);
  }

  private void check(Tensor x) {
    if (x.dim() == 0 || x.size(-1) != inFeatures) {
      String fix =
          x.dim() == 0
              ? ""
              : "; change what comes before this layer, or build it with in_features=" + x.size(-1);
      throw refusal(
          "expected input of shape [*, " + inFeatures + "], got " + x.shape() + fix, null);
    }
    if (x.dtype() != weight.dtype()) {
      throw refusal(
          "expected input of type "
              + weight.dtype()
              + ", got "
              + x.dtype()
              + "; convert one with to(...)",
          null);
    }
  }

  @Override
  protected String extraRepr() {
    return "in_features="
        + inFeatures
        + ", out_features="
        + outFeatures
        + ", bias="
        + Arguments.python(bias != null);
  }
}
