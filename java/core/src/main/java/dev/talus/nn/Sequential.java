package dev.talus.nn;

import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.ops.Epilogue;
import java.util.Map;

/**
 * Modules one after the other.
 *
 * <pre>{@code
 * new Sequential(new Flatten(), new Linear(784, 64), new ReLU(), new Linear(64, 10))
 * }</pre>
 *
 * <p>A {@link Conv2d} or {@link Linear} followed by a {@link ReLU}, a {@link ReLU6} or a {@link
 * Hardtanh} from 0 to 6 is computed in one pass; values and graph are those of the two. The
 * backward pass reads what such a pair returned, which must not be changed in place before. Under
 * {@link Autograd#noGrad} what lies between two of Talus's own layers is freed as soon as the
 * second one has read it.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Sequential.html">Sequential</a>
 */
public final class Sequential extends Module {
  private final Module[] steps;

  // Whether a step forgets its input, and nobody else has seen what it returns.
  private final boolean[] discreet;

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
    discreet = discreet(steps);
  }

  /**
   * With names of one's own.
   *
   * @param modules in order of computation, so a map that keeps its order
   */
  public Sequential(Map<String, ? extends Module> modules) {
    modules.forEach(this::register);
    steps = steps();
    discreet = discreet(steps);
  }

  private Module[] steps() {
    return namedChildren().values().toArray(new Module[0]);
  }

  private static boolean[] discreet(Module[] steps) {
    boolean[] discreet = new boolean[steps.length];
    for (int i = 0; i < steps.length; i++) {
      discreet[i] = true;
      for (Module module : steps[i].modules()) {
        discreet[i] &= isOurs(module);
      }
    }
    return discreet;
  }

  private static boolean isOurs(Module module) {
    return module.getClass().getPackage() == Sequential.class.getPackage();
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
    boolean frees = !Autograd.isGradEnabled();
    Tensor y = x;
    boolean unseen = false;
    for (int i = 0; i < steps.length; i++) {
      boolean quiet = discreet[i];
      // What is between a layer and its activation nobody can see, so that it need not exist.
      Epilogue activation = i + 1 < steps.length ? steps[i + 1].asEpilogue() : null;
      Tensor out = activation == null ? null : steps[i].forward(y, activation);
      if (out != null) {
        i++;
      } else {
        out = steps[i].forward(y);
      }
      if (out == y) {
        unseen &= quiet;
        continue;
      }
      if (frees && unseen && quiet) {
        y.close();
      }
      y = out;
      unseen = quiet;
    }
    return y;
  }
}
