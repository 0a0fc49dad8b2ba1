package dev.talus.parity;

import dev.talus.tests.ops.OpRow;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/** libtorch's function for every row of the op table. */
final class TorchOps {
  /** Functions by name; each name is used once. */
  static final class Table {
    private final Map<String, Function<Tensor[], Tensor>> ops = new HashMap<>();

    /** A function of any number of tensors. */
    Table op(String name, Function<Tensor[], Tensor> op) {
      if (ops.put(name, op) != null) {
        throw new IllegalStateException("libtorch's function " + name + " is listed twice");
      }
      return this;
    }

    /** A function of one tensor. */
    Table unary(String name, UnaryOperator<Tensor> op) {
      return op(name, t -> op.apply(t[0]));
    }

    /** A function of two tensors. */
    Table binary(String name, BinaryOperator<Tensor> op) {
      return op(name, t -> op.apply(t[0], t[1]));
    }
  }

  private static final Map<String, Function<Tensor[], Tensor>> OPS = table().ops;

  private TorchOps() {}

  private static Table table() {
    Table table = new Table();
    TorchElementwise.addTo(table);
    TorchInPlace.addTo(table);
    TorchShapes.addTo(table);
    TorchSums.addTo(table);
    TorchImages.addTo(table);
    TorchLayers.addTo(table);
    return table;
  }

  /** The name under which a row's function is listed: what the row says, or else its own name. */
  static String nameFor(OpRow row) {
    return row.torch().isEmpty() ? row.name() : row.torch();
  }

  /** libtorch's function for a row. */
  static Function<Tensor[], Tensor> of(OpRow row) {
    return named(nameFor(row));
  }

  /** A function of libtorch. */
  static Function<Tensor[], Tensor> named(String name) {
    Function<Tensor[], Tensor> op = OPS.get(name);
    if (op == null) {
      throw new AssertionError("no libtorch function is listed for the op " + name);
    }
    return op;
  }

  /** The names of all functions. */
  static Set<String> names() {
    return OPS.keySet();
  }
}
