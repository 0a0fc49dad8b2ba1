package dev.talus.parity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.nn.Parameter;
import dev.talus.optim.Adam;
import dev.talus.optim.AdamW;
import dev.talus.optim.Adaptive;
import dev.talus.optim.Optimizer;
import dev.talus.optim.SGD;
import dev.talus.tests.ops.Arg;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.TensorVector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Optimizers go libtorch's way with every combination of options. */
class OptimizerParityTest {
  private static final int STEPS = 20;
  private static final Arg[] PARAMETERS = {Arg.real(3, 5), Arg.real(19), Arg.real(1, 2, 2)};

  /** SGD's options. */
  record Descent(
      double lr,
      double momentum,
      double dampening,
      double weightDecay,
      boolean nesterov,
      boolean maximize) {
    Optimizer talus(List<Parameter> parameters) {
      return new SGD(parameters, lr)
          .momentum(momentum)
          .dampening(dampening)
          .weightDecay(weightDecay)
          .nesterov(nesterov)
          .maximize(maximize);
    }

    org.bytedeco.pytorch.Optimizer torch(TensorVector parameters) {
      SGDOptions options = new SGDOptions(lr);
      options.momentum().put(momentum);
      options.dampening().put(dampening);
      options.weight_decay().put(weightDecay);
      options.nesterov().put(nesterov);
      return new org.bytedeco.pytorch.SGD(parameters, options);
    }
  }

  /** The options of Adam and AdamW. */
  record Moments(
      double lr,
      double beta1,
      double beta2,
      double eps,
      double weightDecay,
      boolean amsgrad,
      boolean maximize) {
    Optimizer talus(List<Parameter> parameters, boolean decoupled) {
      return decoupled ? with(new AdamW(parameters, lr)) : with(new Adam(parameters, lr));
    }

    private Optimizer with(Adaptive<?> optimizer) {
      optimizer.betas(beta1, beta2);
      optimizer.eps(eps);
      optimizer.weightDecay(weightDecay);
      optimizer.amsgrad(amsgrad);
      optimizer.maximize(maximize);
      return optimizer;
    }

    org.bytedeco.pytorch.Optimizer torch(TensorVector parameters, boolean decoupled) {
      if (decoupled) {
        AdamWOptions options = new AdamWOptions(lr);
        putBetas(options.betas());
        options.eps().put(eps);
        options.weight_decay().put(weightDecay);
        options.amsgrad().put(amsgrad);
        return new org.bytedeco.pytorch.AdamW(parameters, options);
      }
      AdamOptions options = new AdamOptions(lr);
      putBetas(options.betas());
      options.eps().put(eps);
      options.weight_decay().put(weightDecay);
      options.amsgrad().put(amsgrad);
      return new org.bytedeco.pytorch.Adam(parameters, options);
    }

    /** Overwrites a std::tuple, whose order in memory is the compiler's choice. */
    private void putBetas(DoublePointer betas) {
      int first = betas.get(0) < betas.get(1) ? 0 : 1;
      assertThat(betas.get(first)).as("the default of beta 1").isEqualTo(0.9);
      assertThat(betas.get(1 - first)).as("the default of beta 2").isEqualTo(0.999);
      betas.put(first, beta1);
      betas.put(1 - first, beta2);
    }
  }

  static Stream<Descent> descents() {
    List<Descent> all = new ArrayList<>();
    for (double momentum : new double[] {0, 0.9}) {
      for (double dampening : new double[] {0, 0.5}) {
        for (double weightDecay : new double[] {0, 0.1}) {
          for (boolean nesterov : new boolean[] {false, true}) {
            for (boolean maximize : new boolean[] {false, true}) {
              if (!nesterov || (momentum > 0 && dampening == 0)) {
                all.add(new Descent(0.05, momentum, dampening, weightDecay, nesterov, maximize));
              }
            }
          }
        }
      }
    }
    return all.stream();
  }

  static Stream<Moments> moments() {
    List<Moments> all = new ArrayList<>();
    for (double[] betas : new double[][] {{0.9, 0.999}, {0.5, 0.8}, {0, 0.99}}) {
      for (double eps : new double[] {1e-8, 1e-2}) {
        for (double weightDecay : new double[] {0, 0.01, 0.3}) {
          for (boolean amsgrad : new boolean[] {false, true}) {
            boolean maximize = amsgrad == eps < 1e-3;
            all.add(new Moments(0.02, betas[0], betas[1], eps, weightDecay, amsgrad, maximize));
          }
        }
      }
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("descents")
  void sgd(Descent options) {
    compare(options::talus, options::torch, options.maximize);
  }

  @ParameterizedTest
  @MethodSource("moments")
  void adam(Moments options) {
    compare(p -> options.talus(p, false), p -> options.torch(p, false), options.maximize);
  }

  @ParameterizedTest
  @MethodSource("moments")
  void adamW(Moments options) {
    compare(p -> options.talus(p, true), p -> options.torch(p, true), options.maximize);
  }

  @Test
  void theDefaultsAreLibtorchs() {
    compare(p -> new SGD(p, 0.1), p -> new org.bytedeco.pytorch.SGD(p, new SGDOptions(0.1)), false);
    compare(Adam::new, p -> new org.bytedeco.pytorch.Adam(p), false);
    compare(AdamW::new, p -> new org.bytedeco.pytorch.AdamW(p), false);
  }

  private interface TalusMaker {
    Optimizer make(List<Parameter> parameters);
  }

  private interface TorchMaker {
    org.bytedeco.pytorch.Optimizer make(TensorVector parameters);
  }

  private static void compare(TalusMaker talus, TorchMaker torch, boolean maximize) {
    compare(talus, torch, maximize, DType.FLOAT64, 1e-13);
    compare(talus, torch, maximize, DType.FLOAT32, 1e-6);
  }

  private static void compare(
      TalusMaker talusMaker,
      TorchMaker torchMaker,
      boolean maximize,
      DType type,
      double tolerance) {
    List<Parameter> ours = new ArrayList<>();
    try (Scope scope = Scope.open();
        PointerScope pointers = new PointerScope()) {
      TensorVector theirs = new TensorVector();
      for (int i = 0; i < PARAMETERS.length; i++) {
        Tensor values = PARAMETERS[i].make(type, i);
        theirs.push_back(Torch.copy(values).set_requires_grad(true));
        ours.add(new Parameter(values));
      }
      try (Optimizer optimizer = talusMaker.make(ours)) {
        org.bytedeco.pytorch.Optimizer expected = torchMaker.make(theirs);
        for (int step = 1; step <= STEPS; step++) {
          optimizer.zeroGrad();
          expected.zero_grad();
          for (int i = 0; i < PARAMETERS.length; i++) {
            // The gradient of the sum of the products is the other factor.
            Tensor gradient = PARAMETERS[i].make(type, 100 * step + i);
            ours.get(i).mul(gradient).sum().backward();
            // libtorch in C++ only minimises: it gets the gradient of the opposite.
            Tensor opposite = maximize ? gradient.neg() : gradient;
            theirs.get(i).mul(Torch.copy(opposite)).sum().backward();
          }
          optimizer.step();
          expected.step();
          for (int i = 0; i < PARAMETERS.length; i++) {
            String what = "parameter " + i + " after step " + step;
            Agreement.check(ours.get(i), theirs.get(i), tolerance, what);
          }
        }
      }
    } finally {
      ours.forEach(Tensor::close);
    }
  }
}
