package dev.talus.tests.autograd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.nn.F;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The gradient of max pooling after relu takes both steps at once, which nobody may notice. {@code
 * Autograd.grad} with respect to what lies between goes step by step, so that it tells what is
 * right.
 */
class PassThroughTest {
  private Scope scope;
  private Tensor x;

  @BeforeEach
  void open() {
    scope = Scope.open();
    Talus.manualSeed(0);
    // Windows of negative values only, ties, zeros of both signs, not-a-numbers.
    x = images(DType.FLOAT32);
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor images(DType type) {
    Tensor images = Tensor.randn(2, 3, 9, 8).mul(2.0).round().div(2.0).sub(0.5);
    images.narrow(3, 0, 1).fill_(-0.0);
    images.narrow(2, 3, 1).narrow(3, 5, 1).fill_(Double.NaN);
    return images.to(type).detach().requiresGrad_(true);
  }

  private static Tensor weights(Tensor y) {
    return Tensor.arange(1, y.numel() + 1).to(y.dtype()).reshape(y.sizes());
  }

  /** What x gets through {@code relu}, one step after the other. */
  private static Tensor stepByStep(Tensor relu, Tensor loss, Tensor x) {
    return Autograd.grad(loss, new Tensor[] {relu, x}, null, true, false)[1];
  }

  private static byte[] bytes(Tensor x) {
    double[] values = x.to(DType.FLOAT64).contiguous().toDoubleArray();
    java.nio.ByteBuffer buffer = java.nio.ByteBuffer.allocate(8 * values.length);
    for (double value : values) {
      buffer.putDouble(value);
    }
    return buffer.array();
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"FLOAT32", "FLOAT64"})
  void sameValues(DType type) {
    Tensor input = images(type);
    for (int kernel : new int[] {2, 3}) {
      Tensor relu = F.relu(input);
      Tensor y = F.maxPool2d(relu, kernel, 2);
      Tensor loss = y.mul(weights(y)).sum();
      byte[] expected = bytes(stepByStep(relu, loss, input));
      input.setGrad(null);
      loss.backward();
      assertThat(bytes(input.grad())).isEqualTo(expected);
    }
  }

  /**
   * Relu's own rule reads relu's output, which the shortcut does without: values that change behind
   * autograd's back tell which of them ran. A hook makes the engine go step by step.
   */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"FLOAT32", "FLOAT64"})
  void relusOwnRuleDoesNotRun(DType type) {
    for (boolean hooked : new boolean[] {false, true}) {
      Tensor input = images(type);
      Tensor relu = F.relu(input);
      Tensor y = F.maxPool2d(relu, 2);
      Tensor loss = y.mul(weights(y)).sum();
      byte[] expected = bytes(stepByStep(relu, loss, input));
      if (hooked) {
        relu.registerHook(grad -> null);
      }
      relu.data().fill_(-1.0);
      loss.backward();
      if (hooked) {
        assertThat(input.grad().abs().sum().item()).isZero();
      } else {
        assertThat(bytes(input.grad())).isEqualTo(expected);
      }
    }
  }

  @Test
  void hooksSeeTheGradientInBetween() {
    Tensor relu = F.relu(x);
    relu.registerHook(grad -> grad.mul(3.0));
    relu.retainGrad();
    Tensor y = F.maxPool2d(relu, 2);
    y.sum().backward();
    // Every window gives its share to one element, be that 0.
    assertThat(relu.grad().sum().item()).isEqualTo(3.0 * y.numel());
    Tensor positive = relu.detach().gt(0).logicalOr(relu.detach().ne(relu.detach()));
    assertThat(bytes(x.grad())).isEqualTo(bytes(relu.grad().mul(positive.to(DType.FLOAT32))));
  }

  @Test
  void otherConsumersAdd() {
    for (boolean poolFirst : new boolean[] {true, false}) {
      Tensor relu = F.relu(x);
      Tensor other = poolFirst ? null : relu.mul(0.25);
      Tensor y = F.maxPool2d(relu, 2);
      other = poolFirst ? relu.mul(0.25) : other;
      Tensor loss = y.mul(weights(y)).sum().add(other.sum());
      byte[] expected = bytes(stepByStep(relu, loss, x));
      x.setGrad(null);
      loss.backward();
      assertThat(bytes(x.grad())).isEqualTo(expected);
    }
  }

  @Test
  void theOutputMayChangeInPlace() {
    Tensor relu = F.relu(x);
    Tensor y = F.maxPool2d(relu, 2);
    Tensor changed = y.sub_(1000.0);
    Tensor loss = changed.mul(weights(y)).sum();
    byte[] expected = bytes(stepByStep(relu, loss, x));
    loss.backward();
    assertThat(bytes(x.grad())).isEqualTo(expected);
  }

  @Test
  void theInputMayNot() {
    Tensor relu = F.relu(x);
    Tensor loss = F.maxPool2d(relu, 2).sum();
    relu.detach().add_(1.0);
    assertThatIllegalStateException()
        .isThrownBy(loss::backward)
        .withMessageContaining("modified by an inplace operation")
        .withMessageContaining("ReluBackward");
  }

  @Test
  void runsAgainOnlyIfRetained() {
    Tensor loss = F.maxPool2d(F.relu(x), 2).sum();
    loss.backward(null, true);
    byte[] once = bytes(x.grad().mul(2.0));
    loss.backward();
    assertThat(bytes(x.grad())).isEqualTo(once);
    assertThatIllegalStateException()
        .isThrownBy(loss::backward)
        .withMessageContaining("Trying to backward through the graph a second time");
  }

  @Test
  void freesWhatReluSaved() {
    Tensor relu = F.relu(x);
    Tensor loss = F.maxPool2d(relu, 2).sum();
    relu.close();
    long before = Talus.memory().liveBlocks();
    loss.backward();
    // Without relu's output and the taps, with the gradient of x.
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before - 1);
  }
}
