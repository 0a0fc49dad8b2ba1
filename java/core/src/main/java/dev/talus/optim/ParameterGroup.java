package dev.talus.optim;

import dev.talus.nn.Parameter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Parameters of an {@link Optimizer} that share a learning rate and a weight decay. */
public final class ParameterGroup {
  final List<Optimizer.Slot> slots;
  private double lr;
  private Double weightDecay;

  ParameterGroup(List<Parameter> parameters, double lr) {
    List<Optimizer.Slot> all = new ArrayList<>(parameters.size());
    for (Parameter parameter : parameters) {
      all.add(new Optimizer.Slot(parameter));
    }
    slots = Collections.unmodifiableList(all);
    setLr(lr);
  }

  /** The parameters in order. */
  public List<Parameter> parameters() {
    List<Parameter> all = new ArrayList<>(slots.size());
    for (Optimizer.Slot slot : slots) {
      all.add(slot.parameter);
    }
    return Collections.unmodifiableList(all);
  }

  /** The learning rate. */
  public double lr() {
    return lr;
  }

  /**
   * Sets the learning rate from the next step on.
   *
   * @param lr 0 or more
   * @throws IllegalArgumentException if it is negative
   */
  public void setLr(double lr) {
    this.lr = Optimizer.checked("learning rate", lr);
  }

  /**
   * Gives this group a weight decay of its own instead of the optimizer's.
   *
   * @param value 0 or more
   * @return this
   * @throws IllegalArgumentException if it is negative
   */
  public ParameterGroup weightDecay(double value) {
    weightDecay = Optimizer.checked("weight_decay value", value);
    return this;
  }

  double weightDecayOr(double otherwise) {
    return weightDecay == null ? otherwise : weightDecay;
  }
}
