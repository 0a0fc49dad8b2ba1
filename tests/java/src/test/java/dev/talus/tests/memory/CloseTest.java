package dev.talus.tests.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.memory.LeakDetector;
import dev.talus.memory.LeakDetector.Level;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Closing, using after closing, and sharing of storage. */
class CloseTest {
  private final Level level = LeakDetector.level();
  private final long before = Talus.memory().liveBlocks();

  @AfterEach
  void restore() {
    LeakDetector.setLevel(level);
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
  }

  @Test
  void anOperationOnAClosedTensorAllocatesNothing() {
    Tensor closed = Tensor.ones(1);
    closed.close();
    assertThatIllegalStateException().isThrownBy(closed::neg);
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
  }

  static List<Function<Tensor, Object>> uses() {
    return List.of(
        Tensor::neg,
        Tensor::sum,
        Tensor::toFloatArray,
        Tensor::item,
        Tensor::toString,
        Tensor::address,
        Tensor::detach,
        Tensor::data,
        Tensor::clone,
        Tensor::alias,
        Tensor::keep,
        x -> x.view(1),
        x -> x.add_(1.0),
        x -> x.fill_(1.0),
        x -> x.requiresGrad_(true),
        x -> Tensor.ones(1).add(x),
        x -> Tensor.ones(1).copy_(x));
  }

  @ParameterizedTest
  @MethodSource("uses")
  void useAfterCloseIsAnErrorNotACrash(Function<Tensor, Object> use) {
    try (Scope scope = Scope.open()) {
      Tensor closed = Tensor.ones(1);
      closed.close();
      assertThatIllegalStateException()
          .isThrownBy(() -> use.apply(closed))
          .withMessageContaining("tensor of shape [1] was used after it was closed")
          .withMessageContaining("-Dtalus.memory.leak=full");
    }
  }

  @Test
  void fullLevelNamesBothPlaces() {
    LeakDetector.setLevel(Level.FULL);
    Tensor tensor = madeHere();
    closedHere(tensor);
    assertThatIllegalStateException()
        .isThrownBy(tensor::item)
        .withMessageContaining("madeHere(CloseTest.java")
        .withMessageContaining("closedHere(CloseTest.java");
  }

  @Test
  void fullLevelNamesTheScope() {
    LeakDetector.setLevel(Level.FULL);
    Tensor tensor;
    try (Scope scope = Scope.open()) {
      tensor = madeHere();
    }
    assertThatIllegalStateException()
        .isThrownBy(tensor::item)
        .withMessageContaining("madeHere(CloseTest.java")
        .withMessageContaining("fullLevelNamesTheScope(CloseTest.java");
  }

  private static Tensor madeHere() {
    return Tensor.zeros(1, 1);
  }

  private static void closedHere(Tensor tensor) {
    tensor.close();
  }

  @Test
  void shapeOfAClosedTensorCanStillBeRead() {
    Tensor tensor = Tensor.zeros(2, 3);
    tensor.close();
    assertThat(tensor.isClosed()).isTrue();
    assertThat(tensor.shape()).hasToString("[2, 3]");
    assertThat(tensor.numel()).isEqualTo(6);
  }

  @Test
  void closingTwiceDoesNothing() {
    Tensor a = Tensor.zeros(2);
    a.close();
    Tensor b = Tensor.zeros(2);
    a.close();
    assertThat(b.toFloatArray()).containsExactly(0, 0);
    b.close();
  }

  @Test
  void viewsKeepTheStorageAlive() {
    Tensor base = Tensor.of(new float[] {1, 2, 3, 4}, 2, 2);
    Tensor row = base.select(0, 1);
    base.close();
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before + 1);
    assertThat(row.toFloatArray()).containsExactly(3, 4);
    row.close();
  }

  @Test
  void aliasIsClosedOnItsOwn() {
    Tensor a = Tensor.ones(2);
    Tensor b = a.alias();
    a.close();
    assertThat(b.toFloatArray()).containsExactly(1, 1);
    b.close();
  }

  @Test
  void closingALeafClosesItsGradient() {
    Tensor leaf = Tensor.ones(2).requiresGrad_(true);
    try (Scope scope = Scope.open()) {
      leaf.sum().backward();
    }
    Tensor grad = leaf.grad();
    leaf.close();
    assertThat(grad.isClosed()).isTrue();
  }
}
