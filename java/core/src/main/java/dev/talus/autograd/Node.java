package dev.talus.autograd;

import dev.talus.Scoped;
import dev.talus.Tensor;
import dev.talus.memory.LeakDetector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;

/**
 * One operation in the graph that {@code backward()} walks. An op is one subclass: a static method
 * that checks shapes, computes, and where a gradient is wanted creates the node, and {@link
 * #backward}, which turns the gradient of the output into gradients of the inputs.
 *
 * <pre>{@code
 * Tensor out = ...;                       // the forward kernel
 * if (Autograd.records(a, b)) {
 *   Mul node = new Mul(a, b);             // edges to the inputs
 *   node.save(a);                         // what the rule will need
 *   node.save(b);
 *   node.record(out);                     // out.gradFn() is the node now
 * }
 * }</pre>
 */
public abstract class Node extends Scoped {
  private static final AtomicLong SEQUENCE = new AtomicLong();
  private static final SavedTensor[] NOTHING = {};
  private static final boolean[][] ALL_NEEDED = {{}, {true}, {true, true}, {true, true, true}};

  private final long sequence;
  private final Node[] next;
  private final long[][] inputSizes;
  private final boolean[] needs;
  private SavedTensor[] saved = NOTHING;
  private int places;
  private int outputs;
  private boolean holds;
  private List<UnaryOperator<Tensor>> hooks;
  private LeakDetector.Net net;

  /**
   * A node with edges to the inputs that require a gradient.
   *
   * @param inputs the op's tensor inputs, in PyTorch's order; null for an absent one
   */
  protected Node(Tensor... inputs) {
    sequence = SEQUENCE.getAndIncrement();
    int count = inputs.length;
    next = new Node[count];
    inputSizes = new long[count][];
    int needed = 0;
    for (int i = 0; i < count; i++) {
      if (inputs[i] != null) {
        next[i] = inputs[i].gradEdge();
        inputSizes[i] = inputs[i].sizes();
        needed += next[i] != null ? 1 : 0;
      }
    }
    needs = needed == count && count < ALL_NEEDED.length ? ALL_NEEDED[count] : needs(next);
  }

  /**
   * A node whose only input is what another node computed, where no tensor of it was ever made.
   *
   * @param input the node that computed the input
   * @param inputSizes the sizes of the input
   */
  protected Node(Node input, long[] inputSizes) {
    sequence = SEQUENCE.getAndIncrement();
    next = new Node[] {input};
    this.inputSizes = new long[][] {inputSizes};
    needs = ALL_NEEDED[1];
  }

  private static boolean[] needs(Node[] next) {
    boolean[] needs = new boolean[next.length];
    for (int i = 0; i < next.length; i++) {
      needs[i] = next[i] != null;
    }
    return needs;
  }

  /** For AccumulateGrad: no edges, ordered after every computing node. */
  Node(long sequence) {
    this.sequence = sequence;
    next = new Node[0];
    inputSizes = new long[0][];
    needs = ALL_NEEDED[0];
  }

  /**
   * The op's gradient rule. It returns gradients and never adds them up: the engine does that, and
   * sums a gradient down to its input's shape where the forward broadcast.
   *
   * @param grad gradient of the output, of the output's shape
   * @param needs which inputs need a gradient; the others may be returned as null
   * @return one gradient for each input, in the constructor's order
   */
  protected abstract Tensor[] backward(Tensor grad, boolean[] needs);

  /**
   * The rules of this node and of the one its only input came from, at once. The engine asks where
   * nobody can see the gradient in between.
   *
   * @param grad gradient of the output, of the output's shape
   * @param previous the node that computed the input; it has one input as well
   * @return a new tensor, the gradient of that node's input; null, the default, to go step by step
   */
  protected Tensor backwardThrough(Tensor grad, Node previous) {
    return null;
  }

  /** PyTorch's name of this node, such as {@code AddmmBackward}. */
  public String name() {
    return getClass().getSimpleName() + "Backward";
  }

  /**
   * The nodes the gradients flow into next, one for each input in order; null where an input needs
   * no gradient. PyTorch pairs each with an output number, which is always 0 here.
   */
  public final List<Node> nextFunctions() {
    return Collections.unmodifiableList(Arrays.asList(next));
  }

  /**
   * Keeps an input for the backward rule, which gets it back with {@link #saved}.
   *
   * @param tensor an input of this op; null to keep the place empty
   */
  protected final void save(Tensor tensor) {
    holds |= tensor != null;
    place(places, tensor == null ? null : new SavedTensor(tensor, false));
  }

  /**
   * Keeps the op's output for the backward rule. Outputs are saved before inputs.
   *
   * @param tensor the output
   */
  protected final void saveOutput(Tensor tensor) {
    holds = true;
    place(outputs++, new SavedTensor(tensor, true));
  }

  private void place(int at, SavedTensor tensor) {
    if (places == saved.length) {
      saved = Arrays.copyOf(saved, places == 0 ? 2 : 2 * places);
    }
    System.arraycopy(saved, at, saved, at + 1, places - at);
    saved[at] = tensor;
    places++;
  }

  /**
   * Makes this node the history of an op's output.
   *
   * @param out the output
   * @return the output
   */
  protected final Tensor record(Tensor out) {
    out.autogradMeta().setHistory(this);
    if (holds) {
      enterScope();
    }
    return out;
  }

  /** Like {@link #record} for an output of which no tensor is made: its consumer follows. */
  protected final void recordUnseen() {
    if (holds) {
      enterScope();
    }
  }

  /**
   * A saved tensor.
   *
   * @param i its place in the order of {@link #saveOutput} calls, then {@link #save} calls
   * @return the tensor with its history, owned by the current scope; null if null was saved
   * @throws IllegalStateException if it was freed by an earlier backward, or changed in place
   */
  protected final Tensor saved(int i) {
    SavedTensor tensor = saved[i];
    return tensor == null ? null : tensor.unpack(this, i < outputs);
  }

  /** Whether a saved tensor, by its place, is neither freed nor changed. */
  protected final boolean isIntact(int i) {
    return saved[i] == null || saved[i].isIntact();
  }

  /** Whether all saved tensors are neither freed nor changed. */
  final boolean isIntact() {
    for (int i = 0; i < places; i++) {
      if (!isIntact(i)) {
        return false;
      }
    }
    return true;
  }

  /** The sizes of an input at the time of the forward. */
  protected final long[] inputSizes(int i) {
    return inputSizes[i];
  }

  /** Adds a function that sees, and may replace, the gradient arriving at this node. */
  final void addHook(UnaryOperator<Tensor> hook) {
    if (hooks == null) {
      hooks = new ArrayList<>(1);
    }
    hooks.add(hook);
  }

  final void removeHook(UnaryOperator<Tensor> hook) {
    hooks.remove(hook);
  }

  final boolean hasHooks() {
    return hooks != null && !hooks.isEmpty();
  }

  /** A copy of the hooks, or null if there are none. */
  final List<UnaryOperator<Tensor>> hooks() {
    return hooks == null ? null : List.copyOf(hooks);
  }

  /** This node's place in the order of creation; negative for AccumulateGrad. */
  public final long sequence() {
    return sequence;
  }

  /** The place the next node will get. */
  public static long nextSequence() {
    return SEQUENCE.get();
  }

  final Node next(int i) {
    return next[i];
  }

  final int inputs() {
    return next.length;
  }

  final boolean[] needs() {
    return needs;
  }

  /** Frees what was saved, at once; called after this node's backward ran. */
  final void releaseSaved() {
    forgetScope();
    release(saved);
    if (net != null) {
      net.close();
      net = null;
    }
  }

  @Override
  protected final void leaveScopes() {
    SavedTensor[] held = saved;
    net = LeakDetector.watch(this, () -> release(held), LeakDetector.created(name()));
  }

  private static void release(SavedTensor[] tensors) {
    for (SavedTensor tensor : tensors) {
      if (tensor != null) {
        tensor.release();
      }
    }
  }

  @Override
  protected final void releaseFromScope() {
    releaseSaved();
  }

  /** PyTorch's text, such as {@code <AddmmBackward object at 0x000000005CAB15E1>}. */
  @Override
  public final String toString() {
    String address =
        HexFormat.of().withUpperCase().toHexDigits((long) System.identityHashCode(this));
    return "<" + name() + " object at 0x" + address + ">";
  }
}
