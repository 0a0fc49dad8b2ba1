package dev.talus.autograd;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * Compares gradients with finite differences, as {@code torch.autograd.gradcheck} does: every entry
 * of the Jacobian, in float64, from central differences.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html">gradcheck</a>
 */
public final class GradCheck {
  private static final double EPS = 1e-6;
  private static final double ATOL = 1e-5;
  private static final double RTOL = 1e-3;

  private GradCheck() {}

  /**
   * Checks the gradients of a function with respect to those inputs that require one.
   *
   * @param function computes one floating tensor from the inputs, the same each time
   * @param inputs leaves; those that require a gradient must be float64 and contiguous
   * @throws IllegalStateException at the first entry that differs, naming it and both values
   * @throws IllegalArgumentException if no input can be checked, or one has another type
   */
  public static void check(Function<Tensor[], Tensor> function, Tensor... inputs) {
    int[] checked = differentiated(inputs);
    try (Scope scope = Scope.open()) {
      double[][][] exact = analytical(function, inputs, checked);
      for (int c = 0; c < checked.length; c++) {
        compare(function, inputs, checked[c], exact[c]);
      }
    }
  }

  /**
   * Checks the second derivatives: the gradients of a function's gradients, with respect to the
   * inputs and to the gradient that comes in.
   *
   * @param function computes one floating tensor from the inputs, the same each time
   * @param inputs leaves; those that require a gradient must be float64 and contiguous
   * @throws IllegalStateException at the first entry that differs, naming it and both values
   * @throws IllegalArgumentException if no input can be checked, or one has another type
   */
  public static void checkSecond(Function<Tensor[], Tensor> function, Tensor... inputs) {
    int[] checked = differentiated(inputs);
    try (Scope scope = Scope.open()) {
      Tensor[] withSeed = Arrays.copyOf(inputs, inputs.length + 1);
      withSeed[inputs.length] = seed(function.apply(inputs)).requiresGrad_(true);
      for (int index : checked) {
        check(all -> gradient(function, all, index), withSeed);
      }
    }
  }

  /** The gradient of one input as a function of all inputs and the incoming gradient. */
  private static Tensor gradient(Function<Tensor[], Tensor> function, Tensor[] all, int index) {
    try (Autograd.GradMode mode = Autograd.enableGrad()) {
      Tensor out = function.apply(Arrays.copyOf(all, all.length - 1));
      Tensor[] of = {all[index]};
      return Autograd.grad(out, of, all[all.length - 1], true, true)[0];
    }
  }

  /** An incoming gradient with no pattern that could hide a mistake. */
  private static Tensor seed(Tensor out) {
    double[] values = new double[Math.toIntExact(out.numel())];
    for (int i = 0; i < values.length; i++) {
      values[i] = 0.5 + Math.sin(1 + 2.4 * i);
    }
    return Tensor.of(values, values.length).reshape(out.sizes()).to(out.device()).detach();
  }

  private static int[] differentiated(Tensor[] inputs) {
    List<Integer> indices = new ArrayList<>();
    for (int i = 0; i < inputs.length; i++) {
      if (inputs[i] == null || !inputs[i].requiresGrad()) {
        continue;
      }
      if (inputs[i].dtype() != DType.FLOAT64 || !inputs[i].isContiguous()) {
        throw new IllegalArgumentException(
            "input "
                + i
                + " must be contiguous and of type torch.float64 to be compared with finite"
                + " differences, but is "
                + inputs[i].geometry().describe());
      }
      indices.add(i);
    }
    if (indices.isEmpty()) {
      throw new IllegalArgumentException(
          "gradcheck expects at least one input tensor to require gradient; call"
              + " requiresGrad_(true)");
    }
    return indices.stream().mapToInt(Integer::intValue).toArray();
  }

  /** For each checked input: a row for each output element, a column for each input element. */
  private static double[][][] analytical(
      Function<Tensor[], Tensor> function, Tensor[] inputs, int[] checked) {
    Tensor out = function.apply(inputs);
    int rows = Math.toIntExact(out.numel());
    double[][][] jacobians = new double[checked.length][rows][];
    Tensor[] of = new Tensor[checked.length];
    for (int c = 0; c < of.length; c++) {
      of[c] = inputs[checked[c]];
    }
    for (int row = 0; row < rows; row++) {
      try (Scope scope = Scope.open()) {
        double[] unit = new double[rows];
        unit[row] = 1;
        Tensor seed = Tensor.of(unit, rows).reshape(out.sizes()).to(out.device());
        Tensor[] grads = gradients(out, of, seed);
        for (int c = 0; c < of.length; c++) {
          jacobians[c][row] =
              grads[c] == null ? new double[(int) of[c].numel()] : grads[c].toDoubleArray();
        }
      }
    }
    return jacobians;
  }

  /** The gradient of each tensor, null for one the output does not depend on. */
  private static Tensor[] gradients(Tensor out, Tensor[] of, Tensor grad) {
    Set<Node> graph = Collections.newSetFromMap(new IdentityHashMap<>());
    collect(out.gradEdge(), graph);
    Tensor[] grads = new Tensor[of.length];
    for (int i = 0; i < of.length; i++) {
      if (graph.contains(of[i].gradEdge())) {
        grads[i] = Autograd.grad(out, new Tensor[] {of[i]}, grad, true, false)[0];
      }
    }
    return grads;
  }

  private static void collect(Node node, Set<Node> graph) {
    if (node != null && graph.add(node)) {
      node.nextFunctions().forEach(next -> collect(next, graph));
    }
  }

  private static void compare(
      Function<Tensor[], Tensor> function, Tensor[] inputs, int index, double[][] exact) {
    double[] values = inputs[index].toDoubleArray();
    for (int column = 0; column < values.length; column++) {
      double[] above = shifted(function, inputs, index, values, column, EPS);
      double[] below = shifted(function, inputs, index, values, column, -EPS);
      for (int row = 0; row < exact.length; row++) {
        double numerical = (above[row] - below[row]) / (2 * EPS);
        double analytical = exact[row][column];
        // Written so that NaN is refused.
        if (!(Math.abs(numerical - analytical) <= ATOL + RTOL * Math.abs(numerical))) {
          throw new IllegalStateException(
              "Jacobian mismatch for input "
                  + index
                  + ", element "
                  + column
                  + ", output element "
                  + row
                  + ": numerical "
                  + numerical
                  + ", analytical "
                  + analytical);
        }
      }
    }
  }

  /** The outputs for inputs of which one element of one is moved. */
  private static double[] shifted(
      Function<Tensor[], Tensor> function,
      Tensor[] inputs,
      int index,
      double[] values,
      int column,
      double by) {
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      double[] moved = values.clone();
      moved[column] += by;
      Tensor[] all = inputs.clone();
      all[index] =
          Tensor.of(moved, moved.length)
              .reshape(inputs[index].sizes())
              .to(inputs[index].device())
              .detach()
              .requiresGrad_(true);
      return function.apply(all).toDoubleArray();
    }
  }
}
