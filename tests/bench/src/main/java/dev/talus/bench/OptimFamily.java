package dev.talus.bench;

import dev.talus.Generator;
import dev.talus.Tensor;
import dev.talus.memory.Allocator;
import dev.talus.nn.Parameter;
import dev.talus.optim.Adam;
import dev.talus.optim.AdamW;
import dev.talus.optim.Optimizer;
import dev.talus.optim.SGD;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.TensorVector;

/** One step of an optimizer over the parameters of a small, a middling and a large network. */
final class OptimFamily implements Family {
  /** Small, so that the parameters stay what they are over thousands of steps. */
  private static final double LR = 1e-7;

  private static final double TARGET = 1.5;

  private enum Kind {
    SGD,
    ADAM,
    ADAMW
  }

  @Override
  public String name() {
    return "optim";
  }

  @Override
  public String title() {
    return "optimizer steps: SGD with momentum 0.9, Adam, AdamW";
  }

  @Override
  public List<Row> rows() {
    List<Row> rows = new ArrayList<>();
    int[][] sizes = {{1, 10}, {11, 62}, {60, 160}};
    for (Kind kind : Kind.values()) {
      for (int[] size : sizes) {
        long numbers = size[0] * 1_000_000L;
        int tensors = size[1];
        // SGD reads parameter, gradient and momentum and writes two; others have one state more.
        int states = kind == Kind.SGD ? 1 : 2;
        double bytes = 4.0 * numbers * (3 + 2 * states);
        String name =
            String.format(
                "%s %dM in %d tensors", kind.name().toLowerCase(Locale.ROOT), size[0], tensors);
        rows.add(
            new Row(name, 0, bytes, TARGET, () -> new Step(numbers, tensors, kind))
                .withHeld(4.0 * numbers * (2 + states)));
      }
    }
    return rows;
  }

  private static final class Step implements Work {
    private final List<Parameter> parameters = new ArrayList<>();
    private final List<Tensor> initial = new ArrayList<>();
    private final PointerScope pointers = new PointerScope();
    private final TensorVector torchParameters = new TensorVector();
    private final Optimizer optimizer;
    private final org.bytedeco.pytorch.Optimizer torchOptimizer;

    Step(long numbers, int tensors, Kind kind) {
      Generator generator = new Generator().manualSeed(3);
      for (int i = 0; i < tensors; i++) {
        Input input = Input.constant(numbers / tensors);
        Tensor start = input.talus(generator);
        Tensor gradient = input.talus(generator);
        initial.add(gradient);
        Parameter parameter = new Parameter(start.clone().keep());
        parameter.setGrad(gradient.detach());
        parameters.add(parameter);
        org.bytedeco.pytorch.Tensor theirs = Input.torch(start).clone().set_requires_grad(true);
        theirs.mutable_grad().put(Input.torch(gradient));
        torchParameters.push_back(theirs);
        start.close();
      }
      optimizer =
          switch (kind) {
            case SGD -> new SGD(parameters, LR).momentum(0.9);
            case ADAM -> new Adam(parameters, LR);
            case ADAMW -> new AdamW(parameters, LR);
          };
      torchOptimizer =
          switch (kind) {
            case SGD -> torchSgd(torchParameters);
            case ADAM -> new org.bytedeco.pytorch.Adam(torchParameters, new AdamOptions(LR));
            case ADAMW -> new org.bytedeco.pytorch.AdamW(torchParameters, new AdamWOptions(LR));
          };
    }

    private static org.bytedeco.pytorch.Optimizer torchSgd(TensorVector parameters) {
      SGDOptions options = new SGDOptions(LR);
      options.momentum().put(0.9);
      return new org.bytedeco.pytorch.SGD(parameters, options);
    }

    @Override
    public Runnable talus() {
      return optimizer::step;
    }

    @Override
    public Runnable torch() {
      return () -> {
        try (PointerScope scope = new PointerScope()) {
          torchOptimizer.step();
        }
      };
    }

    @Override
    public void check() {
      talus().run();
      torch().run();
      try (PointerScope scope = new PointerScope()) {
        for (int i = 0; i < parameters.size(); i += 9) {
          Agreement.check("parameter " + i, parameters.get(i), torchParameters.get(i));
        }
      }
    }

    @Override
    public void close() {
      optimizer.close();
      torchOptimizer.close();
      pointers.close();
      parameters.forEach(Tensor::close);
      initial.forEach(Tensor::close);
      Allocator.CPU.trim();
    }
  }
}
