package dev.talus.tests.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Scopes own what is made inside them. */
class ScopeTest {
  private final long before = Talus.memory().liveBlocks();

  private long live() {
    return Talus.memory().liveBlocks() - before;
  }

  @Test
  void closesWhatWasMadeInside() {
    Tensor inside;
    try (Scope scope = Scope.open()) {
      inside = Tensor.zeros(3);
      assertThat(scope.owns(inside)).isTrue();
      assertThat(scope.size()).isEqualTo(1);
      assertThat(live()).isEqualTo(1);
    }
    assertThat(inside.isClosed()).isTrue();
    assertThat(live()).isZero();
  }

  @Test
  void innermostScopeOwns() {
    try (Scope outer = Scope.open()) {
      Tensor a = Tensor.zeros(1);
      Tensor b;
      try (Scope inner = Scope.open()) {
        b = a.add(1.0);
        assertThat(inner.owns(b)).isTrue();
        assertThat(outer.owns(b)).isFalse();
      }
      assertThat(a.isClosed()).isFalse();
      assertThat(b.isClosed()).isTrue();
      Tensor c = a.add(1.0);
      assertThat(outer.owns(c)).isTrue();
    }
    assertThat(live()).isZero();
  }

  @Test
  void escapeMovesToTheEnclosingScope() {
    try (Scope outer = Scope.open()) {
      Tensor escaped;
      try (Scope inner = Scope.open()) {
        escaped = inner.escape(Tensor.ones(2));
        assertThat(outer.owns(escaped)).isTrue();
        assertThat(inner.escape(escaped)).as("not its own").isSameAs(escaped);
        assertThat(outer.owns(escaped)).isTrue();
      }
      assertThat(escaped.toFloatArray()).containsExactly(1, 1);
    }
    assertThat(live()).isZero();
  }

  @Test
  void escapeFromTheOutermostLivesUntilClose() {
    Tensor escaped;
    try (Scope scope = Scope.open()) {
      escaped = scope.escape(Tensor.ones(2));
    }
    assertThat(live()).isEqualTo(1);
    assertThat(escaped.toFloatArray()).containsExactly(1, 1);
    escaped.close();
  }

  @Test
  void escapeTakesTheGraphAlong() {
    try (Tensor leaf = Tensor.ones(3).requiresGrad_(true);
        Scope outer = Scope.open()) {
      Tensor loss;
      try (Scope inner = Scope.open()) {
        loss = inner.escape(leaf.exp().square().sum());
      }
      loss.backward();
      assertThat(leaf.grad().toFloatArray()[0]).isCloseTo((float) (2 * Math.exp(2)), within(1e-5f));
    }
    assertThat(live()).isZero();
  }

  @Test
  void keepMakesTheTensorItsOwn() {
    Tensor kept;
    try (Scope scope = Scope.open()) {
      kept = Tensor.ones(2).keep();
      assertThat(scope.owns(kept)).isFalse();
      assertThat(kept.keep()).isSameAs(kept);
    }
    assertThat(kept.isClosed()).isFalse();
    kept.close();
    assertThat(live()).isZero();
  }

  @Test
  void closingInsideIsFine() {
    try (Scope scope = Scope.open()) {
      Tensor a = Tensor.zeros(2);
      Tensor b = Tensor.zeros(2);
      Tensor c = Tensor.zeros(2);
      a.close();
      assertThat(scope.size()).isEqualTo(2);
      assertThat(live()).isEqualTo(2);
      assertThat(b.isClosed() || c.isClosed()).isFalse();
    }
    assertThat(live()).isZero();
  }

  @Test
  void manyTensorsInOneScope() {
    try (Scope scope = Scope.open()) {
      for (int i = 0; i < 1000; i++) {
        Tensor.zeros(1);
      }
      assertThat(scope.size()).isEqualTo(1000);
    }
    assertThat(live()).isZero();
  }

  @Test
  void closeIsAllowedTwiceAndOnlyInOrder() {
    Scope outer = Scope.open();
    Scope inner = Scope.open();
    assertThatIllegalStateException()
        .isThrownBy(outer::close)
        .withMessageContaining("close scopes in reverse order");
    inner.close();
    inner.close();
    outer.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> outer.escape(null))
        .withMessageContaining("already closed");
  }

  @Test
  void belongsToItsThread() throws InterruptedException {
    try (Scope scope = Scope.open()) {
      AtomicReference<Throwable> thrown = new AtomicReference<>();
      Thread other =
          new Thread(
              () -> {
                try {
                  scope.close();
                } catch (IllegalStateException e) {
                  thrown.set(e);
                }
              },
              "other");
      other.start();
      other.join();
      assertThat(thrown.get())
          .hasMessageContaining("belongs to thread " + Thread.currentThread().getName())
          .hasMessageContaining("the caller is other");
    }
  }

  @Test
  void anotherThreadHasNoScope() throws InterruptedException {
    try (Scope scope = Scope.open()) {
      Tensor[] made = new Tensor[1];
      Thread other = new Thread(() -> made[0] = Tensor.zeros(1));
      other.start();
      other.join();
      assertThat(scope.owns(made[0])).isFalse();
      made[0].close();
    }
    assertThat(live()).isZero();
  }
}
