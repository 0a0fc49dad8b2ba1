package dev.talus.autograd;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Runs a graph backwards.
 *
 * <p>A node's consumers were always created after it, so taking nodes by falling sequence number is
 * a topological order: when a node comes up, every gradient that flows into it has arrived. The
 * queue holds gradients, not nodes; those for one node come out next to each other, in order of
 * arrival, and are added there.
 */
final class Engine {
  private final boolean retainGraph;
  private final boolean createGraph;
  // Null: accumulate into leaves. Else: the gradients asked for, and the nodes on the way to them.
  private final Map<Node, Tensor> captures;
  private final Set<Node> wanted;
  private final PriorityQueue<Arrival> queue = new PriorityQueue<>();
  private int arrivals;

  private Engine(boolean retainGraph, boolean createGraph, Map<Node, Tensor> captures, Node root) {
    this.retainGraph = retainGraph;
    this.createGraph = createGraph;
    this.captures = captures;
    this.wanted = captures == null ? null : leadingTo(captures.keySet(), root);
  }

  /** A gradient waiting for its node. */
  private final class Arrival implements Comparable<Arrival> {
    final Node node;
    final Tensor grad;
    final int order = arrivals++;

    Arrival(Node node, Tensor grad) {
      this.node = node;
      this.grad = grad;
    }

    @Override
    public int compareTo(Arrival other) {
      int bySequence = Long.compare(other.node.sequence(), node.sequence());
      return bySequence != 0 ? bySequence : Integer.compare(order, other.order);
    }
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
        captures.values().stream().filter(t -> t != null).forEach(Tensor::close);
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
      send(root.gradEdge(), grad);
      while (!queue.isEmpty()) {
        Arrival first = queue.poll();
        Tensor sum = first.grad;
        while (!queue.isEmpty() && queue.peek().node == first.node) {
          sum = add(sum, queue.poll().grad);
        }
        visit(first.node, sum);
      }
    } finally {
      Autograd.setGradEnabled(mode);
      queue.forEach(arrival -> arrival.grad.close());
    }
  }

  private void send(Node node, Tensor grad) {
    queue.add(new Arrival(node, grad));
  }

  private Tensor add(Tensor a, Tensor b) {
    try (Scope scope = Scope.open()) {
      return handOver(scope, Gradients.add(a, b, createGraph));
    }
  }

  /** Runs one node; takes over {@code grad}. */
  private void visit(Node node, Tensor grad) {
    Tensor current = grad;
    try (Scope scope = Scope.open()) {
      for (UnaryOperator<Tensor> hook : node.hooks()) {
        current = replaced(scope, current, hook.apply(current));
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
      runRule(scope, node, current);
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

  private void runRule(Scope scope, Node node, Tensor grad) {
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
    for (int i = 0; i < results.length; i++) {
      if (!needs[i] || results[i] == null) {
        continue;
      }
      Tensor result = Gradients.sumTo(results[i], node.inputSizes(i));
      // A rule may return its argument, one tensor twice, or something it keeps: alias those.
      boolean mine = scope.owns(result) && !repeated(results, i);
      send(node.next(i), handOver(scope, mine ? result : result.alias()));
    }
  }

  private static boolean repeated(Tensor[] results, int i) {
    for (int j = i + 1; j < results.length; j++) {
      if (results[j] == results[i]) {
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
