package dev.talus.internal.print;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Prints modules as {@code torch.nn.Module.__repr__} does: {@code ReLU()}, {@code
 * Linear(in_features=4, out_features=2, bias=True)}, and one indented line per child for a module
 * that has children.
 */
public final class ModulePrinter {

  private ModulePrinter() {}

  /**
   * Prints a module.
   *
   * @param name the name of the module's class
   * @param extraRepr what the module says of itself, possibly several lines; empty for nothing
   * @param children the children in order, each as its key and its own text ({@code "None"} for a
   *     child that is registered but absent)
   * @return the text, without a line break at the end
   */
  public static String format(
      String name, String extraRepr, List<Map.Entry<String, String>> children) {
    List<String> lines = new ArrayList<>();
    if (!extraRepr.isEmpty()) {
      lines.addAll(List.of(extraRepr.split("\n", -1)));
    }
    if (children.isEmpty() && lines.size() <= 1) {
      return name + "(" + extraRepr + ")";
    }
    for (Map.Entry<String, String> child : children) {
      lines.add("(" + child.getKey() + "): " + child.getValue().replace("\n", "\n  "));
    }
    return name + "(\n  " + String.join("\n  ", lines) + "\n)";
  }
}
