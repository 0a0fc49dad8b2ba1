package dev.talus.nn;

import dev.talus.Tensor;
import java.util.Map;

/**
 * Modules one after the other.
 *
 * <pre>{@code
 * new Sequential(new Flatten(), new Linear(784, 64), new ReLU(), new Linear(64, 10))
 * }</pre>
 *
 * <p>A {@link Conv2d} or {@link Linear} followed by a {@link ReLU} is computed in one pass; values
 * and graph are those of the two.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Sequential.html">Sequential</a>
 */
public final class Sequential extends Module {
  private final Module[] steps;

  /**
   * With the names 0, 1, ….
   *
   * @param modules in order of computation
   */
  public Sequential(Module... modules) {
    for (int i = 0; i < modules.length; i++) {
      register(Integer.toString(i), modules[i]);
    }
    steps = steps();
  }

  /**
   * With names of one's own.
   *
   * @param modules in order of computation, so a map that keeps its order
   */
  public Sequential(Map<String, ? extends Module> modules) {
    modules.forEach(this::register);
    steps = steps();
  }

  private Module[] steps() {
    return namedChildren().values().toArray(new Module[0]);
  }

  /** How many modules there are. */
  public int size() {
    return children().size();
  }

  /**
   * One of the modules.
   *
   * @param index its place
   */
  public Module get(int index) {
    return children().get(index);
  }

  @Override
  public Tensor forward(Tensor x) {
    Tensor y = x;
    for (int i = 0; i < steps.length; i++) {
      // What is between a layer and its ReLU nobody can see, so that it need not exist.
      boolean relu = i + 1 < steps.length && steps[i + 1] instanceof ReLU;
      Tensor both = relu ? steps[i].forwardRelu(y) : null;
      if (both != null) {
        y = both;
        i++;
      } else {
        y = steps[i].forward(y);
      }
    }
    return y;
  }
}
