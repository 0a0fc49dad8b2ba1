package dev.talus.parity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.bench.LeNetTrainer;
import dev.talus.bench.TalusLeNet;
import dev.talus.bench.TorchLeNet;
import dev.talus.nn.MSELoss;
import dev.talus.nn.Module;
import dev.talus.nn.Parameter;
import dev.talus.optim.Adam;
import dev.talus.optim.AdamW;
import dev.talus.optim.Optimizer;
import dev.talus.optim.SGD;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.assertj.core.data.Percentage;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The tutorial's network beside libtorch's: the same weights, and the same loss curve. */
class TutorialParityTest {
  private static final int BATCH = 32;
  private static final int BATCHES = 10;
  private static final double CLOSE = 1e-5;

  @BeforeAll
  static void oneThread() {
    // libtorch's sums depend on the number of threads.
    torch.set_num_threads(1);
  }

  /** The optimizers a curve is followed with; small steps, as errors grow with large ones. */
  enum Training {
    SGD_PLAIN(p -> new SGD(p, 0.05), p -> sgd(p, 0.05, 0, 0, 0, false)),
    SGD_MOMENTUM(p -> new SGD(p, 0.003).momentum(0.9), p -> sgd(p, 0.003, 0.9, 0, 0, false)),
    SGD_DAMPENING(
        p -> new SGD(p, 0.003).momentum(0.9).dampening(0.3),
        p -> sgd(p, 0.003, 0.9, 0.3, 0, false)),
    SGD_NESTEROV(
        p -> new SGD(p, 0.003).momentum(0.9).nesterov(true), p -> sgd(p, 0.003, 0.9, 0, 0, true)),
    SGD_WEIGHT_DECAY(
        p -> new SGD(p, 0.003).momentum(0.9).weightDecay(1e-2),
        p -> sgd(p, 0.003, 0.9, 0, 1e-2, false)),
    ADAM(p -> new Adam(p, 1e-3), p -> new org.bytedeco.pytorch.Adam(p, new AdamOptions(1e-3))),
    ADAMW(p -> new AdamW(p, 1e-3), p -> new org.bytedeco.pytorch.AdamW(p, new AdamWOptions(1e-3)));

    private final Function<List<Parameter>, Optimizer> talus;
    private final Function<TensorVector, org.bytedeco.pytorch.Optimizer> torch;

    Training(
        Function<List<Parameter>, Optimizer> talus,
        Function<TensorVector, org.bytedeco.pytorch.Optimizer> torch) {
      this.talus = talus;
      this.torch = torch;
    }

    private static org.bytedeco.pytorch.Optimizer sgd(
        TensorVector parameters,
        double lr,
        double momentum,
        double dampening,
        double weightDecay,
        boolean nesterov) {
      SGDOptions options = new SGDOptions(lr);
      options.momentum().put(momentum);
      options.dampening().put(dampening);
      options.weight_decay().put(weightDecay);
      options.nesterov().put(nesterov);
      return new org.bytedeco.pytorch.SGD(parameters, options);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 42, -7, 1L << 40})
  void theSeedGivesTheSameWeightsToTheLastBit(long seed) {
    Talus.manualSeed(seed);
    TorchLeNet.manualSeed(seed);
    try (TalusLeNet talus = new TalusLeNet(0.01, 0);
        TorchLeNet torch = new TorchLeNet(0.01, 0)) {
      assertThat(talus.parameters()).isDeepEqualTo(torch.parameters());
    }
  }

  @ParameterizedTest
  @EnumSource
  void theLossFollowsTheSameCurve(Training training) {
    Talus.manualSeed(0);
    TorchLeNet.manualSeed(0);
    try (TalusLeNet talus = new TalusLeNet(training.talus);
        TorchLeNet torch = new TorchLeNet(training.torch)) {
      for (int step = 0; step < 100; step++) {
        setBatches(talus, torch, new Random(step % BATCHES));
        double expected = torch.step();
        assertThat(talus.step())
            .as("loss of step %d", step)
            .isCloseTo(expected, Percentage.withPercentage(step < 10 ? 1e-3 : 1e-1));
      }
    }
  }

  @Test
  void theTutorialStepByStep() {
    Talus.manualSeed(0);
    TorchLeNet.manualSeed(0);
    try (TalusLeNet talus = new TalusLeNet(0.01, 0);
        TorchLeNet torch = new TorchLeNet(0.01, 0);
        Scope scope = Scope.open();
        PointerScope pointers = new PointerScope()) {
      Module net = talus.net();
      Tensor input = Tensor.randn(1, 1, 32, 32);
      org.bytedeco.pytorch.Tensor torchInput = randn(1, 1, 32, 32);
      Agreement.check(input, torchInput, 0, "input");

      Tensor out = net.forward(input);
      org.bytedeco.pytorch.Tensor torchOut = torch.forward(torchInput);
      Agreement.check(out, torchOut, CLOSE, "output");
      out.backward(Tensor.randn(1, 10));
      Torch.backward(torchOut, randn(1, 10));
      compareGradients(net, torch);

      net.zeroGrad();
      zeroGrad(torch);
      Tensor target = Tensor.randn(10).view(1, -1);
      org.bytedeco.pytorch.Tensor torchTarget = randn(10).view(1, -1);
      Tensor loss = new MSELoss().forward(net.forward(input), target);
      org.bytedeco.pytorch.Tensor torchLoss =
          org.bytedeco.pytorch.global.torch.mse_loss(torch.forward(torchInput), torchTarget);
      Agreement.check(loss, torchLoss, CLOSE, "loss");
      loss.backward();
      torchLoss.backward();
      compareGradients(net, torch);

      for (Parameter f : net.parameters()) {
        f.data().sub_(f.grad().mul(0.01));
      }
      TensorVector theirs = torch.tensors();
      for (int i = 0; i < theirs.size(); i++) {
        theirs.get(i).data().sub_(theirs.get(i).grad().mul(Torch.scalar(0.01)));
        Agreement.check(net.parameters().get(i), theirs.get(i), CLOSE, "parameter " + i);
      }
    }
  }

  private static org.bytedeco.pytorch.Tensor randn(long... sizes) {
    return torch.randn(sizes);
  }

  private static void zeroGrad(TorchLeNet torch) {
    TensorVector parameters = torch.tensors();
    for (int i = 0; i < parameters.size(); i++) {
      parameters.get(i).mutable_grad().zero_();
    }
  }

  private static void compareGradients(Module net, TorchLeNet torch) {
    TensorVector theirs = torch.tensors();
    for (int i = 0; i < theirs.size(); i++) {
      Tensor grad = net.parameters().get(i).grad();
      Agreement.check(grad, theirs.get(i).grad(), CLOSE, "gradient of parameter " + i);
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
