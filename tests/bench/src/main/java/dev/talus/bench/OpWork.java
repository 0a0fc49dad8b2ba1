package dev.talus.bench;

import dev.talus.Generator;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.memory.Allocator;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * An operation on the same operands in both libraries: forward alone, or forward and the gradients
 * of all operands that want one, from a given gradient of the output. Each call frees what it made.
 */
class OpWork implements Work {
  private final Function<Tensor[], Tensor> op;
  private final Function<org.bytedeco.pytorch.Tensor[], org.bytedeco.pytorch.Tensor> torchOp;
  private final PointerScope pointers;
  private final Tensor[] inputs;
  private final Tensor[] leaves;
  private final Tensor gradient;
  private final org.bytedeco.pytorch.Tensor[] torchInputs;
  private TensorVector torchLeaves;
  private TensorVector torchGradient;
  private BoolOptional freeGraph;

  OpWork(
      List<Input> operands,
      Function<Tensor[], Tensor> op,
      Function<org.bytedeco.pytorch.Tensor[], org.bytedeco.pytorch.Tensor> torchOp,
      boolean backward) {
    this.op = op;
    this.torchOp = torchOp;
    Generator generator = new Generator().manualSeed(7);
    inputs = operands.stream().map(o -> o.talus(generator)).toArray(Tensor[]::new);
    List<Tensor> wanting = new ArrayList<>();
    pointers = new PointerScope();
    torchInputs = new org.bytedeco.pytorch.Tensor[inputs.length];
    List<org.bytedeco.pytorch.Tensor> torchWanting = new ArrayList<>();
    for (int i = 0; i < inputs.length; i++) {
      torchInputs[i] = Input.torch(inputs[i]);
      if (backward && operands.get(i).wantsGrad()) {
        wanting.add(inputs[i].requiresGrad_(true));
        torchWanting.add(torchInputs[i].set_requires_grad(true));
      }
    }
    leaves = wanting.toArray(new Tensor[0]);
    if (backward) {
      try (Scope scope = Scope.open()) {
        Tensor out = op.apply(inputs);
        gradient =
            Tensor.empty(out.dtype(), out.shape().toArray()).uniform_(-1, 1, generator).keep();
      }
      torchLeaves = new TensorVector(torchWanting.toArray(new org.bytedeco.pytorch.Tensor[0]));
      torchGradient = new TensorVector(Input.torch(gradient));
      freeGraph = new BoolOptional(false);
    } else {
      gradient = null;
    }
  }

  @Override
  public Runnable talus() {
    return gradient == null
        ? () -> {
          try (Scope scope = Scope.open()) {
            op.apply(inputs);
          }
        }
        : () -> {
          try (Scope scope = Scope.open()) {
            Autograd.grad(op.apply(inputs), leaves, gradient, false, false);
          }
        };
  }

  @Override
  public Runnable torch() {
    return gradient == null
        ? () -> {
          try (PointerScope scope = new PointerScope()) {
            torchOp.apply(torchInputs);
          }
        }
        : () -> {
          try (PointerScope scope = new PointerScope()) {
            torchBackward(torchOp.apply(torchInputs));
          }
        };
  }

  private TensorVector torchBackward(org.bytedeco.pytorch.Tensor out) {
    return torch.grad(new TensorVector(out), torchLeaves, torchGradient, freeGraph, false, false);
  }

  @Override
  public void check() {
    try (Scope scope = Scope.open();
        PointerScope calls = new PointerScope()) {
      // Those that draw random numbers draw the same.
      Talus.manualSeed(0);
      torch.manual_seed(0);
      Tensor out = op.apply(inputs);
      org.bytedeco.pytorch.Tensor expected = torchOp.apply(torchInputs);
      Agreement.check("output", out, expected);
      if (gradient != null) {
        Tensor[] grads = Autograd.grad(out, leaves, gradient, false, false);
        TensorVector expectedGrads = torchBackward(expected);
        for (int i = 0; i < grads.length; i++) {
          Agreement.check("gradient " + i, grads[i], expectedGrads.get(i));
        }
      }
    }
  }

  /** An operand, for peers that know only its memory. */
  final Tensor input(int i) {
    return inputs[i];
  }

  @Override
  public void close() {
    pointers.close();
    for (Tensor input : inputs) {
      input.close();
    }
    if (gradient != null) {
      gradient.close();
    }
    // The next row's blocks have other sizes, and the libraries share this machine's memory.
    Allocator.CPU.trim();
  }
}
