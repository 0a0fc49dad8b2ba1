package dev.talus.optim;

import dev.talus.DType;
import dev.talus.internal.NativeNn;
import dev.talus.nn.Parameter;
import java.util.List;

/**
 * Stochastic gradient descent, with momentum if wanted.
 *
 * <pre>{@code new SGD(net.parameters(), 0.1).momentum(0.9).nesterov(true)}</pre>
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html">SGD</a>
 */
public final class SGD extends Optimizer {
  private double momentum;
  private double dampening;
  private double weightDecay;
  private boolean nesterov;
  private boolean maximize;

  /**
   * Plain gradient descent.
   *
   * @param parameters what to optimize, at least one
   * @param lr the learning rate, 0 or more
   * @throws IllegalArgumentException if the list is empty or names one twice, or lr is negative
   */
  public SGD(List<Parameter> parameters, double lr) {
    super(parameters, lr);
  }

  /**
   * Sets how much of the former step is kept; 0 by default.
   *
   * @param value 0 or more
   * @return this
   * @throws IllegalArgumentException if it is negative
   */
  public SGD momentum(double value) {
    momentum = checked("momentum value", value);
    return checkNesterov();
  }

  /**
   * Sets how much of a new gradient the momentum leaves out; 0 by default.
   *
   * @param value the share
   * @return this
   */
  public SGD dampening(double value) {
    dampening = value;
    return checkNesterov();
  }

  /**
   * Sets the L2 penalty; 0 by default.
   *
   * @param value 0 or more
   * @return this
   * @throws IllegalArgumentException if it is negative
   */
  public SGD weightDecay(double value) {
    weightDecay = checked("weight_decay value", value);
    return this;
  }

  /**
   * Sets whether the momentum looks ahead, as Nesterov proposed. Call it after {@link #momentum}.
   *
   * @param value true for Nesterov momentum
   * @return this
   * @throws IllegalArgumentException without momentum, or with dampening
   */
  public SGD nesterov(boolean value) {
    nesterov = value;
    return checkNesterov();
  }

  /**
   * Sets whether to climb instead of descend.
   *
   * @param value true to maximize
   * @return this
   */
  public SGD maximize(boolean value) {
    maximize = value;
    return this;
  }

  private SGD checkNesterov() {
    if (nesterov && (momentum == 0 || dampening != 0)) {
      nesterov = false;
      throw new IllegalArgumentException(
          "Nesterov momentum requires a momentum and zero dampening; set momentum(...) first");
    }
    return this;
  }

  @Override
  int stateTensors() {
    return momentum == 0 ? 0 : 1;
  }

  @Override
  void update(ParameterGroup group, int device, DType dtype, Addresses at, long step) {
    NativeNn.sgdStep(
        device,
        dtype.code(),
        at.numels,
        at.parameters,
        at.gradients,
        at.states.length == 0 ? null : at.states[0],
        group.lr(),
        momentum,
        dampening,
        group.weightDecayOr(weightDecay),
        nesterov,
        maximize,
        step == 1);
  }
}
