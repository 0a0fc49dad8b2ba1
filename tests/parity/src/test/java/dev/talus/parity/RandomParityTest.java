package dev.talus.parity;

import static org.assertj.core.api.Assertions.assertThat;

import dev.talus.DType;
import dev.talus.Scope;
import dev.talus.Talus;
import dev.talus.Tensor;
import java.util.Random;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.LayoutOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The same seed gives libtorch's random numbers to the last bit, whatever is drawn in between. */
class RandomParityTest {
  /** What draws numbers; both sides are called with the same n and type. */
  enum Draw {
    RAND {
      @Override
      Tensor talus(DType type, long n) {
        return Tensor.rand(type, n);
      }

      @Override
      org.bytedeco.pytorch.Tensor torch(DType type, long n) {
        long[] sizes = {n};
        return torch.rand(
            sizes, type(type), new LayoutOptional(), new DeviceOptional(), new BoolOptional());
      }
    },
    RANDN {
      @Override
      Tensor talus(DType type, long n) {
        return Tensor.randn(type, n);
      }

      @Override
      org.bytedeco.pytorch.Tensor torch(DType type, long n) {
        long[] sizes = {n};
        return torch.randn(
            sizes, type(type), new LayoutOptional(), new DeviceOptional(), new BoolOptional());
      }
    },
    RANDINT {
      @Override
      Tensor talus(DType type, long n) {
        return Tensor.randint(-7, 1000, n);
      }

      @Override
      org.bytedeco.pytorch.Tensor torch(DType type, long n) {
        return torch.randint(-7, 1000, new long[] {n});
      }
    },
    RANDINT_LARGE {
      @Override
      Tensor talus(DType type, long n) {
        return Tensor.randint(-5, 1L << 40, n);
      }

      @Override
      org.bytedeco.pytorch.Tensor torch(DType type, long n) {
        return torch.randint(-5, 1L << 40, new long[] {n});
      }
    },
    RANDPERM {
      @Override
      Tensor talus(DType type, long n) {
        return Tensor.randperm(n);
      }

      @Override
      org.bytedeco.pytorch.Tensor torch(DType type, long n) {
        return torch.randperm(n);
      }
    },
    UNIFORM {
      @Override
      Tensor talus(DType type, long n) {
        return Tensor.empty(type, n).uniform_(-0.3, 1.7);
      }

      @Override
      org.bytedeco.pytorch.Tensor torch(DType type, long n) {
        return zeros(type, n).uniform_(-0.3, 1.7, new GeneratorOptional());
      }
    },
    NORMAL {
      @Override
      Tensor talus(DType type, long n) {
        return Tensor.empty(type, n).normal_(0.25, 3);
      }

      @Override
      org.bytedeco.pytorch.Tensor torch(DType type, long n) {
        return zeros(type, n).normal_(0.25, 3, new GeneratorOptional());
      }
    },
    BERNOULLI {
      @Override
      Tensor talus(DType type, long n) {
        return Tensor.empty(type, n).bernoulli_(0.3);
      }

      @Override
      org.bytedeco.pytorch.Tensor torch(DType type, long n) {
        return zeros(type, n).bernoulli_(0.3, new GeneratorOptional());
      }
    };

    abstract Tensor talus(DType type, long n);

    abstract org.bytedeco.pytorch.Tensor torch(DType type, long n);

    private static ScalarTypeOptional type(DType type) {
      return new ScalarTypeOptional(Torch.scalarType(type));
    }

    private static org.bytedeco.pytorch.Tensor zeros(DType type, long n) {
      return torch.zeros(n).to(Torch.scalarType(type));
    }
  }

  private static final long[] SEEDS = {0, 1, 42, -1, 123_456_789_012L, Long.MIN_VALUE};

  private static void seed(long seed) {
    Talus.manualSeed(seed);
    torch.manual_seed(seed);
  }

  private static void compare(Draw draw, DType type, long n, String what) {
    try (Scope scope = Scope.open();
        PointerScope pointers = new PointerScope()) {
      Tensor actual = draw.talus(type, n);
      org.bytedeco.pytorch.Tensor expected = draw.torch(type, n);
      assertThat(actual.dtype()).as(what).isEqualTo(Torch.dtype(expected));
      // Every value of every type here is exact as a double, so this compares bits.
      assertThat(actual.toDoubleArray()).as(what).isEqualTo(Torch.values(expected));
    }
  }

  @ParameterizedTest
  @EnumSource
  void everySizeUpTo100AndSomeLarger(Draw draw) {
    long[] sizes =
        LongStream.concat(
                LongStream.rangeClosed(0, 100), LongStream.of(623, 624, 625, 1000, 4097, 70_001))
            .toArray();
    for (DType type : new DType[] {DType.FLOAT32, DType.FLOAT64}) {
      for (long n : sizes) {
        seed(n);
        compare(draw, type, n, draw + " of " + n + " " + type);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void everySeed(Draw draw) {
    for (long seed : SEEDS) {
      seed(seed);
      compare(draw, DType.FLOAT32, 33, draw + " with seed " + seed);
      compare(draw, DType.FLOAT64, 7, draw + " with seed " + seed + ", again");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void mixedSequences(int sequence) {
    Random random = new Random(sequence);
    seed(sequence);
    StringBuilder drawn = new StringBuilder();
    for (int i = 0; i < 300; i++) {
      Draw draw = Draw.values()[random.nextInt(Draw.values().length)];
      DType type = random.nextBoolean() ? DType.FLOAT32 : DType.FLOAT64;
      long n = random.nextInt(4) == 0 ? random.nextInt(2000) : random.nextInt(40);
      drawn.append(draw).append(' ').append(type).append(' ').append(n).append("; ");
      compare(draw, type, n, drawn.toString());
    }
  }

  /** Views of one tensor that do not lie in memory in row-major order. */
  @ParameterizedTest
  @ValueSource(longs = {2, 3, 16, 40})
  void elementsOfViewsAreFilledInLibtorchsOrder(long n) {
    seed(n);
    try (Scope scope = Scope.open();
        PointerScope pointers = new PointerScope()) {
      for (DType type : new DType[] {DType.FLOAT32, DType.FLOAT64}) {
        Tensor ours = Tensor.zeros(type, 4, n, 3);
        org.bytedeco.pytorch.Tensor theirs = Torch.copy(ours);
        ours.permute(2, 0, 1).uniform_(-1, 2);
        theirs.permute(2, 0, 1).uniform_(-1, 2, new GeneratorOptional());
        Agreement.check(ours, theirs, 0, "uniform_ of a permuted tensor");
        ours.select(1, 1).t().normal_(1, 3);
        theirs.select(1, 1).t().normal_(1, 3, new GeneratorOptional());
        Agreement.check(ours, theirs, 0, "normal_ of a transposed part");
        ours.narrow(1, 0, n - 1).normal_(0, 1);
        theirs.narrow(1, 0, n - 1).normal_(0, 1, new GeneratorOptional());
        Agreement.check(ours, theirs, 0, "normal_ of a part");
        ours.transpose(0, 1).bernoulli_(0.4);
        theirs.transpose(0, 1).bernoulli_(0.4, new GeneratorOptional());
        Agreement.check(ours, theirs, 0, "bernoulli_ of a transposed tensor");
      }
    }
  }
}
