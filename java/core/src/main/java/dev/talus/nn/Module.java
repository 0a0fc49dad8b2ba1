package dev.talus.nn;

import dev.talus.DType;
import dev.talus.Device;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.internal.print.ModulePrinter;
import dev.talus.ops.Epilogue;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * The base of all layers and networks: {@code torch.nn.Module} in Java. A module owns parameters,
 * buffers and child modules, which its constructor or field initialisers announce with {@code
 * register}.
 *
 * <pre>{@code
 * final class Net extends Module {
 *   private final Linear fc1 = register("fc1", new Linear(4, 8));
 *   private final Linear fc2 = register("fc2", new Linear(8, 2));
 *
 *   @Override public Tensor forward(Tensor x) {
 *     return fc2.forward(F.relu(fc1.forward(x)));
 *   }
 * }
 * }</pre>
 *
 * <p>Parameters and buffers live until {@link #close()}, whatever scopes are open. Threads may call
 * {@code forward} of one module in evaluation mode at the same time.
 *
 * @see <a href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html">Module</a>
 */
public abstract class Module implements AutoCloseable {
  private final Map<String, Parameter> parameters = new LinkedHashMap<>();
  private final Map<String, Tensor> buffers = new LinkedHashMap<>();
  private final Map<String, Module> children = new LinkedHashMap<>();
  private volatile boolean training = true;
  // Where the module was registered last; only for messages.
  private Module parent;
  private String nameInParent;

  /** A module without contents, in training mode. */
  protected Module() {}

  /**
   * Computes the module's output.
   *
   * @param x the input, a mini-batch
   * @return the output, owned by the innermost scope
   */
  public abstract Tensor forward(Tensor x);

  /**
   * An activation of what {@link #forward(Tensor)} returns, computed in one pass with the values,
   * errors and graph of the two in turn; null where this module has no such pass. For {@link
   * Sequential}.
   */
  Tensor forward(Tensor x, Epilogue activation) {
    return null;
  }

  /** What this module is as the second half of such a pass; null if it is none. */
  Epilogue asEpilogue() {
    return null;
  }

  // -------------------------------------------------------------- registration

  /**
   * Makes a module a child of this one.
   *
   * @param <M> its type
   * @param name unique in this module, not empty, without a dot
   * @param child the module, owned by this one from now on
   * @return the child
   * @throws IllegalArgumentException if the name is not allowed or taken, the child is null, or
   *     this module is part of it
   */
  protected final <M extends Module> M register(String name, M child) {
    checkName("module", name, child);
    if (child.modules().contains(this)) {
      throw new IllegalArgumentException(
          "cannot register " + name + ": this " + typeName() + " is itself a part of it");
    }
    Module added = child;
    added.parent = this;
    added.nameInParent = name;
    children.put(name, added);
    return child;
  }

  /**
   * Makes a tensor a parameter of this module: part of {@link #parameters()} and of the state.
   *
   * @param name unique in this module, not empty, without a dot
   * @param parameter the parameter, owned by this module from now on
   * @return the parameter
   * @throws IllegalArgumentException if the name is not allowed or taken, or the parameter is null
   */
  protected final Parameter register(String name, Parameter parameter) {
    checkName("parameter", name, parameter);
    parameters.put(name, parameter);
    return parameter;
  }

  /**
   * Makes a tensor part of this module's state that is not learnt.
   *
   * @param name unique in this module, not empty, without a dot
   * @param buffer the tensor, taken out of its scope and owned by this module from now on
   * @return the buffer
   * @throws IllegalArgumentException if the name is not allowed or taken, or the buffer is null
   */
  protected final Tensor registerBuffer(String name, Tensor buffer) {
    checkName("buffer", name, buffer);
    buffers.put(name, buffer.keep());
    return buffer;
  }

  private void checkName(String kind, String name, Object value) {
    String problem =
        name == null
            ? "name is null"
            : name.isEmpty()
                ? "name can't be an empty string \"\""
                : name.contains(".")
                    ? "name can't contain \".\", got: " + name
                    : value == null
                        ? name + " is null; leave out what the module does not have"
                        : isTaken(name) ? "attribute '" + name + "' already exists" : null;
    if (problem != null) {
      throw new IllegalArgumentException(
          "cannot register a " + kind + " in " + typeName() + ": " + problem);
    }
  }

  private boolean isTaken(String name) {
    return parameters.containsKey(name) || buffers.containsKey(name) || children.containsKey(name);
  }

  // -------------------------------------------------------------------- contents

  /** All parameters, this module's own first, then the children's in order; each once. */
  public final List<Parameter> parameters() {
    return List.copyOf(namedParameters().values());
  }

  /** All parameters in order by dotted name, such as {@code conv1.weight}; shared ones once. */
  public final Map<String, Parameter> namedParameters() {
    return collect((module, out) -> module.parameters.forEach(out));
  }

  /** All buffers in order; each once. */
  public final List<Tensor> buffers() {
    return List.copyOf(namedBuffers().values());
  }

  /** All buffers in order by dotted name; shared ones once. */
  public final Map<String, Tensor> namedBuffers() {
    return collect((module, out) -> module.buffers.forEach(out));
  }

  /** The direct children in order. */
  public final List<Module> children() {
    return List.copyOf(children.values());
  }

  /** The direct children in order by name. */
  public final Map<String, Module> namedChildren() {
    return Collections.unmodifiableMap(children);
  }

  /** This module and all below it, parents before children; each once. */
  public final List<Module> modules() {
    Set<Module> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    List<Module> all = new ArrayList<>();
    walk(
        "",
        (prefix, module) -> {
          if (seen.add(module)) {
            all.add(module);
          }
        });
    return Collections.unmodifiableList(all);
  }

  /** Gathers what every module of the tree offers under dotted names, first occurrences only. */
  private <T> Map<String, T> collect(BiConsumer<Module, BiConsumer<String, T>> offer) {
    Map<String, T> found = new LinkedHashMap<>();
    Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    walk(
        "",
        (prefix, module) ->
            offer.accept(
                module,
                (name, value) -> {
                  if (seen.add(value)) {
                    found.put(prefix + name, value);
                  }
                }));
    return Collections.unmodifiableMap(found);
  }

  /** Visits this module and those below it with their prefix: empty, or dotted with a last dot. */
  private void walk(String prefix, BiConsumer<String, Module> visitor) {
    visitor.accept(prefix, this);
    children.forEach((name, child) -> child.walk(prefix + name + ".", visitor));
  }

  // ------------------------------------------------------------------------ modes

  /** Puts this module and all below it into training mode. */
  public final Module train() {
    return train(true);
  }

  /**
   * Sets training or evaluation mode here and in all modules below.
   *
   * @param mode true for training
   * @return this
   */
  public final Module train(boolean mode) {
    modules().forEach(module -> module.training = mode);
    return this;
  }

  /** Puts this module and all below it into evaluation mode. */
  public final Module eval() {
    return train(false);
  }

  /** Whether this module is in training mode, as it is when new. */
  public final boolean isTraining() {
    return training;
  }

  /** Drops the gradients of all parameters; {@code grad()} is null afterwards, as in PyTorch. */
  public final void zeroGrad() {
    for (Parameter parameter : parameters()) {
      parameter.setGrad(null);
    }
  }

  /**
   * Turns the gradients of all parameters on or off, to freeze a part of a network.
   *
   * @param value whether gradients are wanted
   * @return this
   */
  public final Module requiresGrad_(boolean value) {
    parameters().forEach(parameter -> parameter.requiresGrad_(value));
    return this;
  }

  /**
   * Calls a function with every module below this one and with this one, children first.
   *
   * @param function for example an initialiser that looks for {@code Linear}
   * @return this
   */
  public final Module apply(Consumer<Module> function) {
    children.values().forEach(child -> child.apply(function));
    function.accept(this);
    return this;
  }

  /**
   * Converts all floating parameters, their gradients and floating buffers in place.
   *
   * @param dtype float32 or float64
   * @return this
   * @throws IllegalArgumentException if dtype is not a floating type
   */
  public final Module to(DType dtype) {
    if (!dtype.isFloating()) {
      throw new IllegalArgumentException(
          "Module.to only accepts floating point dtypes, but got desired dtype=" + dtype);
    }
    return replaceAll(tensor -> tensor.dtype().isFloating() ? tensor.to(dtype) : tensor);
  }

  /**
   * Moves all parameters, their gradients and buffers to a device. The objects stay the same, so an
   * optimizer made before goes on with them.
   *
   * @param device where
   * @return this
   */
  public final Module to(Device device) {
    return replaceAll(tensor -> tensor.to(device));
  }

  /** Gives all tensors the values a function makes of them; it returns what may stay. */
  private Module replaceAll(UnaryOperator<Tensor> function) {
    try (Scope scope = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      for (Collection<? extends Tensor> tensors : List.of(parameters(), buffers())) {
        for (Tensor tensor : tensors) {
          Tensor values = tensor.detach();
          Tensor replaced = function.apply(values);
          if (replaced != values) {
            Tensor grad = tensor.grad() == null ? null : function.apply(tensor.grad()).keep();
            tensor.setData(replaced);
            tensor.setGrad(grad);
          }
        }
      }
    }
    return this;
  }

  // ------------------------------------------------------------------------ state

  /**
   * All parameters and buffers by dotted name, in order; a shared one under each of its names. The
   * tensors are detached views of the module's own memory: writing to them changes the module. They
   * belong to the innermost scope.
   *
   * @return a new map
   */
  public final Map<String, Tensor> stateDict() {
    Map<String, Tensor> state = new LinkedHashMap<>();
    tensors().forEach((name, tensor) -> state.put(name, tensor.detach()));
    return state;
  }

  /** Every parameter and buffer under every name, not detached. */
  private Map<String, Tensor> tensors() {
    Map<String, Tensor> all = new LinkedHashMap<>();
    walk(
        "",
        (prefix, module) -> {
          module.parameters.forEach((name, tensor) -> all.put(prefix + name, tensor));
          module.buffers.forEach((name, tensor) -> all.put(prefix + name, tensor));
        });
    return all;
  }

  /**
   * What a state and a module did not have in common.
   *
   * @param missing names the module has and the state lacks
   * @param unexpected names the state has and the module lacks
   */
  public record KeyDifference(List<String> missing, List<String> unexpected) {}

  /**
   * Copies a state into this module; the names must be exactly the module's.
   *
   * @param state tensors by dotted name
   * @throws IllegalArgumentException listing every missing and unexpected key and every shape that
   *     does not fit; nothing was copied then
   */
  public final void loadStateDict(Map<String, Tensor> state) {
    loadStateDict(state, true);
  }

  /**
   * Copies a state into this module.
   *
   * @param state tensors by dotted name
   * @param strict whether missing and unexpected keys are errors; shapes must always fit
   * @return the missing and unexpected keys
   * @throws IllegalArgumentException listing all that does not fit; nothing was copied then
   */
  public final KeyDifference loadStateDict(Map<String, Tensor> state, boolean strict) {
    Map<String, Tensor> own = tensors();
    KeyDifference keys =
        new KeyDifference(without(own.keySet(), state), without(state.keySet(), own));
    List<String> errors = new ArrayList<>();
    if (strict) {
      listKeys("Missing", keys.missing, errors);
      listKeys("Unexpected", keys.unexpected, errors);
    }
    own.forEach((name, tensor) -> checkShape(name, tensor, state.get(name), errors));
    if (!errors.isEmpty()) {
      throw new IllegalArgumentException(
          "Error(s) in loading state_dict for "
              + typeName()
              + ":\n\t"
              + String.join("\n\t", errors));
    }
    try (Autograd.GradMode mode = Autograd.noGrad()) {
      own.forEach(
          (name, tensor) -> {
            if (state.containsKey(name)) {
              tensor.copy_(state.get(name));
            }
          });
    }
    return keys;
  }

  private static List<String> without(Set<String> names, Map<String, Tensor> known) {
    List<String> unknown = new ArrayList<>(names);
    unknown.removeAll(known.keySet());
    return Collections.unmodifiableList(unknown);
  }

  private static void listKeys(String kind, List<String> names, List<String> errors) {
    if (!names.isEmpty()) {
      errors.add(kind + " key(s) in state_dict: \"" + String.join("\", \"", names) + "\". ");
    }
  }

  private static void checkShape(String name, Tensor own, Tensor given, List<String> errors) {
    if (given != null && !given.shape().equals(own.shape())) {
      errors.add(
          "size mismatch for "
              + name
              + ": copying a param with shape torch.Size("
              + given.shape()
              + ") from checkpoint, the shape in current model is torch.Size("
              + own.shape()
              + ").");
    }
  }

  /** Frees all parameters with their gradients, and all buffers. Closing twice does nothing. */
  @Override
  public void close() {
    tensors().values().forEach(Tensor::close);
  }

  // --------------------------------------------------------------------- for layers

  /**
   * The number of elements of one sample: the product of all sizes but the first.
   *
   * @param x a mini-batch
   */
  protected static long numFlatFeatures(Tensor x) {
    long features = 1;
    for (int d = 1; d < x.dim(); d++) {
      features *= x.size(d);
    }
    return features;
  }

  /** An error about an argument that says which layer of the network it happened in. */
  final IllegalArgumentException refusal(String problem, Throwable cause) {
    String path = path();
    String self = typeName() + "(" + extraRepr() + ")";
    return new IllegalArgumentException(
        (path.isEmpty() ? self : path + ": " + self) + ": " + problem, cause);
  }

  /** The dotted name from the root of the tree, or empty at the root. */
  private String path() {
    if (parent == null) {
      return "";
    }
    String above = parent.path();
    return above.isEmpty() ? nameInParent : above + "." + nameInParent;
  }

  // ----------------------------------------------------------------------- printing

  /**
   * What stands between the parentheses when this module is printed, such as {@code in_features=4};
   * nothing by default.
   */
  protected String extraRepr() {
    return "";
  }

  private String typeName() {
    String name = getClass().getSimpleName();
    return name.isEmpty() ? "Module" : name;
  }

  /** PyTorch's text of this module: one line for each layer. */
  @Override
  public final String toString() {
    List<Map.Entry<String, String>> lines = new ArrayList<>();
    children.forEach((name, child) -> lines.add(Map.entry(name, child.toString())));
    return ModulePrinter.format(typeName(), extraRepr(), lines);
  }
}
