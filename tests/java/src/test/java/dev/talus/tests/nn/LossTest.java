package dev.talus.tests.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.nn.CrossEntropyLoss;
import dev.talus.nn.Loss;
import dev.talus.nn.MSELoss;
import dev.talus.nn.NLLLoss;
import dev.talus.nn.Reduction;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Loss modules: values, and gradients of their sums, as PyTorch 2.13.0 printed them in float64. */
class LossTest {
  private static final double[] SCORES = {1, -2, 0.5, 0.25, 3, -1};
  private static final double[] WEIGHT = {1, 2, 0.5};
  private static final double[] SOFT = {0.2, 0.3, 0.5, 0, 1, 0};
  private static final double[] NO_WEIGHT = null;

  private static final double[] PLAIN_GRAD = {
    0.6037488961486258, 0.03005888756957402, -0.6338077837181998,
    0.05906975759251024, -0.07599352649213309, 0.01692376889962281
  };
  private static final double[] WEIGHTED_GRAD = {
    0.3018744480743129, 0.01502944378478701, -0.3169038918590999,
    0.1181395151850205, -0.1519870529842662, 0.03384753779924562
  };
  private static final double[] IGNORED_GRAD = {
    0.6037488961486258, 0.03005888756957402, -0.6338077837181998, 0, 0, 0
  };
  private static final double[] SMOOTH_GRAD = {
    0.308791041150888, -0.04963329704390805, -0.2591577441069799,
    0.0798837020523113, -0.09565425910992172, 0.01577055705761039
  };
  private static final double[] SOFT_GRAD = {
    0.4213571485328583, -0.5810701273419905, 0.1597129788091322,
    0.04162788891960211, -0.03932146523557725, -0.002306423684024847
  };

  /** What it is called, weight, ignored class, smoothing, soft targets, losses, mean, gradient. */
  static List<Arguments> crossEntropies() {
    double[] plain = {1.004596902342283, 0.07903620140409959};
    double[] weighted = {0.5022984511711417, 0.1580724028081992};
    double[] ignored = {1.004596902342283, 0};
    double[] smooth = {0.7192715779939607, 0.3098193860245242};
    double[] soft = {2.498267341847384, 0.4615663692408492};
    return List.of(
        Arguments.of("plain", NO_WEIGHT, -100, 0, false, plain, 0.5418165518731914, PLAIN_GRAD),
        Arguments.of("weight", WEIGHT, -100, 0, false, weighted, 0.2641483415917364, WEIGHTED_GRAD),
        Arguments.of("ignored", NO_WEIGHT, 1, 0, false, ignored, 1.004596902342283, IGNORED_GRAD),
        Arguments.of("smoothed", WEIGHT, -100, 0.1, false, smooth, 0.411636385607394, SMOOTH_GRAD),
        Arguments.of("probabilities", WEIGHT, -100, 0.2, true, soft, 1.479916855544117, SOFT_GRAD));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("crossEntropies")
  void crossEntropy(
      String name,
      double[] weight,
      long ignored,
      double smoothing,
      boolean soft,
      double[] losses,
      double mean,
      double[] gradient) {
    for (Reduction reduction : Reduction.values()) {
      try (Scope scope = Scope.open();
          CrossEntropyLoss loss =
              new CrossEntropyLoss(
                  weight == null ? null : Tensor.of(weight), ignored, reduction, smoothing)) {
        Tensor x = Tensor.of(SCORES, 2, 3).requiresGrad_(true);
        Tensor out = loss.forward(x, soft ? Tensor.of(SOFT, 2, 3) : Tensor.of(new long[] {2, 1}));
        double[] sum = {losses[0] + losses[1]};
        double[][] expected = {losses, {mean}, sum};
        near(out, expected[reduction.ordinal()]);
        if (reduction != Reduction.MEAN) {
          out.sum().backward();
          near(x.grad(), gradient);
        }
      }
    }
  }

  private static void near(Tensor actual, double... expected) {
    double[] values = actual.toDoubleArray();
    assertThat(values).hasSameSizeAs(expected);
    for (int i = 0; i < values.length; i++) {
      assertThat(values[i]).isCloseTo(expected[i], within(1e-12));
    }
  }

  @Test
  void nllIsCrossEntropyAfterLogSoftmax() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.of(SCORES, 2, 3);
      Tensor y = Tensor.of(new long[] {2, 1});
      near(new NLLLoss().forward(x.logSoftmax(1), y), 0.5418165518731914);
      near(new CrossEntropyLoss().forward(x, y), 0.5418165518731914);
    }
  }

  @Test
  void crossEntropyIsTwoNodesWithNoTensorBetweenThem() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.of(SCORES, 2, 3).requiresGrad_(true);
      Tensor scores = x.mul(1.0);
      Tensor loss = new CrossEntropyLoss().forward(scores, Tensor.of(new long[] {2, 1}));
      Node softmax = loss.gradFn().nextFunctions().get(0);
      assertThat(loss.gradFn().name()).isEqualTo("NllLossBackward");
      assertThat(softmax.name()).isEqualTo("LogSoftmaxBackward");
      assertThat(softmax.nextFunctions().get(0)).isSameAs(scores.gradFn());
      try (Autograd.GradMode mode = Autograd.noGrad()) {
        scores.zero_(); // the gradient does not need the scores, in PyTorch neither
      }
      loss.backward(null, true);
      loss.backward();
      near(x.grad(), PLAIN_GRAD); // twice the mean of two rows
      assertThatThrownBy(loss::backward).hasMessageContaining("a second time");
    }
  }

  /** Both the loss and the square of its gradient lead to the scores, through one node or two. */
  @Test
  void aGradientPenaltyOfCrossEntropy() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.of(SCORES, 2, 3).requiresGrad_(true);
      Tensor y = Tensor.of(new long[] {2, 1});
      Tensor[] grads = new Tensor[2];
      for (int i = 0; i < 2; i++) {
        Tensor loss =
            i == 0
                ? new CrossEntropyLoss().forward(x, y)
                : new NLLLoss().forward(x.logSoftmax(1), y);
        Tensor grad = Autograd.grad(loss, new Tensor[] {x}, null, true, true)[0];
        loss.add(grad.mul(grad).sum()).backward();
        grads[i] = x.grad().clone();
        x.grad().zero_();
      }
      near(grads[0], grads[1].toDoubleArray());
    }
  }

  @Test
  void meanSquares() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.of(new double[] {1, 2, 3});
      Tensor y = Tensor.of(new double[] {0, 0, 6});
      near(new MSELoss().forward(x, y), 14.0 / 3);
      near(new MSELoss(Reduction.SUM).forward(x, y), 14);
      near(new MSELoss(Reduction.NONE).forward(x, y), 1, 4, 9);
      near(new MSELoss(Reduction.NONE).forward(x, Tensor.of(new double[] {1})), 0, 1, 4);
    }
  }

  @Test
  void allRowsIgnoredGiveNaN() {
    try (Scope scope = Scope.open()) {
      Tensor ignored = Tensor.of(new long[] {-100, -100});
      Tensor mean = new CrossEntropyLoss().forward(Tensor.of(SCORES, 2, 3), ignored);
      assertThat(mean.item()).as("0 / 0, as in PyTorch").isNaN();
    }
  }

  @Test
  void aLossNeedsTwoTensorsAndAReduction() {
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.ones(1);
      assertThatThrownBy(() -> new MSELoss().forward(x))
          .hasMessageContaining("call forward(input, target)");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new MSELoss(null))
          .withMessageContaining("reduction is null");
      Loss loss = new NLLLoss();
      assertThat(loss.reduction()).isEqualTo(Reduction.MEAN);
    }
  }
}
