package dev.talus.cli;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.data.Batch;
import dev.talus.data.Batches;
import dev.talus.data.DataLoader;
import dev.talus.examples.Net;
import dev.talus.nn.CrossEntropyLoss;
import dev.talus.optim.Optimizer;
import java.util.function.DoubleUnaryOperator;

/** The training loop: forward, loss, backward and step, one scope each. */
final class Trainer {
  private final CrossEntropyLoss criterion = new CrossEntropyLoss();
  private final Net net;
  private final Optimizer optimizer;
  private final DoubleUnaryOperator learningRate;
  private final TrainingRecord record;
  private final int logEvery;
  private long step;
  private double seconds;

  /**
   * What an epoch came to.
   *
   * @param number the epoch, from 1
   * @param step steps done, over all epochs
   * @param loss the mean training loss over the epoch
   * @param images the images seen in the epoch
   * @param seconds the time the epoch took
   * @param totalSeconds the time of all epochs so far
   */
  record Epoch(
      int number, long step, double loss, long images, double seconds, double totalSeconds) {}

  /**
   * Sets up a training.
   *
   * @param learningRate the learning rate for the part of all steps already done
   * @param record takes a row every so many steps, and at the end of each epoch
   * @param logEvery how many
   */
  Trainer(
      Net net,
      Optimizer optimizer,
      DoubleUnaryOperator learningRate,
      TrainingRecord record,
      int logEvery) {
    this.net = net;
    this.optimizer = optimizer;
    this.learningRate = learningRate;
    this.record = record;
    this.logEvery = logEvery;
  }

  /**
   * Trains on every image once.
   *
   * @param number the epoch, from 1
   * @param epochs how many there will be
   * @param loader the batches
   * @param progress is told of every step
   * @throws UserError if the loss is no longer a number
   */
  Epoch epoch(int number, int epochs, DataLoader loader, Progress progress) {
    net.train();
    long start = System.nanoTime();
    long steps = (long) epochs * loader.size();
    Window epoch = new Window(start);
    Window logged = new Window(start);
    try (Batches batches = loader.iterator()) {
      while (batches.hasNext()) {
        double rate = learningRate.applyAsDouble((double) step / steps);
        optimizer.setLr(rate);
        step(batches, epoch, logged);
        step++;
        boolean report = step % logEvery == 0 || !batches.hasNext();
        if (report) {
          logged.report(number, rate, seconds + secondsSince(start));
          logged = new Window(System.nanoTime());
        }
        progress.step(epoch.images, epoch.meanLoss(), report);
      }
    }
    double took = secondsSince(start);
    seconds += took;
    return new Epoch(number, step, epoch.meanLoss(), epoch.images, took, seconds);
  }

  private void step(Batches batches, Window epoch, Window logged) {
    try (Scope scope = Scope.open()) {
      Batch batch = batches.next();
      optimizer.zeroGrad();
      Tensor scores = net.forward(batch.x());
      Tensor loss = criterion.forward(scores, batch.y());
      loss.backward();
      optimizer.step();
      double value = loss.item();
      long right = Evaluation.correct(scores, batch.y());
      epoch.add(batch.size(), value, right);
      logged.add(batch.size(), value, right);
    }
  }

  private static double secondsSince(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  /** Sums over some steps. */
  private final class Window {
    private final long start;
    private long images;
    private double lossSum;
    private long right;

    Window(long start) {
      this.start = start;
    }

    void add(long batch, double loss, long correct) {
      images += batch;
      lossSum += loss * batch;
      right += correct;
    }

    double meanLoss() {
      return lossSum / images;
    }

    void report(int epoch, double rate, double seconds) {
      if (!Double.isFinite(meanLoss())) {
        throw new UserError(
            "the training diverged: the loss is not a number by step "
                + step
                + "; use a smaller --lr");
      }
      double accuracy = (double) right / images;
      double imagesPerSecond = images / secondsSince(start);
      record.addStep(epoch, step, meanLoss(), accuracy, imagesPerSecond, seconds, rate);
    }
  }
}
