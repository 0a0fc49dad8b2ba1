package dev.talus.autograd;

import dev.talus.Scoped;
import dev.talus.Tensor;
import dev.talus.memory.LeakDetector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
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

  private final long sequence;
  private final Node[] next;
  private final long[][] inputSizes;
  private final boolean[] needs;
  private final List<SavedTensor> saved = new ArrayList<>(2);
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
    next = new Node[inputs.length];
    inputSizes = new long[inputs.length][];
    needs = new boolean[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      if (inputs[i] != null) {
        next[i] = inputs[i].gradEdge();
        inputSizes[i] = inputs[i].sizes();
        needs[i] = next[i] != null;
      }
    }
  }

  /** For AccumulateGrad: no edges, ordered after every computing node. */
  Node(long sequence) {
    this.sequence = sequence;
    next = new Node[0];
    inputSizes = new long[0][];
    needs = new boolean[0];
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
    saved.add(tensor == null ? null : new SavedTensor(tensor, false));
  }

  /**
   * Keeps the op's output for the backward rule. Outputs are saved before inputs.
   *
   * @param tensor the output
   */
  protected final void saveOutput(Tensor tensor) {
    holds = true;
    saved.add(outputs++, new SavedTensor(tensor, true));
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

  /**
   * A saved tensor.
   *
   * @param i its place in the order of {@link #saveOutput} calls, then {@link #save} calls
   * @return the tensor with its history, owned by the current scope; null if null was saved
   * @throws IllegalStateException if it was freed by an earlier backward, or changed in place
   */
  protected final Tensor saved(int i) {
    SavedTensor tensor = saved.get(i);
    return tensor == null ? null : tensor.unpack(this, i < outputs);
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

  final List<UnaryOperator<Tensor>> hooks() {
    return hooks == null ? List.of() : List.copyOf(hooks);
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
    for (SavedTensor tensor : saved) {
      if (tensor != null) {
        tensor.release();
      }
    }
    if (net != null) {
      net.close();
      net = null;
    }
  }

  @Override
  protected final void leaveScopes() {
    List<SavedTensor> held = saved;
    net =
        LeakDetector.watch(
            this,
            () -> {
              for (SavedTensor tensor : held) {
                if (tensor != null) {
                  tensor.release();
                }
              }
            },
            LeakDetector.created(name()));
  }

  @Override
  protected final void releaseFromScope() {
    releaseSaved();
  }

  /** PyTorch's text, such as {@code <AddmmBackward object at 0x000000005CAB15E1>}. */
  @Override
  public final String toString() {
    return String.format("<%s object at 0x%016X>", name(), System.identityHashCode(this));
  }
}
