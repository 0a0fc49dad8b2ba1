package dev.talus.examples;

import dev.talus.Tensor;
import dev.talus.nn.Linear;
import dev.talus.nn.Module;
import dev.talus.nn.ReLU;
import dev.talus.nn.Sequential;
import java.util.ArrayList;
import java.util.List;

/** Linear layers with ReLU between them. */
public final class Mlp extends Module {
  private final Sequential layers;

  /**
   * A network with PyTorch's default initialisation.
   *
   * @param sizes of the input, of each hidden layer and of the output: two or more
   * @throws IllegalArgumentException if there are fewer than two
   */
  public Mlp(long... sizes) {
    if (sizes.length < 2) {
      throw new IllegalArgumentException("Mlp: expected two sizes or more, got " + sizes.length);
    }
    List<Module> modules = new ArrayList<>();
    for (int i = 1; i < sizes.length; i++) {
      if (i > 1) {
        modules.add(new ReLU());
      }
      modules.add(new Linear(sizes[i - 1], sizes[i]));
    }
    layers = register("layers", new Sequential(modules.toArray(new Module[0])));
  }

  /**
   * Computes the scores.
   *
   * @param x [N, …], flattened to rows of the input's size
   * @return [N, output]
   */
  @Override
  public Tensor forward(Tensor x) {
    return layers.forward(x.flatten(1, -1));
  }
}
