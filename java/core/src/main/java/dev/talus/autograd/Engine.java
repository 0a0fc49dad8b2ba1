package dev.talus.autograd;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.internal.Context;
import dev.talus.ops.Placement;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Runs a graph backwards.
 *
 * <p>A node's consumers were always created after it, so taking nodes by falling sequence number is
 * a topological order: when a node comes up, every gradient that flows into it has arrived. The
 * queue holds gradients, not nodes; those for one node come out next to each other, in order of
 * arrival, and are added there. Nothing about a run is kept in the nodes, which other threads may
 * run through at the same time.
 */
final class Engine {
  private final boolean retainGraph;
  private final boolean createGraph;
  // Null: accumulate into leaves. Else: the gradients asked for, and the nodes on the way to them.
  private final Map<Node, Tensor> captures;
  private final Set<Node> wanted;
  private final GradientQueue queue;

  private Engine(boolean retainGraph, boolean createGraph, Map<Node, Tensor> captures, Node root) {
    this.retainGraph = retainGraph;
    this.createGraph = createGraph;
    this.captures = captures;
    this.wanted = captures == null ? null : leadingTo(captures.keySet(), root);
    // A hook may start a run inside this one, which then finds no spare queue.
    Context context = Context.get();
    queue = context.spareQueue == null ? new GradientQueue() : (GradientQueue) context.spareQueue;
    context.spareQueue = null;
  }

  /** Accumulates gradients into the leaves; takes over {@code grad}. */
  static void backward(Tensor root, Tensor grad, boolean retainGraph, boolean createGraph) {
    new Engine(retainGraph, createGraph, null, root.gradEdge()).run(root, grad);
  }

  /** Gradients with respect to the inputs; accumulates nowhere. Takes over {@code grad}. */
  static Tensor[] grad(
      Tensor root, Tensor grad, Tensor[] inputs, boolean retainGraph, boolean createGraph) {
    Map<Node, Tensor> captures = new IdentityHashMap<>();
    for (Tensor input : inputs) {
      captures.put(input.gradEdge(), null);
    }
    new Engine(retainGraph, createGraph, captures, root.gradEdge()).run(root, grad);
    Tensor[] grads = new Tensor[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      Tensor captured = captures.get(inputs[i].gradEdge());
      if (captured == null) {
        for (Tensor found : captures.values()) {
          if (found != null) {
            found.close();
          }
        }
        throw new IllegalStateException(
            "One of the differentiated Tensors ("
                + i
                + ") appears to not have been used in the graph");
      }
      grads[i] = captured.alias();
    }
    captures.values().forEach(Tensor::close);
    return grads;
  }

  private void run(Tensor root, Tensor grad) {
    boolean mode = Autograd.setGradEnabled(createGraph);
    try {
      queue.add(root.gradEdge(), grad);
      while (!queue.isEmpty()) {
        Node node = queue.peek();
        Tensor sum = queue.poll();
        while (!queue.isEmpty() && queue.peek() == node) {
          Tensor next = queue.poll();
          sum = sum == null ? next : next == null ? sum : add(sum, next);
        }
        if (sum != null) {
          visit(node, sum);
        } else if (!retainGraph) {
          node.releaseSaved();
        }
      }
    } finally {
      Autograd.setGradEnabled(mode);
      queue.clear();
      Context.get().spareQueue = queue;
    }
  }

  private Tensor add(Tensor a, Tensor b) {
    try (Scope scope = Scope.open()) {
      return handOver(scope, Gradients.add(a, b, createGraph));
    }
  }

  /** Runs one node; takes over {@code grad}. */
  private void visit(Node node, Tensor grad) {
    List<UnaryOperator<Tensor>> hooks = node.hooks();
    if (hooks == null && captures == null && node instanceof AccumulateGrad) {
      // Nothing can come between, so that no scope is needed.
      ((AccumulateGrad) node).accumulate(grad, createGraph);
      return;
    }
    Tensor current = grad;
    try (Scope scope = Scope.open()) {
      if (hooks != null) {
        for (UnaryOperator<Tensor> hook : hooks) {
          current = replaced(scope, current, hook.apply(current));
        }
      }
      if (captures != null && captures.containsKey(node)) {
        captures.put(node, current.alias().disown());
      }
      if (node instanceof AccumulateGrad) {
        if (captures == null) {
          Tensor arrived = current;
          current = null;
          ((AccumulateGrad) node).accumulate(arrived, createGraph);
        }
        return;
      }
      if (wanted != null && !wanted.contains(node)) {
        return;
      }
      if (runRule(scope, node, current)) {
        current = null;
      }
      if (!retainGraph) {
        node.releaseSaved();
      }
    } finally {
      if (current != null) {
        current.close();
      }
    }
  }

  private Tensor replaced(Scope scope, Tensor old, Tensor hooked) {
    if (hooked == null || hooked == old) {
      return old;
    }
    if (!Arrays.equals(hooked.sizes(), old.sizes())) {
      throw new IllegalStateException(
          "hook has changed the size of value: expected shape "
              + old.shape()
              + ", got "
              + hooked.shape());
    }
    Tensor mine = handOver(scope, hooked.alias());
    old.close();
    return mine;
  }

  /** Sends the gradients of a node's inputs; whether {@code grad} itself was sent on. */
  private boolean runRule(Scope scope, Node node, Tensor grad) {
    if (captures == null && !createGraph && passesThrough(scope, node, grad)) {
      return false;
    }
    boolean[] needs = wanted == null ? node.needs() : neededFor(node);
    Tensor[] results = node.backward(grad, needs);
    if (results.length != node.inputs()) {
      throw new IllegalStateException(
          node.name()
              + " returned "
              + results.length
              + " gradients, expected one for each of its "
              + node.inputs()
              + " inputs");
    }
    boolean moved = false;
    for (int i = 0; i < results.length; i++) {
      if (!needs[i] || results[i] == null) {
        continue;
      }
      Tensor result = Gradients.sumTo(results[i], node.inputSizes(i));
      boolean repeated = repeated(results, needs, i);
      if (result == grad && !repeated) {
        // The rule's argument passes through: the handle moves on.
        queue.add(node.next(i), grad);
        moved = true;
        continue;
      }
      // A rule may return one tensor twice, or something it keeps: alias those.
      boolean mine = scope.owns(result) && !repeated;
      queue.add(node.next(i), handOver(scope, mine ? result : result.alias()));
    }
    return moved;
  }

  /** Runs a node's rule together with that of the node before it, if they can and nobody looks. */
  private boolean passesThrough(Scope scope, Node node, Tensor grad) {
    Node previous = node.inputs() == 1 ? node.next(0) : null;
    if (previous == null
        || previous.inputs() != 1
        || previous.next(0) == null
        || previous.hasHooks()
        || !previous.isIntact()) {
      return false;
    }
    Tensor result = node.backwardThrough(grad, previous);
    if (result == null) {
      return false;
    }
    queue.add(previous.next(0), handOver(scope, result));
    // Other gradients may still arrive there; if not, what it saved is freed.
    queue.add(previous, null);
    return true;
  }

  /** Whether a later input gets the same tensor, perhaps summed down from there. */
  private static boolean repeated(Tensor[] results, boolean[] needs, int i) {
    for (int j = i + 1; j < results.length; j++) {
      if (results[j] == results[i] && needs[j]) {
        return true;
      }
    }
    return false;
  }

  private boolean[] neededFor(Node node) {
    boolean[] needs = node.needs().clone();
    for (int i = 0; i < needs.length; i++) {
      needs[i] &= wanted.contains(node.next(i)) || captures.containsKey(node.next(i));
    }
    return needs;
  }

  /** Takes a gradient out of the scope of the rule that made it; its graph goes one scope up. */
  private Tensor handOver(Scope scope, Tensor grad) {
    return (createGraph ? scope.escape(grad) : grad).disown();
  }

  /** The nodes with a path to one of the targets, found in one walk from the root. */
  private static Set<Node> leadingTo(Set<Node> targets, Node root) {
    Set<Node> leading = Collections.newSetFromMap(new IdentityHashMap<>());
    Set<Node> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    ArrayDeque<Node> stack = new ArrayDeque<>();
    stack.push(root);
    while (!stack.isEmpty()) {
      Node node = stack.peek();
      boolean first = seen.add(node);
      for (Node next : node.nextFunctions()) {
        if (next == null) {
          continue;
        }
        if (first && !seen.contains(next)) {
          stack.push(next);
        } else if (targets.contains(next) || leading.contains(next)) {
          leading.add(node);
        }
      }
      if (!first) {
        stack.pop();
      }
    }
    return leading;
  }

  /** The gradient a backward starts from, owned by the caller: ones for a scalar, else given. */
  static Tensor seed(Tensor root, Tensor grad) {
    if (!root.requiresGrad()) {
      throw new IllegalStateException(
          "element 0 of tensors does not require grad and does not have a grad_fn");
    }
    if (grad == null) {
      if (root.numel() != 1) {
        throw new IllegalStateException(
            "grad can be implicitly created only for scalar outputs, but this tensor has shape "
                + root.shape()
                + "; call backward(gradient) with a gradient of that shape");
      }
      return Tensor.onesLike(root).disown();
    }
    Placement.same(root, grad);
    if (!Arrays.equals(grad.sizes(), root.sizes())) {
      throw new IllegalArgumentException(
          "Mismatch in shape: the gradient has a shape of "
              + grad.shape()
              + " and the output has a shape of "
              + root.shape());
    }
    DType type = root.dtype();
    if (grad.dtype() != type) {
      throw new IllegalArgumentException(
          "the gradient has dtype " + grad.dtype() + ", but the output has " + type);
    }
    return grad.alias().disown();
  }
}
