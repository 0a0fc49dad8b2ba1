package dev.talus.tests.ops;

import dev.talus.DType;
import dev.talus.Tensor;
import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * The description of one input of an op: what kind of numbers, in which shape. {@link #make} gives
 * the same numbers each time, and the same in float32 and float64.
 *
 * @param kind what the numbers are
 * @param bound of INDEX: the first number too large; of FIXED: not used
 * @param fixed the numbers of FIXED, else null
 * @param shape the sizes
 */
public record Arg(Kind kind, long bound, double[] fixed, long[] shape) {
  /** Kinds of numbers. */
  public enum Kind {
    /** In (-2, 2). */
    REAL,
    /** In (0.5, 2). */
    POSITIVE,
    /** In (-1.5, -0.5) or (0.5, 1.5). */
    NONZERO,
    /** int64 in [0, bound). */
    INDEX,
    /** bool. */
    BOOL,
    /** int64 in [-5, 5]. */
    INTEGER,
    /** In (0.5, 2), and never asked for a gradient. */
    WEIGHT,
    /** Given floating-point numbers. */
    FIXED,
    /** Given int64 numbers. */
    FIXED_INDEX
  }

  /** Numbers in (-2, 2). */
  public static Arg real(long... shape) {
    return new Arg(Kind.REAL, 0, null, shape);
  }

  /** Numbers in (0.5, 2). */
  public static Arg positive(long... shape) {
    return new Arg(Kind.POSITIVE, 0, null, shape);
  }

  /** Numbers at least 0.5 away from 0. */
  public static Arg nonzero(long... shape) {
    return new Arg(Kind.NONZERO, 0, null, shape);
  }

  /** int64 numbers in [0, bound). */
  public static Arg index(long bound, long... shape) {
    return new Arg(Kind.INDEX, bound, null, shape);
  }

  /** Numbers in (0.5, 2) that no gradient is wanted for. */
  public static Arg weight(long... shape) {
    return new Arg(Kind.WEIGHT, 0, null, shape);
  }

  /** Truth values. */
  public static Arg bool(long... shape) {
    return new Arg(Kind.BOOL, 0, null, shape);
  }

  /** int64 numbers in [-5, 5]. */
  public static Arg integer(long... shape) {
    return new Arg(Kind.INTEGER, 0, null, shape);
  }

  /** These floating-point numbers, as a vector. */
  public static Arg fixed(double... values) {
    return new Arg(Kind.FIXED, 0, values, new long[] {values.length});
  }

  /** These int64 numbers, as a vector. */
  public static Arg indices(long... values) {
    double[] fixed = Arrays.stream(values).asDoubleStream().toArray();
    return new Arg(Kind.FIXED_INDEX, 0, fixed, new long[] {values.length});
  }

  /** The inputs of one call. */
  public static Arg[] args(Arg... args) {
    return args;
  }

  /** Whether a gradient could flow to it. */
  public boolean isDifferentiable() {
    return isFloating() && kind != Kind.WEIGHT;
  }

  private boolean isFloating() {
    switch (kind) {
      case REAL:
      case POSITIVE:
      case NONZERO:
      case WEIGHT:
      case FIXED:
        return true;
      default:
        return false;
    }
  }

  /**
   * The tensor.
   *
   * @param floating the type of floating-point kinds
   * @param seed different inputs of one call get different seeds
   */
  public Tensor make(DType floating, int seed) {
    DType type = isFloating() ? floating : kind == Kind.BOOL ? DType.BOOL : DType.INT64;
    double[] values = values(seed);
    if (shape.length == 0) {
      return Tensor.scalar(values[0], type);
    }
    Tensor made = Tensor.of(values, shape);
    if (type == DType.FLOAT64) {
      return made;
    }
    try (made) {
      return made.to(type);
    }
  }

  private double[] values(int seed) {
    if (fixed != null) {
      return fixed;
    }
    int n = 1;
    for (long size : shape) {
      n *= Math.toIntExact(size);
    }
    SplittableRandom random = new SplittableRandom(31L * seed + 7);
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] = next(random);
    }
    return values;
  }

  private double next(SplittableRandom random) {
    switch (kind) {
      case REAL:
        return (float) random.nextDouble(-2, 2);
      case POSITIVE:
      case WEIGHT:
        return (float) random.nextDouble(0.5, 2);
      case NONZERO:
        return (float) random.nextDouble(0.5, 1.5) * (random.nextBoolean() ? 1 : -1);
      case INDEX:
        return random.nextLong(bound);
      case BOOL:
        return random.nextBoolean() ? 1 : 0;
      case INTEGER:
        return random.nextLong(-5, 6);
      default:
        throw new IllegalStateException("no random numbers of kind " + kind);
    }
  }

  @Override
  public String toString() {
    return kind.name().toLowerCase(Locale.ROOT) + Arrays.toString(shape);
  }
}
