package dev.talus.optim;

import dev.talus.DType;
import dev.talus.internal.NativeNn;
import dev.talus.nn.Parameter;
import java.util.List;

/**
 * What {@link Adam} and {@link AdamW} share.
 *
 * @param <O> the optimizer itself, for chaining
 * @see <a href="https://arxiv.org/abs/1412.6980">Adam</a>
 * @see <a href="https://arxiv.org/abs/1711.05101">Decoupled weight decay</a>
 */
public abstract class Adaptive<O extends Adaptive<O>> extends Optimizer {
  private final boolean decoupled;
  private double beta1 = 0.9;
  private double beta2 = 0.999;
  private double eps = 1e-8;
  private double weightDecay;
  private boolean amsgrad;
  private boolean maximize;

  Adaptive(List<Parameter> parameters, double lr, double weightDecay, boolean decoupled) {
    super(parameters, lr);
    this.weightDecay = weightDecay;
    this.decoupled = decoupled;
  }

  abstract O self();

  /**
   * Sets how slowly the running means of the gradient and of its square change; 0.9 and 0.999 by
   * default.
   *
   * @param first of the gradient, in [0, 1)
   * @param second of its square, in [0, 1)
   * @return this
   * @throws IllegalArgumentException if one is outside that range
   */
  public final O betas(double first, double second) {
    beta1 = checkedBeta(0, first);
    beta2 = checkedBeta(1, second);
    return self();
  }

  private static double checkedBeta(int index, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException("Invalid beta parameter at index " + index + ": " + value);
    }
    return value;
  }

  /**
   * Sets what keeps the division finite; 1e-8 by default.
   *
   * @param value 0 or more
   * @return this
   * @throws IllegalArgumentException if it is negative
   */
  public final O eps(double value) {
    eps = checked("epsilon value", value);
    return self();
  }

  /**
   * Sets the weight decay.
   *
   * @param value 0 or more
   * @return this
   * @throws IllegalArgumentException if it is negative
   */
  public final O weightDecay(double value) {
    weightDecay = checked("weight_decay value", value);
    return self();
  }

  /**
   * Sets whether the largest running mean of the squares so far is used. Decide before the first
   * step: a later change restarts the state.
   *
   * @param value true for AMSGrad
   * @return this
   */
  public final O amsgrad(boolean value) {
    amsgrad = value;
    return self();
  }

  /**
   * Sets whether to climb instead of descend.
   *
   * @param value true to maximize
   * @return this
   */
  public final O maximize(boolean value) {
    maximize = value;
    return self();
  }

  @Override
  final int stateTensors() {
    return amsgrad ? 3 : 2;
  }

  @Override
  final void update(ParameterGroup group, int device, DType dtype, Addresses at, long step) {
    NativeNn.adamStep(
        device,
        dtype.code(),
        at.numels,
        at.parameters,
        at.gradients,
        at.states[0],
        at.states[1],
        amsgrad ? at.states[2] : null,
        group.lr(),
        beta1,
        beta2,
        eps,
        group.weightDecayOr(weightDecay),
        decoupled,
        maximize,
        step);
  }
}
