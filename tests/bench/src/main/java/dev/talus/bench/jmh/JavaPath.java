package dev.talus.bench.jmh;

import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import dev.talus.autograd.Autograd;
import dev.talus.memory.Allocator;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What operations cost before a kernel has anything to do: eight numbers each. */
@State(org.openjdk.jmh.annotations.Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class JavaPath {
  private Tensor x;
  private Tensor leaf;

  /** Makes the operands. */
  @Setup
  public void open() {
    Talus.setNumThreads(1);
    x = Tensor.ones(8).keep();
    leaf = Tensor.ones(8).requiresGrad_(true).keep();
  }

  /** Closes the operands. */
  @TearDown
  public void close() {
    x.close();
    leaf.close();
  }

  /** A block from the allocator and back. */
  @Benchmark
  public long allocateAndFree() {
    long block = Allocator.CPU.allocate(32);
    Allocator.CPU.free(block);
    return block;
  }

  /** An empty scope. */
  @Benchmark
  public int openAndCloseScope() {
    try (Scope inner = Scope.open()) {
      return inner.size();
    }
  }

  /** A tensor without a value, in a scope. */
  @Benchmark
  public Tensor emptyTensor() {
    try (Scope inner = Scope.open()) {
      return Tensor.empty(8);
    }
  }

  /** A view, in a scope. */
  @Benchmark
  public Tensor view() {
    try (Scope inner = Scope.open()) {
      return x.view(2, 4);
    }
  }

  /** An addition, in a scope. */
  @Benchmark
  public Tensor add() {
    try (Scope inner = Scope.open()) {
      return x.add(x);
    }
  }

  /** An addition, closed by hand, without a scope. */
  @Benchmark
  public void addAndClose() {
    x.add(x).close();
  }

  /** A recorded addition, in a scope: the difference to {@link #add} is the node. */
  @Benchmark
  public Tensor addRecorded() {
    try (Scope inner = Scope.open()) {
      return leaf.add(leaf);
    }
  }

  /** An addition of a leaf while nothing is recorded. */
  @Benchmark
  public Tensor addUnderNoGrad() {
    try (Scope inner = Scope.open();
        Autograd.GradMode mode = Autograd.noGrad()) {
      return leaf.add(leaf);
    }
  }

  /** Forward and backward through two nodes. */
  @Benchmark
  public Tensor addSumBackward() {
    try (Scope inner = Scope.open()) {
      leaf.add(leaf).sum().backward();
      return leaf.grad();
    }
  }
}
