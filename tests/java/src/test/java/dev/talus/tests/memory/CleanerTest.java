package dev.talus.tests.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.memory.LeakDetector;
import dev.talus.memory.LeakDetector.Level;
import dev.talus.tests.leak.FreesLate;
import java.lang.ref.WeakReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The net below explicit ownership: what became unreachable is freed late, and counted. */
@FreesLate
class CleanerTest {
  private final Level level = LeakDetector.level();

  @AfterEach
  void restore() {
    LeakDetector.setLevel(level);
  }

  @Test
  void anUnreachableTensorIsFreedAndCounted() {
    LeakDetector.setLevel(Level.COUNT);
    long blocks = Talus.memory().liveBlocks();
    long late = LeakDetector.lateFrees();
    forget(Tensor.zeros(4).requiresGrad_(true).exp());
    await(() -> LeakDetector.lateFrees() >= late + 2);
    await(() -> Talus.memory().liveBlocks() == blocks);
  }

  @Test
  void anUnreachableGraphIsFreed() {
    long blocks = Talus.memory().liveBlocks();
    Tensor out;
    try (Tensor leaf = Tensor.ones(4).requiresGrad_(true)) {
      try (Scope scope = Scope.open()) {
        out = scope.escape(leaf.exp().mul(leaf));
      }
    }
    out.close();
    out = null;
    await(() -> Talus.memory().liveBlocks() == blocks);
  }

  @Test
  void levelOffCountsNothing() {
    LeakDetector.setLevel(Level.OFF);
    long blocks = Talus.memory().liveBlocks();
    long late = LeakDetector.lateFrees();
    forget(Tensor.zeros(4));
    await(() -> Talus.memory().liveBlocks() == blocks);
    assertThat(LeakDetector.lateFrees()).isEqualTo(late);
  }

  @Test
  void aClosedTensorIsNotCounted() {
    long late = LeakDetector.lateFrees();
    Tensor closed = Tensor.zeros(4);
    WeakReference<Tensor> seen = new WeakReference<>(closed);
    closed.close();
    closed = null;
    await(() -> seen.get() == null);
    assertThat(LeakDetector.lateFrees()).isEqualTo(late);
  }

  private static void forget(Tensor tensor) {
    assertThat(tensor.isClosed()).isFalse();
  }

  /** Makes garbage until the collector has run and the condition holds. */
  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + 20_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("the Cleaner ran in time").isLessThan(deadline);
      System.gc();
      Thread.yield();
    }
  }
}
