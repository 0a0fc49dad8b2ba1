package dev.talus.bench;

import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import java.util.function.ToDoubleFunction;

/**
 * Training and inference of the tutorial's network, Talus beside libtorch in one process.
 *
 * <p>For each batch size and thread count the two take turns, a few hundred milliseconds each;
 * printed are the medians over the rounds and their ratio, with the smallest and largest ratio of
 * two neighbouring rounds. Arguments: {@code [rounds [batch,batch,… [threads,threads,…]]]}.
 */
public final class LeNetBench {
  private static final double ROUND_SECONDS = 0.3;

  // So small that thousands of steps on one batch do not drive its loss, and with it the gradients,
  // into denormal numbers, which are slow on both sides.
  private static final double LEARNING_RATE = 1e-6;

  private LeNetBench() {}

  /** Runs the table. */
  public static void main(String[] args) {
    int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 9;
    int[] batches = numbers(args.length > 1 ? args[1] : "1,8,64,256");
    int[] threads = numbers(args.length > 2 ? args[2] : "1,2");
    System.out.println(
        "work      batch threads  Talus images/s  libtorch images/s  ratio (min - max)");
    for (int count : threads) {
      for (int batch : batches) {
        try (LeNetTrainer talus = new TalusLeNet(LEARNING_RATE, 0.9);
            LeNetTrainer torch = new TorchLeNet(LEARNING_RATE, 0.9)) {
          prepare(talus, batch, count);
          prepare(torch, batch, count);
          compare("training", talus, torch, batch, count, rounds, LeNetTrainer::step);
          compare("inference", talus, torch, batch, count, rounds, LeNetTrainer::infer);
        }
      }
    }
  }

  private static int[] numbers(String list) {
    return Arrays.stream(list.split(",")).mapToInt(Integer::parseInt).toArray();
  }

  private static void prepare(LeNetTrainer trainer, int batch, int threads) {
    Random random = new Random(0);
    float[] pixels = new float[batch * 32 * 32];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) random.nextGaussian();
    }
    long[] labels = new long[batch];
    for (int i = 0; i < batch; i++) {
      labels[i] = random.nextInt(10);
    }
    trainer.setThreads(threads);
    trainer.setBatch(pixels, labels);
  }

  private static void compare(
      String work,
      LeNetTrainer talus,
      LeNetTrainer torch,
      int batch,
      int threads,
      int rounds,
      ToDoubleFunction<LeNetTrainer> step) {
    rate(talus, batch, step);
    rate(torch, batch, step);
    double[] ours = new double[rounds];
    double[] theirs = new double[rounds];
    double[] ratios = new double[rounds];
    for (int i = 0; i < rounds; i++) {
      ours[i] = rate(talus, batch, step);
      theirs[i] = rate(torch, batch, step);
      ratios[i] = ours[i] / theirs[i];
    }
    Arrays.sort(ours);
    Arrays.sort(theirs);
    Arrays.sort(ratios);
    System.out.printf(
        Locale.ROOT,
        "%-9s %5d %7d  %14.0f  %17.0f  %5.2f (%.2f - %.2f)%n",
        work,
        batch,
        threads,
        ours[rounds / 2],
        theirs[rounds / 2],
        ours[rounds / 2] / theirs[rounds / 2],
        ratios[0],
        ratios[rounds - 1]);
  }

  /** Images per second over one round. */
  private static double rate(LeNetTrainer trainer, int batch, ToDoubleFunction<LeNetTrainer> step) {
    long start = System.nanoTime();
    long steps = 0;
    double seconds;
    do {
      if (Double.isNaN(step.applyAsDouble(trainer))) {
        throw new IllegalStateException("the loss became NaN");
      }
      steps++;
      seconds = (System.nanoTime() - start) / 1e9;
    } while (seconds < ROUND_SECONDS);
    return steps * batch / seconds;
  }
}
