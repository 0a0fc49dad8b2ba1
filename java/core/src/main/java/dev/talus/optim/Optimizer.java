package dev.talus.optim;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.internal.Capture;
import dev.talus.nn.Parameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * Changes parameters along their gradients. All parameters of one type take their step in one
 * native call.
 *
 * <pre>{@code
 * optimizer.zeroGrad();
 * loss.backward();
 * optimizer.step();
 * }</pre>
 *
 * <p>An optimizer owns its state, such as momentum, until {@link #close()}; the parameters stay
 * their module's.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/optim.html">torch.optim</a>
 */
public abstract class Optimizer implements AutoCloseable {
  private final List<ParameterGroup> groups = new ArrayList<>();
  private final Set<Parameter> known = Collections.newSetFromMap(new IdentityHashMap<>());
  // Of the latest native call, kept for the next one.
  private Slot[] batch = {};
  private Addresses addresses = new Addresses(0, 0);

  /**
   * With one group of parameters.
   *
   * @param parameters what to optimize, at least one
   * @param lr the learning rate, 0 or more
   * @throws IllegalArgumentException if the list is empty or names one twice, or lr is negative
   */
  protected Optimizer(List<Parameter> parameters, double lr) {
    addGroup(parameters, lr);
  }

  /**
   * Adds parameters with a learning rate of their own.
   *
   * @param parameters what to optimize, at least one
   * @param lr their learning rate, 0 or more
   * @return the group
   * @throws IllegalArgumentException if the list is empty or holds a known parameter, or lr is
   *     negative
   */
  public final ParameterGroup addGroup(List<Parameter> parameters, double lr) {
    if (parameters.isEmpty()) {
      throw new IllegalArgumentException("optimizer got an empty parameter list");
    }
    ParameterGroup group = new ParameterGroup(parameters, lr);
    Set<Parameter> all = Collections.newSetFromMap(new IdentityHashMap<>());
    all.addAll(known);
    for (Parameter parameter : parameters) {
      if (!all.add(parameter)) {
        throw new IllegalArgumentException(
            "some parameters appear in more than one parameter group, or twice in one: "
                + parameter.shape());
      }
    }
    known.addAll(parameters);
    groups.add(group);
    return group;
  }

  /** The groups in order of addition. */
  public final List<ParameterGroup> groups() {
    return Collections.unmodifiableList(groups);
  }

  /** The learning rate of the first group. */
  public final double lr() {
    return groups.get(0).lr();
  }

  /**
   * Sets the learning rate of all groups.
   *
   * @param lr 0 or more
   * @throws IllegalArgumentException if it is negative
   */
  public final void setLr(double lr) {
    groups.forEach(group -> group.setLr(lr));
  }

  /** Drops the gradients of all parameters; {@code grad()} is null afterwards, as in PyTorch. */
  public final void zeroGrad() {
    for (ParameterGroup group : groups) {
      for (Slot slot : group.slots) {
        slot.parameter.setGrad(null);
      }
    }
  }

  /** Changes every parameter that has a gradient, once; the others are left alone. */
  public final void step() {
    for (ParameterGroup group : groups) {
      int waiting = 0;
      for (Slot slot : group.slots) {
        slot.waits = slot.parameter.grad() != null;
        waiting += slot.waits ? 1 : 0;
      }
      while (waiting > 0) {
        waiting -= stepAlike(group, waiting);
      }
    }
  }

  /** Steps those of the waiting parameters that are like the first one, returns how many. */
  private int stepAlike(ParameterGroup group, int waiting) {
    if (batch.length < waiting) {
      batch = new Slot[waiting];
    }
    int count = 0;
    for (Slot slot : group.slots) {
      if (slot.waits && (count == 0 || slot.isLike(batch[0]))) {
        slot.waits = false;
        batch[count++] = slot;
      }
    }
    step(group, count);
    return count;
  }

  private void step(ParameterGroup group, int count) {
    int states = stateTensors();
    try (Scope scope = Scope.open()) {
      if (addresses.numels.length != count || addresses.states.length != states) {
        addresses = new Addresses(count, states);
      }
      Capture capture = Capture.of(batch[0].parameter.device());
      makeStates(count, states, capture);
      for (int i = 0; i < count; i++) {
        batch[i].follow();
      }
      for (int i = 0; i < count; i++) {
        batch[i].write(addresses, i);
      }
      update(group, batch, addresses);
      if (capture == null) {
        advance(batch, count);
      } else {
        capture.renews(new Again(group, Arrays.copyOf(batch, count), addresses));
        addresses = new Addresses(0, 0);
      }
    }
  }

  /** The native call of the batch's next step. */
  private void update(ParameterGroup group, Slot[] slots, Addresses at) {
    Slot first = slots[0];
    update(group, first.parameter.device().id(), first.parameter.dtype(), at, first.steps + 1);
  }

  /** Notes that the step was taken. */
  private static void advance(Slot[] slots, int count) {
    long steps = slots[0].steps + 1;
    for (int i = 0; i < count; i++) {
      slots[i].steps = steps;
      slots[i].parameter.versionCounter().bump();
    }
  }

  /** A step that a graph repeats with the numbers of its later steps. */
  private final class Again implements Capture.Renewal {
    private final ParameterGroup group;
    private final Slot[] slots;
    private final Addresses at;

    Again(ParameterGroup group, Slot[] slots, Addresses at) {
      this.group = group;
      this.slots = slots;
      this.at = at;
    }

    @Override
    public void renew() {
      for (int i = 0; i < slots.length; i++) {
        slots[i].requireUnmoved(at, i);
      }
      update(group, slots, at);
    }

    @Override
    public void replayed() {
      advance(slots, slots.length);
    }
  }

  /**
   * State for those of the batch that have none, in one block for each kind of state: a step reads
   * it in one go, and it takes no more of the cache than it must.
   */
  private void makeStates(int count, int states, Capture capture) {
    long total = 0;
    for (int i = 0; i < count; i++) {
      total += batch[i].hasState(states) ? 0 : padded(batch[i].parameter.numel());
    }
    if (total == 0) {
      return;
    }
    if (capture != null) {
      // Each replay would begin anew, with zeros.
      throw new IllegalStateException(
          "an optimizer's first step cannot be captured, as it makes the optimizer's state; take a"
              + " step before the capture");
    }
    Tensor[] blocks = new Tensor[states];
    for (int s = 0; s < states; s++) {
      Parameter like = batch[0].parameter;
      blocks[s] = Tensor.allocate(like.dtype(), like.device(), total).zero_();
    }
    long at = 0;
    for (int i = 0; i < count; i++) {
      if (!batch[i].hasState(states)) {
        batch[i].take(blocks, at);
        at += padded(batch[i].parameter.numel());
      }
    }
  }

  /** Whole cache lines, and one more. */
  private static long padded(long numel) {
    return numel / 16 * 16 + 16;
  }

  /** How many tensors of state each parameter has; they start as zeros. */
  abstract int stateTensors();

  /**
   * Makes one step for parameters of one type and age.
   *
   * @param step counts from 1
   */
  abstract void update(ParameterGroup group, int device, DType dtype, Addresses at, long step);

  /** Frees the optimizer's state; a later step starts anew. The parameters stay. */
  @Override
  public final void close() {
    groups.forEach(group -> group.slots.forEach(Slot::clear));
  }

  static double checked(String what, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException("Invalid " + what + ": " + value);
    }
    return value;
  }

  /** Where the tensors of one native call are; kept between steps. */
  static final class Addresses {
    final long[] numels;
    final long[] parameters;
    final long[] gradients;
    final long[][] states;

    Addresses(int count, int states) {
      numels = new long[count];
      parameters = new long[count];
      gradients = new long[count];
      this.states = new long[states][count];
    }
  }

  /** A parameter with its state. */
  static final class Slot {
    final Parameter parameter;
    private Tensor[] state = {};
    private long steps;
    private boolean waits;

    Slot(Parameter parameter) {
      this.parameter = parameter;
    }

    private boolean isLike(Slot other) {
      return parameter.dtype() == other.parameter.dtype()
          && parameter.device() == other.parameter.device()
          && steps == other.steps;
    }

    private boolean hasState(int states) {
      return state.length == states && (states == 0 || state[0].dtype() == parameter.dtype());
    }

    /** State goes where its parameter went. */
    private void follow() {
      for (int s = 0; s < state.length; s++) {
        if (state[s].device() != parameter.device()) {
          Tensor old = state[s];
          state[s] = old.to(parameter.device()).keep();
          old.close();
        }
      }
    }

    private void take(Tensor[] blocks, long at) {
      clear();
      state = new Tensor[blocks.length];
      for (int s = 0; s < blocks.length; s++) {
        state[s] = blocks[s].narrow(0, at, parameter.numel()).keep();
      }
    }

    private void write(Addresses at, int i) {
      at.numels[i] = parameter.numel();
      at.parameters[i] = parameter.address();
      at.gradients[i] = parameter.grad().contiguous().address();
      for (int s = 0; s < state.length; s++) {
        at.states[s][i] = state[s].address();
      }
    }

    /** A graph writes where these tensors were. */
    private void requireUnmoved(Addresses at, int i) {
      boolean same = parameter.address() == at.parameters[i] && state.length == at.states.length;
      for (int s = 0; same && s < state.length; s++) {
        same = state[s].address() == at.states[s][i];
      }
      if (!same) {
        throw new IllegalStateException(
            "a parameter of shape "
                + parameter.shape()
                + " or the optimizer's state for it moved or was closed after the graph was"
                + " captured; capture the graph again");
      }
    }

    private void clear() {
      for (Tensor tensor : state) {
        if (tensor != null) {
          tensor.close();
        }
      }
      state = new Tensor[0];
      steps = 0;
    }
  }
}
