package dev.talus.bench;

import dev.talus.Generator;
import dev.talus.Scope;
import dev.talus.Tensor;
import java.util.List;
import java.util.function.Consumer;
import org.bytedeco.javacpp.PointerScope;

/** Operations on eight numbers: what a call costs. A hundred share a scope on both sides. */
final class TinyFamily implements Family {
  private static final int CALLS = 100;

  @Override
  public String name() {
    return "tiny";
  }

  @Override
  public String title() {
    return "8 floats, from Java: libtorch's calls pay for its Java pointers, as its users do";
  }

  @Override
  public double warmUpSeconds() {
    return 4.0;
  }

  @Override
  public List<Row> rows() {
    return List.of(
        row("add, no gradient", false, 0, x -> x.add(x), x -> x.add(x)),
        row("add, recorded", true, 400, x -> x.add(x), x -> x.add(x)),
        row(
            "add, sum, backward",
            true,
            2000,
            x -> x.add(x).sum().backward(),
            x -> x.add(x).sum().backward()));
  }

  private static Row row(
      String name,
      boolean grad,
      double limit,
      Consumer<Tensor> talus,
      Consumer<org.bytedeco.pytorch.Tensor> torch) {
    return new Row(name, 0, 0, 0, CALLS, 1.0, limit, 0, false, () -> new Calls(grad, talus, torch));
  }

  private static final class Calls implements Work {
    private final PointerScope pointers = new PointerScope();
    private final Tensor x = Input.of(8).talus(new Generator().manualSeed(1));
    private final org.bytedeco.pytorch.Tensor torchX = Input.torch(x);
    private final Consumer<Tensor> talus;
    private final Consumer<org.bytedeco.pytorch.Tensor> torch;

    Calls(boolean grad, Consumer<Tensor> talus, Consumer<org.bytedeco.pytorch.Tensor> torch) {
      this.talus = talus;
      this.torch = torch;
      x.requiresGrad_(grad);
      torchX.set_requires_grad(grad);
    }

    @Override
    public Runnable talus() {
      return () -> {
        try (Scope scope = Scope.open()) {
          for (int i = 0; i < CALLS; i++) {
            talus.accept(x);
          }
        }
      };
    }

    @Override
    public Runnable torch() {
      return () -> {
        try (PointerScope scope = new PointerScope()) {
          for (int i = 0; i < CALLS; i++) {
            torch.accept(torchX);
          }
        }
      };
    }

    @Override
    public void check() {
      try (Scope scope = Scope.open();
          PointerScope pointersOfCall = new PointerScope()) {
        talus.accept(x);
        torch.accept(torchX);
        if (x.grad() != null) {
          Agreement.check("gradient", x.grad(), torchX.grad());
        }
      }
    }

    @Override
    public void close() {
      pointers.close();
      x.close();
    }
  }
}
