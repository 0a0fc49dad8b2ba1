package dev.talus.examples;

import dev.talus.Tensor;
import dev.talus.nn.Conv2d;
import dev.talus.nn.F;
import dev.talus.nn.Linear;
import dev.talus.nn.Module;

/**
 * The convolutional network of PyTorch's beginner tutorial, in the manner of LeNet-5, for 32 x 32
 * images of one channel and ten classes.
 *
 * @see <a
 *     href="https://docs.pytorch.org/tutorials/beginner/blitz/neural_networks_tutorial.html">the
 *     tutorial</a>
 */
public final class Net extends Module {
  private final Conv2d conv1 = register("conv1", new Conv2d(1, 6, 3));
  private final Conv2d conv2 = register("conv2", new Conv2d(6, 16, 3));
  private final Linear fc1 = register("fc1", new Linear(16 * 6 * 6, 120));
  private final Linear fc2 = register("fc2", new Linear(120, 84));
  private final Linear fc3 = register("fc3", new Linear(84, 10));

  /** A network with PyTorch's default initialisation, drawn from the default generator. */
  public Net() {}

  /**
   * Computes the scores of the ten classes.
   *
   * @param x images [N, 1, 32, 32]
   * @return scores [N, 10], not normalised
   */
  @Override
  public Tensor forward(Tensor x) {
    x = F.maxPool2d(F.relu(conv1.forward(x)), 2, 2);
    x = F.maxPool2d(F.relu(conv2.forward(x)), 2);
    x = x.view(-1, numFlatFeatures(x));
    x = F.relu(fc1.forward(x));
    x = F.relu(fc2.forward(x));
    return fc3.forward(x);
  }

  /** The first layer, whose gradients the tutorial looks at. */
  public Conv2d conv1() {
    return conv1;
  }
}
