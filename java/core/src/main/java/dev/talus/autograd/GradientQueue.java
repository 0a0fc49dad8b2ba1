package dev.talus.autograd;

import dev.talus.Tensor;
import java.util.Arrays;

/**
 * The gradients on their way to nodes: the node that was created last comes out first, and the
 * gradients for one node in the order of arrival. A binary heap in arrays, which a thread keeps
 * between runs, so that a steady run allocates nothing here.
 */
final class GradientQueue {
  private Node[] nodes = new Node[16];
  private Tensor[] grads = new Tensor[16];
  private long[] orders = new long[16];
  private int size;
  private long arrivals;

  boolean isEmpty() {
    return size == 0;
  }

  /** The node whose gradient comes out next. */
  Node peek() {
    return nodes[0];
  }

  /** {@code grad}: null to visit the node even if nothing else arrives there. */
  void add(Node node, Tensor grad) {
    if (size == nodes.length) {
      nodes = Arrays.copyOf(nodes, 2 * size);
      grads = Arrays.copyOf(grads, 2 * size);
      orders = Arrays.copyOf(orders, 2 * size);
    }
    long order = arrivals++;
    int at = size++;
    while (at > 0) {
      int parent = (at - 1) / 2;
      if (!isBefore(node, order, parent)) {
        break;
      }
      move(parent, at);
      at = parent;
    }
    set(at, node, grad, order);
  }

  /** Takes out the gradient for {@link #peek()}. */
  Tensor poll() {
    Tensor first = grads[0];
    int last = --size;
    Node node = nodes[last];
    Tensor grad = grads[last];
    long order = orders[last];
    nodes[last] = null;
    grads[last] = null;
    if (last > 0) {
      sink(node, grad, order);
    }
    return first;
  }

  private void sink(Node node, Tensor grad, long order) {
    int at = 0;
    for (int child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && isBefore(nodes[child + 1], orders[child + 1], child)) {
        child++;
      }
      if (isBefore(node, order, child)) {
        break;
      }
      move(child, at);
      at = child;
    }
    set(at, node, grad, order);
  }

  /** Closes what is left after an error, and forgets it. */
  void clear() {
    for (int i = 0; i < size; i++) {
      if (grads[i] != null) {
        grads[i].close();
      }
      nodes[i] = null;
      grads[i] = null;
    }
    size = 0;
    arrivals = 0;
  }

  private boolean isBefore(Node node, long order, int other) {
    long sequence = nodes[other].sequence();
    return node.sequence() != sequence ? node.sequence() > sequence : order < orders[other];
  }

  private void move(int from, int to) {
    set(to, nodes[from], grads[from], orders[from]);
  }

  private void set(int at, Node node, Tensor grad, long order) {
    nodes[at] = node;
    grads[at] = grad;
    orders[at] = order;
  }
}
