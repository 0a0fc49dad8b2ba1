package dev.talus.tests.tutorial;

import dev.talus.Tensor;
import dev.talus.nn.Conv2d;
import dev.talus.nn.F;
import dev.talus.nn.Linear;
import dev.talus.nn.Module;

/** The tutorial's network. */
public final class Net extends Module {
  final Conv2d conv1 = register("conv1", new Conv2d(1, 6, 3));
  final Conv2d conv2 = register("conv2", new Conv2d(6, 16, 3));
  final Linear fc1 = register("fc1", new Linear(16 * 6 * 6, 120));
  final Linear fc2 = register("fc2", new Linear(120, 84));
  final Linear fc3 = register("fc3", new Linear(84, 10));

  @Override
  public Tensor forward(Tensor x) {
    x = F.maxPool2d(F.relu(conv1.forward(x)), 2, 2);
    x = F.maxPool2d(F.relu(conv2.forward(x)), 2);
    x = x.view(-1, numFlatFeatures(x));
    x = F.relu(fc1.forward(x));
    x = F.relu(fc2.forward(x));
    return fc3.forward(x);
  }
}
