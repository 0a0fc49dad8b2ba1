package dev.talus.cli;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.data.Batch;
import dev.talus.data.Batches;
import dev.talus.data.DataLoader;
import dev.talus.data.Mnist;
import dev.talus.examples.Net;
import dev.talus.nn.CrossEntropyLoss;

/**
 * How a network does on a set of images.
 *
 * @param images how many there are
 * @param correct how many it classifies rightly
 * @param loss the mean cross entropy
 */
record Evaluation(long images, long correct, double loss) {
  private static final int BATCH = 500;

  /** The part that is classified rightly, from 0 to 1. */
  double accuracy() {
    return (double) correct / images;
  }

  /** Runs a network over all images, in evaluation mode; it stays in that mode. */
  static Evaluation of(Net net, Mnist data) {
    CrossEntropyLoss criterion = new CrossEntropyLoss();
    net.eval();
    long correct = 0;
    double lossSum = 0;
    try (Autograd.GradMode mode = Autograd.noGrad();
        Batches batches = new DataLoader(data, BATCH).iterator()) {
      while (batches.hasNext()) {
        try (Scope scope = Scope.open()) {
          Batch batch = batches.next();
          Tensor scores = net.forward(batch.x());
          lossSum += criterion.forward(scores, batch.y()).item() * batch.size();
          correct += correct(scores, batch.y());
        }
      }
    }
    return new Evaluation(data.size(), correct, lossSum / data.size());
  }

  /**
   * How many rows have their highest score at the target.
   *
   * @param scores [N, classes]
   * @param targets int64 [N]
   */
  static long correct(Tensor scores, Tensor targets) {
    try (Autograd.GradMode mode = Autograd.noGrad()) {
      return scores.argmax(1).eq(targets).sum().itemLong();
    }
  }
}
