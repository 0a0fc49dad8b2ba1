package dev.talus.cli;

import dev.talus.nn.Parameter;
import dev.talus.optim.Adam;
import dev.talus.optim.Optimizer;
import dev.talus.optim.SGD;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/** The options that choose and set up the optimizer. */
final class OptimizerOptions {
  /** The optimizers to choose from, each with what suits MNIST as its defaults. */
  enum Kind {
    /** Stochastic gradient descent. */
    SGD(0.05, 0.001),
    /** Adam. */
    ADAM(0.002, 0);

    private final double learningRate;
    private final double weightDecay;

    Kind(double learningRate, double weightDecay) {
      this.learningRate = learningRate;
      this.weightDecay = weightDecay;
    }
  }

  @Option(
      names = "--optimizer",
      paramLabel = "NAME",
      defaultValue = "sgd",
      description = "sgd or adam.")
  private Kind kind;

  @Option(
      names = "--lr",
      paramLabel = "RATE",
      description = "Learning rate at the start (default: 0.05 for sgd, 0.002 for adam).")
  private Double learningRate;

  @Option(
      names = "--lr-decay",
      paramLabel = "NAME",
      defaultValue = "cosine",
      description = "How the learning rate falls to 0 until the end: none, linear or cosine.")
  private LearningRateDecay decay;

  @Option(names = "--momentum", paramLabel = "M", description = "Momentum of sgd (default: 0.9).")
  private Double momentum;

  @Option(names = "--nesterov", description = "Nesterov's momentum for sgd.")
  private boolean nesterov;

  @Option(
      names = "--weight-decay",
      paramLabel = "W",
      description = "L2 penalty on the weights (default: 0.001 for sgd, 0 for adam).")
  private Double weightDecay;

  /** Rejects values that make no sense, alone or together. */
  void check() {
    Check.positive("--lr", learningRate());
    Check.within(0, Double.POSITIVE_INFINITY, "--weight-decay", weightDecay());
    if (kind == Kind.SGD) {
      Check.within(0, 1, "--momentum", momentum());
      if (nesterov && momentum() == 0) {
        throw new UserError("--nesterov needs a --momentum of more than 0");
      }
    } else if (momentum != null || nesterov) {
      throw new UserError("--momentum and --nesterov belong to --optimizer sgd, not to adam");
    }
  }

  /** The learning rate at the start. */
  double learningRate() {
    return learningRate == null ? kind.learningRate : learningRate;
  }

  private double weightDecay() {
    return weightDecay == null ? kind.weightDecay : weightDecay;
  }

  private double momentum() {
    return momentum == null ? 0.9 : momentum;
  }

  /**
   * The learning rate of a step.
   *
   * @param done the part of all steps already done, in [0, 1)
   */
  double learningRate(double done) {
    return learningRate() * decay.factor(done);
  }

  /** Makes the optimizer. */
  Optimizer create(List<Parameter> parameters) {
    return kind == Kind.SGD
        ? new SGD(parameters, learningRate())
            .momentum(momentum())
            .nesterov(nesterov)
            .weightDecay(weightDecay())
        : new Adam(parameters, learningRate()).weightDecay(weightDecay());
  }

  /** The settings in words. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(kind.name().toLowerCase(Locale.ROOT));
    text.append(", learning rate ").append(learningRate());
    if (decay != LearningRateDecay.NONE) {
      text.append(" (").append(decay.name().toLowerCase(Locale.ROOT)).append(" decay to 0)");
    }
    if (kind == Kind.SGD) {
      text.append(nesterov ? ", Nesterov momentum " : ", momentum ").append(momentum());
    }
    return text.append(", weight decay ").append(weightDecay()).toString();
  }
}
