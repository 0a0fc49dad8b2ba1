package dev.talus.tests.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.memory.Allocator;
import dev.talus.memory.LeakDetector;
import dev.talus.memory.LeakDetector.Level;
import dev.talus.memory.MemoryStats;
import dev.talus.memory.OutOfMemoryException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The counters and the limit of the allocator. */
class MemoryLimitTest {
  private static final long MIB = 1 << 20;

  private final Level level = LeakDetector.level();
  private final long limit = Talus.memory().limitBytes();

  @AfterEach
  void restore() {
    Allocator.CPU.setLimit(limit);
    LeakDetector.setLevel(level);
  }

  @Test
  void countersFollow() {
    MemoryStats before = Talus.memory();
    try (Scope scope = Scope.open()) {
      Tensor.zeros(MIB / 4);
      MemoryStats during = Talus.memory();
      assertThat(during.liveBlocks()).isEqualTo(before.liveBlocks() + 1);
      assertThat(during.liveBytes()).isGreaterThanOrEqualTo(before.liveBytes() + MIB);
      assertThat(during.allocations()).isEqualTo(before.allocations() + 1);
      assertThat(during.peakBytes()).isGreaterThanOrEqualTo(during.liveBytes());
    }
    assertThat(Talus.memory().liveBytes()).isEqualTo(before.liveBytes());
  }

  @Test
  void freedBlocksAreUsedAgain() {
    for (int i = 0; i < 3; i++) {
      Tensor.zeros(12_345).close();
    }
    MemoryStats before = Talus.memory();
    for (int i = 0; i < 100; i++) {
      Tensor.zeros(12_345).close();
    }
    assertThat(Talus.memory().systemAllocations()).isEqualTo(before.systemAllocations());
    assertThat(Talus.memory().allocations()).isEqualTo(before.allocations() + 100);
  }

  @Test
  void trimReturnsCachedBlocks() {
    Tensor.zeros(54_321).close();
    assertThat(Talus.memory().cachedBytes()).isPositive();
    Allocator.CPU.trim();
    assertThat(Talus.memory().cachedBytes()).isZero();
  }

  @Test
  void peakIsMeasuredAnew() {
    Tensor.zeros(4 * MIB).close();
    Allocator.CPU.resetPeak();
    assertThat(Talus.memory().peakBytes()).isEqualTo(Talus.memory().liveBytes());
  }

  @Test
  void theLimitIsAnErrorThatListsHolders() {
    LeakDetector.setLevel(Level.FULL);
    Allocator.CPU.trim();
    Allocator.CPU.setLimit(Talus.memory().liveBytes() + 4 * MIB);
    try (Scope scope = Scope.open()) {
      Tensor.zeros(MIB / 2);
      assertThatExceptionOfType(OutOfMemoryException.class)
          .isThrownBy(() -> Tensor.zeros(MIB))
          .withMessageContaining("4194304")
          .withMessageContaining("limit")
          .withMessageContaining("1 blocks of 2.0 MiB")
          .withMessageContaining("theLimitIsAnErrorThatListsHolders(MemoryLimitTest.java")
          .withMessageContaining("raise the limit with -Dtalus.memory.limit");
      assertThat(Tensor.zeros(8).toFloatArray()).as("small ones still fit").hasSize(8);
    }
  }

  @Test
  void cachedBlocksMakeWayAtTheLimit() {
    Allocator.CPU.trim();
    Allocator.CPU.setLimit(Talus.memory().liveBytes() + 4 * MIB);
    Tensor.zeros(3 * MIB / 4).close();
    Tensor.zeros(7 * MIB / 8).close();
  }

  @Test
  void anOpThatFailsAtTheLimitLeaksNothing() {
    long before = Talus.memory().liveBlocks();
    try (Scope scope = Scope.open()) {
      Tensor x = Tensor.ones(MIB / 2).requiresGrad_(true);
      Tensor y = x.exp().sum();
      Allocator.CPU.trim();
      Allocator.CPU.setLimit(Talus.memory().liveBytes() + MIB);
      assertThatExceptionOfType(OutOfMemoryException.class).isThrownBy(y::backward);
    }
    assertThat(Talus.memory().liveBlocks()).isEqualTo(before);
  }

  @Test
  void aLimitOfNothingIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Allocator.CPU.setLimit(0))
        .withMessageContaining("more than 0 bytes, got 0");
  }

  @Test
  void readsForPeople() {
    assertThat(MemoryStats.human(1023)).isEqualTo("1023 B");
    assertThat(MemoryStats.human(1536)).isEqualTo("1.5 KiB");
    assertThat(MemoryStats.human(3L << 30)).isEqualTo("3.0 GiB");
    assertThat(MemoryStats.human(Long.MAX_VALUE)).isEqualTo("unlimited");
    assertThat(Talus.memory().toString()).contains("live ", " blocks, cached ", "peak ", "limit ");
  }
}
