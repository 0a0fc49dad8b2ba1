package dev.talus.parity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.Talus;
import dev.talus.bench.LeNetTrainer;
import dev.talus.bench.TalusLeNet;
import dev.talus.bench.TorchLeNet;
import java.util.Random;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

/** The tutorial's network beside libtorch's: the same weights, and the same loss curve. */
class TutorialParityTest {
  private static final int BATCH = 32;
  private static final int BATCHES = 10;

  @Test
  void theSeedGivesTheSameWeightsToTheLastBit() {
    for (long seed : new long[] {0, 1, 42, -7, 1L << 40}) {
      Talus.manualSeed(seed);
      TorchLeNet.manualSeed(seed);
      try (TalusLeNet talus = new TalusLeNet(0.01, 0);
          TorchLeNet torch = new TorchLeNet(0.01, 0)) {
        setBatches(talus, torch, new Random(seed));
        assertThat(talus.parameters()).as("seed %d", seed).isDeepEqualTo(torch.parameters());
      }
    }
  }

  @Test
  void theLossFollowsTheSameCurve() {
    Talus.manualSeed(0);
    TorchLeNet.manualSeed(0);
    try (TalusLeNet talus = new TalusLeNet(0.01, 0.9);
        TorchLeNet torch = new TorchLeNet(0.01, 0.9)) {
      for (int step = 0; step < 100; step++) {
        setBatches(talus, torch, new Random(step % BATCHES));
        double expected = torch.step();
        assertThat(talus.step())
            .as("loss of step %d", step)
            .isCloseTo(expected, Percentage.withPercentage(step < 10 ? 1e-3 : 1e-1));
      }
    }
  }

  private static void setBatches(LeNetTrainer talus, LeNetTrainer torch, Random random) {
    float[] pixels = new float[BATCH * 32 * 32];
    long[] labels = new long[BATCH];
    for (int i = 0; i < BATCH; i++) {
      labels[i] = random.nextInt(10);
      // A bright square whose place depends on the label, so that there is something to learn.
      for (int p = 0; p < 32 * 32; p++) {
        boolean bright = p / 32 / 3 == labels[i] || p % 32 / 3 == labels[i];
        pixels[i * 32 * 32 + p] = (float) (random.nextGaussian() * 0.5 + (bright ? 1.5 : -0.4));
      }
    }
    talus.setBatch(pixels, labels);
    torch.setBatch(pixels, labels);
  }
}
