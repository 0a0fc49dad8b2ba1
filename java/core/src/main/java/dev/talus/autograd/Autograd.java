package dev.talus.autograd;

import dev.talus.Tensor;
import dev.talus.internal.Context;
import java.util.function.UnaryOperator;

/** Recording on and off, and gradients as values: the functions of {@code torch.autograd}. */
public final class Autograd {
  private Autograd() {}

  /** The end of a stretch of code in which recording was switched; close it to restore. */
  public static final class GradMode implements AutoCloseable {
    private final boolean before;

    private GradMode(boolean enabled) {
      before = setGradEnabled(enabled);
    }

    /** Restores what was in force before. */
    @Override
    public void close() {
      Context.get().gradEnabled = before;
    }
  }

  /**
   * Stops recording on this thread until closed: {@code try (var g = Autograd.noGrad()) { … }}.
   *
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.no_grad.html">no_grad</a>
   */
  public static GradMode noGrad() {
    return new GradMode(false);
  }

  /** Records on this thread until closed, inside a {@link #noGrad}. */
  public static GradMode enableGrad() {
    return new GradMode(true);
  }

  /** Whether operations of this thread are recorded. */
  public static boolean isGradEnabled() {
    return Context.get().gradEnabled;
  }

  static boolean setGradEnabled(boolean enabled) {
    Context context = Context.get();
    boolean before = context.gradEnabled;
    context.gradEnabled = enabled;
    return before;
  }

  /**
   * Whether an op on these inputs needs a node: recording is on and one requires a gradient.
   *
   * @param a an input, or null
   */
  public static boolean records(Tensor a) {
    return requiresGrad(a) && isGradEnabled();
  }

  /**
   * Whether an op on these inputs needs a node.
   *
   * @param a an input, or null
   * @param b an input, or null
   */
  public static boolean records(Tensor a, Tensor b) {
    return (requiresGrad(a) || requiresGrad(b)) && isGradEnabled();
  }

  /**
   * Whether an op on these inputs needs a node.
   *
   * @param a an input, or null
   * @param b an input, or null
   * @param c an input, or null
   */
  public static boolean records(Tensor a, Tensor b, Tensor c) {
    return (requiresGrad(a) || requiresGrad(b) || requiresGrad(c)) && isGradEnabled();
  }

  private static boolean requiresGrad(Tensor x) {
    return x != null && x.requiresGrad();
  }

  /**
   * Adds the gradient of a tensor to the {@code grad()} of the leaves it was computed from.
   *
   * @param root the tensor to differentiate
   * @param grad gradient of the final value with respect to root; null for 1, if root is a scalar
   * @param retainGraph keep the saved tensors, to run through the graph again
   * @param createGraph record this computation too, for second derivatives
   * @throws IllegalStateException if root needs no gradient, is not a scalar while grad is null, or
   *     its graph was freed
   */
  public static void backward(Tensor root, Tensor grad, boolean retainGraph, boolean createGraph) {
    Engine.backward(root, Engine.seed(root, grad), retainGraph || createGraph, createGraph);
  }

  /**
   * The gradients of a tensor with respect to some inputs, as new tensors; no {@code grad()}
   * changes.
   *
   * @param root the tensor to differentiate
   * @param inputs leaves or intermediates that require a gradient
   * @param grad gradient of the final value with respect to root; null for 1, if root is a scalar
   * @param retainGraph keep the saved tensors, to run through the graph again
   * @param createGraph record this computation too, for second derivatives
   * @return one gradient for each input
   * @throws IllegalStateException if an input was not used to compute root
   * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html">grad</a>
   */
  public static Tensor[] grad(
      Tensor root, Tensor[] inputs, Tensor grad, boolean retainGraph, boolean createGraph) {
    for (int i = 0; i < inputs.length; i++) {
      if (!inputs[i].requiresGrad()) {
        throw new IllegalStateException(
            "One of the differentiated Tensors (" + i + ") does not require grad");
      }
    }
    return Engine.grad(
        root, Engine.seed(root, grad), inputs, retainGraph || createGraph, createGraph);
  }

  /** {@link #grad(Tensor, Tensor[], Tensor, boolean, boolean)} of a scalar. */
  public static Tensor[] grad(Tensor root, Tensor... inputs) {
    return grad(root, inputs, null, false, false);
  }

  /** A hook's registration; close it to remove the hook. */
  public static final class RemovableHandle implements AutoCloseable {
    private final Node node;
    private final UnaryOperator<Tensor> hook;

    private RemovableHandle(Node node, UnaryOperator<Tensor> hook) {
      this.node = node;
      this.hook = hook;
    }

    /** Removes the hook. */
    @Override
    public void close() {
      node.removeHook(hook);
    }
  }

  /**
   * Calls a function with the gradient of a tensor each time one is computed; what it returns takes
   * the gradient's place, null leaves it.
   *
   * @param tensor a tensor that requires a gradient
   * @param hook the function
   * @throws IllegalStateException if the tensor requires no gradient
   */
  public static RemovableHandle registerHook(Tensor tensor, UnaryOperator<Tensor> hook) {
    if (!tensor.requiresGrad()) {
      throw new IllegalStateException(
          "cannot register a hook on a tensor that doesn't require gradient");
    }
    Node node = tensor.gradEdge();
    node.addHook(hook);
    return new RemovableHandle(node, hook);
  }
}
