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
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Sequential.html">Sequential</a>
 */
public final class Sequential extends Module {
  /**
   * With the names 0, 1, ….
   *
   * @param modules in order of computation
   */
  public Sequential(Module... modules) {
    for (int i = 0; i < modules.length; i++) {
      register(Integer.toString(i), modules[i]);
    }
  }

  /**
   * With names of one's own.
   *
   * @param modules in order of computation, so a map that keeps its order
   */
  public Sequential(Map<String, ? extends Module> modules) {
    modules.forEach(this::register);
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
    for (Module module : namedChildren().values()) {
      y = module.forward(y);
    }
    return y;
  }
}
