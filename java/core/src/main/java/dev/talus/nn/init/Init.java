package dev.talus.nn.init;

import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import java.util.function.UnaryOperator;

/**
 * Fills tensors in place, from the default generator and with PyTorch's numbers. No call is
 * recorded by autograd. Each returns its argument.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/nn.init.html">torch.nn.init</a>
 */
public final class Init {
  private Init() {}

  /** Which side of a weight keeps its variance. */
  public enum Fan {
    /** The inputs of one output: the forward pass keeps its scale. */
    IN,
    /** The outputs of one input: the backward pass keeps its scale. */
    OUT
  }

  /** The function that follows a layer, by the factor it takes off the standard deviation. */
  public enum Nonlinearity {
    /** None. */
    LINEAR,
    /** The logistic function. */
    SIGMOID,
    /** The hyperbolic tangent. */
    TANH,
    /** max(x, 0). */
    RELU,
    /** x for positive x, else a·x. */
    LEAKY_RELU;

    /**
     * PyTorch's recommended gain.
     *
     * @param a the slope below 0 of LEAKY_RELU; not used by the others
     */
    public double gain(double a) {
      switch (this) {
        case TANH:
          return 5.0 / 3;
        case RELU:
          return Math.sqrt(2.0);
        case LEAKY_RELU:
          return Math.sqrt(2.0 / (1 + a * a));
        default:
          return 1;
      }
    }
  }

  /** Uniform numbers in [from, to). */
  public static Tensor uniform_(Tensor tensor, double from, double to) {
    return quietly(tensor, t -> t.uniform_(from, to));
  }

  /** Normal numbers. */
  public static Tensor normal_(Tensor tensor, double mean, double std) {
    return quietly(tensor, t -> t.normal_(mean, std));
  }

  /** One value everywhere. */
  public static Tensor constant_(Tensor tensor, double value) {
    return quietly(tensor, t -> t.fill_(value));
  }

  /** Zeros. */
  public static Tensor zeros_(Tensor tensor) {
    return constant_(tensor, 0);
  }

  /** Ones. */
  public static Tensor ones_(Tensor tensor) {
    return constant_(tensor, 1);
  }

  /**
   * He's uniform initialisation for a leaky ReLU, counting inputs: PyTorch's default of Conv2d and
   * Linear with a = √5.
   *
   * @param tensor a weight of two or more dimensions
   * @param a the slope below 0
   */
  public static Tensor kaimingUniform_(Tensor tensor, double a) {
    return kaimingUniform_(tensor, a, Fan.IN, Nonlinearity.LEAKY_RELU);
  }

  /**
   * He's uniform initialisation: bound = gain · √(3 / fan).
   *
   * @param tensor a weight of two or more dimensions
   * @param a the slope below 0, for LEAKY_RELU
   * @param fan the side to count
   * @param nonlinearity what follows the layer
   * @see <a href="https://arxiv.org/abs/1502.01852">Delving Deep into Rectifiers</a>
   */
  public static Tensor kaimingUniform_(
      Tensor tensor, double a, Fan fan, Nonlinearity nonlinearity) {
    double bound = Math.sqrt(3.0) * kaimingStd(tensor, a, fan, nonlinearity);
    return uniform_(tensor, -bound, bound);
  }

  /**
   * He's normal initialisation: std = gain / √fan.
   *
   * @param tensor a weight of two or more dimensions
   * @param a the slope below 0, for LEAKY_RELU
   * @param fan the side to count
   * @param nonlinearity what follows the layer
   */
  public static Tensor kaimingNormal_(Tensor tensor, double a, Fan fan, Nonlinearity nonlinearity) {
    return normal_(tensor, 0, kaimingStd(tensor, a, fan, nonlinearity));
  }

  /**
   * Glorot's uniform initialisation: bound = gain · √(6 / (fan in + fan out)).
   *
   * @param tensor a weight of two or more dimensions
   * @param gain 1, or {@link Nonlinearity#gain}
   * @see <a href="https://proceedings.mlr.press/v9/glorot10a.html">Understanding the difficulty of
   *     training deep feedforward neural networks</a>
   */
  public static Tensor xavierUniform_(Tensor tensor, double gain) {
    double bound = Math.sqrt(3.0) * xavierStd(tensor, gain);
    return uniform_(tensor, -bound, bound);
  }

  /**
   * Glorot's normal initialisation: std = gain · √(2 / (fan in + fan out)).
   *
   * @param tensor a weight of two or more dimensions
   * @param gain 1, or {@link Nonlinearity#gain}
   */
  public static Tensor xavierNormal_(Tensor tensor, double gain) {
    return normal_(tensor, 0, xavierStd(tensor, gain));
  }

  /**
   * How many inputs feed one output of a weight, or how many outputs one input feeds.
   *
   * @param weight [out, in, …]; what follows is the receptive field
   * @param side which of the two
   * @throws IllegalArgumentException if the weight has fewer than two dimensions
   */
  public static long fan(Tensor weight, Fan side) {
    if (weight.dim() < 2) {
      throw new IllegalArgumentException(
          "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got"
              + " shape "
              + weight.shape());
    }
    long fan = weight.size(side == Fan.IN ? 1 : 0);
    for (int d = 2; d < weight.dim(); d++) {
      fan *= weight.size(d);
    }
    return fan;
  }

  private static double kaimingStd(Tensor tensor, double a, Fan fan, Nonlinearity nonlinearity) {
    return nonlinearity.gain(a) / Math.sqrt(fan(tensor, fan));
  }

  private static double xavierStd(Tensor tensor, double gain) {
    return gain * Math.sqrt(2.0 / (fan(tensor, Fan.IN) + fan(tensor, Fan.OUT)));
  }

  private static Tensor quietly(Tensor tensor, UnaryOperator<Tensor> fill) {
    try (Autograd.GradMode mode = Autograd.noGrad()) {
      return fill.apply(tensor);
    }
  }
}
