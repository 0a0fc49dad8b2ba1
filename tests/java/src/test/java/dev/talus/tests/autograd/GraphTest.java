package dev.talus.tests.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.talus.Scope;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.autograd.Node;
import dev.talus.nn.Reduction;
import dev.talus.ops.MseLoss;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The shapes graphs take, their names, hooks, and derivatives of derivatives. */
class GraphTest {
  private Scope scope;
  private Tensor x;

  @BeforeEach
  void open() {
    scope = Scope.open();
    x = Tensor.of(new float[] {1, 2, 3}).requiresGrad_(true);
  }

  @AfterEach
  void close() {
    scope.close();
  }

  @Test
  void namesAreThoseOfPyTorch() {
    Tensor bias = Tensor.ones(2).requiresGrad_(true);
    Tensor weight = Tensor.ones(2, 3).requiresGrad_(true);
    Tensor out = bias.addmm(Tensor.ones(1, 3), weight.t());
    Tensor loss = MseLoss.apply(out, Tensor.zeros(1, 2), Reduction.MEAN);
    Node mse = loss.gradFn();
    assertThat(mse.name()).isEqualTo("MseLossBackward");
    assertThat(mse.toString()).matches("<MseLossBackward object at 0x[0-9A-F]{16}>");
    Node addmm = mse.nextFunctions().get(0);
    assertThat(addmm.name()).isEqualTo("AddmmBackward");
    assertThat(mse.nextFunctions().get(1)).as("the target needs no gradient").isNull();
    assertThat(addmm.nextFunctions().get(0).name()).isEqualTo("AccumulateGrad");
    assertThat(addmm.nextFunctions().get(1)).isNull();
    assertThat(addmm.nextFunctions().get(2).name()).isEqualTo("TBackward");
    assertThat(addmm.nextFunctions().get(2).nextFunctions().get(0).name())
        .isEqualTo("AccumulateGrad");
  }

  @Test
  void aLeafHasOneAccumulator() {
    Node first = x.mul(2.0).gradFn().nextFunctions().get(0);
    assertThat(x.mul(3.0).gradFn().nextFunctions().get(0)).isSameAs(first);
    assertThat(first.nextFunctions()).isEmpty();
  }

  @Test
  void diamond() {
    Tensor y = x.mul(2.0);
    Tensor left = y.exp();
    Tensor right = y.square();
    left.mul(right).add(y).sum().backward();
    float[] expected = new float[3];
    for (int i = 0; i < 3; i++) {
      double v = 2.0 * (i + 1);
      expected[i] = (float) (2 * (Math.exp(v) * (v * v + 2 * v) + 1));
    }
    for (int i = 0; i < 3; i++) {
      assertThat((double) x.grad().toFloatArray()[i] / expected[i]).isBetween(0.99999, 1.00001);
    }
  }

  @Test
  void ladderOfDiamondsIsNotWalkedTwice() {
    Tensor y = x;
    for (int i = 0; i < 60; i++) {
      y = y.add(y).mul(0.5);
    }
    y.sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(1, 1, 1);
  }

  @Test
  void sameTensorOnBothSides() {
    x.mul(x).sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(2, 4, 6);
  }

  @Test
  void partsThatNeedNoGradientAreSkipped() {
    Tensor constant = Tensor.ones(3);
    Tensor y = x.mul(constant.exp());
    assertThat(y.gradFn().nextFunctions().get(1)).isNull();
    y.sum().backward();
    assertThat(constant.grad()).isNull();
  }

  @Test
  void aChainOfAHundredThousandDoesNotOverflowTheStack() {
    Tensor leaf = Tensor.ones(1).requiresGrad_(true);
    Tensor y = leaf;
    for (int i = 0; i < 100_000; i++) {
      Tensor next = y.add(1.0);
      if (y != leaf) {
        y.close();
      }
      y = next;
    }
    Tensor[] of = {leaf};
    assertThat(Autograd.grad(y, of, null, true, false)[0].item()).isEqualTo(1);
    y.backward();
    assertThat(leaf.grad().item()).isEqualTo(1);
  }

  @Test
  void aLongChainCanEscape() {
    Tensor leaf = Tensor.ones(1).requiresGrad_(true);
    Tensor y;
    try (Scope inner = Scope.open()) {
      y = leaf;
      for (int i = 0; i < 20_000; i++) {
        y = y.mul(1.0);
      }
      y = inner.escape(y);
    }
    y.backward();
    assertThat(leaf.grad().item()).isEqualTo(1);
  }

  @Test
  void gradLeavesTheAccumulatedGradientsAlone() {
    Tensor y = x.mul(2.0);
    Tensor out = y.square().sum();
    Tensor[] grads = Autograd.grad(out, y, x);
    assertThat(grads[0].toFloatArray()).containsExactly(4, 8, 12);
    assertThat(grads[1].toFloatArray()).containsExactly(8, 16, 24);
    assertThat(x.grad()).isNull();
  }

  @Test
  void gradWithASeed() {
    Tensor seed = Tensor.of(new float[] {1, 0, 2});
    Tensor[] of = {x};
    Tensor grad = Autograd.grad(x.square(), of, seed, false, false)[0];
    assertThat(grad.toFloatArray()).containsExactly(2, 0, 12);
  }

  @Test
  void derivativesUpToTheFourth() {
    Tensor y = x.pow(4).sum();
    double[] factors = {4, 12, 24, 24};
    for (int order = 1; order <= 4; order++) {
      Tensor[] of = {x};
      Tensor grad = Autograd.grad(y, of, null, true, true)[0];
      for (int i = 0; i < 3; i++) {
        double expected = factors[order - 1] * Math.pow(i + 1, 4 - order);
        assertThat(grad.toDoubleArray()[i] / expected).isBetween(0.9999, 1.0001);
      }
      y = grad.sum();
    }
  }

  @Test
  void aHookSeesAndReplacesTheGradient() {
    List<float[]> seen = new ArrayList<>();
    Tensor y = x.mul(2.0);
    y.registerHook(
        grad -> {
          seen.add(grad.toFloatArray());
          return grad.mul(10.0);
        });
    y.sum().backward();
    assertThat(seen).hasSize(1);
    assertThat(seen.get(0)).containsExactly(1, 1, 1);
    assertThat(x.grad().toFloatArray()).containsExactly(20, 20, 20);
  }

  @Test
  void hooksRunInOrderAndCanBeRemoved() {
    Autograd.RemovableHandle first = x.registerHook(grad -> grad.add(1.0));
    x.registerHook(grad -> grad.mul(3.0));
    x.sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(6, 6, 6);
    x.setGrad(null);
    first.close();
    first.close();
    x.sum().backward();
    assertThat(x.grad().toFloatArray()).containsExactly(3, 3, 3);
  }

  @Test
  void aHookSeesTheSumOfAllPaths() {
    List<float[]> seen = new ArrayList<>();
    x.registerHook(
        grad -> {
          seen.add(grad.toFloatArray());
          return null;
        });
    x.mul(2.0).add(x.mul(3.0)).sum().backward();
    assertThat(seen).hasSize(1);
    assertThat(seen.get(0)).containsExactly(5, 5, 5);
  }

  @Test
  void aHookMustKeepTheShape() {
    x.registerHook(grad -> grad.sum());
    assertThatIllegalStateException()
        .isThrownBy(() -> x.sum().backward())
        .withMessageContaining("hook has changed the size of value");
    assertThatIllegalStateException()
        .isThrownBy(() -> Tensor.ones(1).registerHook(grad -> grad))
        .withMessageContaining("doesn't require gradient");
  }

  @Test
  void reluWritesIntoNoGradientThatOthersSee() {
    Tensor given = Tensor.of(new float[] {4, 5, 6});
    x.sub(2.0).relu().backward(given);
    assertThat(given.toFloatArray()).as("the caller's").containsExactly(4, 5, 6);
    assertThat(x.grad().toFloatArray()).containsExactly(0, 0, 6);

    x.setGrad(null);
    Tensor y = x.sub(2.0).relu();
    y.retainGrad();
    y.mul(Tensor.of(new float[] {4, 5, 6})).sum().backward();
    assertThat(y.grad().toFloatArray()).as("one that is retained").containsExactly(4, 5, 6);
    assertThat(x.grad().toFloatArray()).containsExactly(0, 0, 6);

    x.setGrad(null);
    x.sub(2.0).relu().add(x.rsub(2.0).relu()).backward(given.mul(1.0));
    assertThat(x.grad().toFloatArray()).as("both terms' of a sum").containsExactly(-4, 0, 6);

    x.setGrad(null);
    Tensor factor = Tensor.of(new float[] {4, 5, 6});
    x.sub(2.0).relu().mul(factor).backward(Tensor.ones(3));
    assertThat(factor.toFloatArray()).as("a factor's").containsExactly(4, 5, 6);

    x.setGrad(null);
    List<Tensor> kept = new ArrayList<>();
    Tensor z = x.sub(2.0).relu();
    z.registerHook(
        grad -> {
          kept.add(grad.detach().keep());
          return null;
        });
    z.mul(factor).sum().backward();
    assertThat(kept.get(0).toFloatArray()).as("one that a hook kept").containsExactly(4, 5, 6);
    kept.get(0).close();
  }
}
