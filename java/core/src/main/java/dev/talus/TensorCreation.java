package dev.talus;

import dev.talus.internal.Native;
import java.util.ArrayList;
import java.util.List;

/** The functions that make tensors: the static half of {@link Tensor}. */
abstract class TensorCreation extends Scoped {
  /** The native library's bound on the number of dimensions. */
  static final int MAX_DIMS = 16;

  TensorCreation() {}

  final Tensor self() {
    return (Tensor) this;
  }

  // -------------------------------------------------------------- from values

  /**
   * A float32 tensor of the given values.
   *
   * @param values in row-major order; copied
   * @param shape the sizes; none: one dimension of all values
   * @throws IllegalArgumentException if the number of values does not fit the shape
   */
  public static Tensor of(float[] values, long... shape) {
    Tensor out = forValues(DType.FLOAT32, values.length, shape);
    Native.put(out.device().id(), out.address(), values);
    return out;
  }

  /** A float64 tensor of the given values; see {@link #of(float[], long...)}. */
  public static Tensor of(double[] values, long... shape) {
    Tensor out = forValues(DType.FLOAT64, values.length, shape);
    Native.put(out.device().id(), out.address(), values);
    return out;
  }

  /** An int64 tensor of the given values; see {@link #of(float[], long...)}. */
  public static Tensor of(long[] values, long... shape) {
    Tensor out = forValues(DType.INT64, values.length, shape);
    Native.put(out.device().id(), out.address(), values);
    return out;
  }

  /** An int32 tensor of the given values; see {@link #of(float[], long...)}. */
  public static Tensor of(int[] values, long... shape) {
    Tensor out = forValues(DType.INT32, values.length, shape);
    Native.put(out.device().id(), out.address(), values);
    return out;
  }

  /** A uint8 tensor of the given bytes, read as 0…255; see {@link #of(float[], long...)}. */
  public static Tensor of(byte[] values, long... shape) {
    Tensor out = forValues(DType.UINT8, values.length, shape);
    Native.put(out.device().id(), out.address(), values);
    return out;
  }

  /** A bool tensor of the given values; see {@link #of(float[], long...)}. */
  public static Tensor of(boolean[] values, long... shape) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (values[i] ? 1 : 0);
    }
    Tensor out = forValues(DType.BOOL, values.length, shape);
    Native.put(out.device().id(), out.address(), bytes);
    return out;
  }

  private static Tensor forValues(DType dtype, int count, long[] shape) {
    long[] sizes = shape.length == 0 ? new long[] {count} : Shape.of(shape).toArray();
    if (Shape.numel(sizes) != count) {
      throw new IllegalArgumentException(
          "shape " + Shape.wrap(sizes) + " is invalid for input of size " + count);
    }
    return Tensor.allocate(dtype, Device.CPU, sizes);
  }

  /** A float32 scalar: a tensor of no dimensions. */
  public static Tensor scalar(double value) {
    return scalar(value, DType.FLOAT32);
  }

  /** A scalar of the given type. */
  public static Tensor scalar(double value, DType dtype) {
    return filled(dtype, value, (long) value);
  }

  /** A scalar of the given type, exact for 64-bit integers. */
  public static Tensor scalar(long value, DType dtype) {
    return filled(dtype, value, value);
  }

  /** A scalar of the given type on a device. */
  public static Tensor scalar(double value, DType dtype, Device device) {
    return fill(empty(dtype, device), value, (long) value);
  }

  /** A scalar of the given type on a device, exact for 64-bit integers. */
  public static Tensor scalar(long value, DType dtype, Device device) {
    return fill(empty(dtype, device), value, value);
  }

  // ------------------------------------------------------------------- filled

  /** A float32 tensor whose contents are not defined. */
  public static Tensor empty(long... shape) {
    return empty(DType.FLOAT32, shape);
  }

  /** A tensor whose contents are not defined. */
  public static Tensor empty(DType dtype, long... shape) {
    return empty(dtype, Device.CPU, shape);
  }

  /** A tensor on a device whose contents are not defined. */
  public static Tensor empty(DType dtype, Device device, long... shape) {
    return Tensor.allocate(dtype, device, Shape.of(shape).toArray());
  }

  /** A float32 tensor of zeros. */
  public static Tensor zeros(long... shape) {
    return filled(DType.FLOAT32, 0, 0, shape);
  }

  /** A tensor of zeros. */
  public static Tensor zeros(DType dtype, long... shape) {
    return filled(dtype, 0, 0, shape);
  }

  /** A tensor of zeros on a device. */
  public static Tensor zeros(DType dtype, Device device, long... shape) {
    return fill(empty(dtype, device, shape), 0, 0);
  }

  /** A float32 tensor of ones. */
  public static Tensor ones(long... shape) {
    return filled(DType.FLOAT32, 1, 1, shape);
  }

  /** A tensor of ones. */
  public static Tensor ones(DType dtype, long... shape) {
    return filled(dtype, 1, 1, shape);
  }

  /** A tensor of ones on a device. */
  public static Tensor ones(DType dtype, Device device, long... shape) {
    return fill(empty(dtype, device, shape), 1, 1);
  }

  /** A float32 tensor of one value everywhere; the value comes last in PyTorch. */
  public static Tensor full(double value, long... shape) {
    return filled(DType.FLOAT32, value, (long) value, shape);
  }

  /** A tensor of one value everywhere. */
  public static Tensor full(DType dtype, double value, long... shape) {
    return filled(dtype, value, (long) value, shape);
  }

  /** A tensor of one value everywhere, on a device. */
  public static Tensor full(DType dtype, Device device, double value, long... shape) {
    return fill(empty(dtype, device, shape), value, (long) value);
  }

  private static Tensor filled(DType dtype, double value, long integer, long... shape) {
    return fill(empty(dtype, shape), value, integer);
  }

  static Tensor fill(Tensor out, double value, long integer) {
    long truth = integer != 0 || value != 0 ? 1 : 0;
    Native.fill(
        out.device().id(),
        out.dtype().code(),
        out.numel(),
        out.isContiguous() ? null : dev.talus.internal.Geometries.of(out.sizes(), out.strides()),
        value,
        out.dtype() == DType.BOOL ? truth : integer,
        out.address());
    return out;
  }

  /** Contents not defined; shape, type and device of another tensor. */
  public static Tensor emptyLike(Tensor like) {
    return Tensor.allocateLike(like);
  }

  /** Zeros in the shape and type of another tensor. */
  public static Tensor zerosLike(Tensor like) {
    return fill(emptyLike(like), 0, 0);
  }

  /** Ones in the shape and type of another tensor. */
  public static Tensor onesLike(Tensor like) {
    return fill(emptyLike(like), 1, 1);
  }

  /** One value everywhere, in the shape and type of another tensor. */
  public static Tensor fullLike(Tensor like, double value) {
    return fill(emptyLike(like), value, (long) value);
  }

  // --------------------------------------------------------------- sequences

  /** The int64 numbers 0, 1, … end-1. */
  public static Tensor arange(long end) {
    return arange(0, end, 1);
  }

  /** The int64 numbers start, start+1, … below end. */
  public static Tensor arange(long start, long end) {
    return arange(start, end, 1);
  }

  /**
   * The int64 numbers start, start+step, … before end.
   *
   * @throws IllegalArgumentException if step is 0 or leads away from end
   */
  public static Tensor arange(long start, long end, long step) {
    return arange(start, end, step, Device.CPU);
  }

  /** The int64 numbers start, start+step, … before end, on a device. */
  public static Tensor arange(long start, long end, long step, Device device) {
    return sequence(DType.INT64, device, start, end, step);
  }

  /** The float32 numbers start, start+step, … before end; see {@link #arange(long, long, long)}. */
  public static Tensor arange(double start, double end, double step) {
    return sequence(DType.FLOAT32, Device.CPU, start, end, step);
  }

  private static Tensor sequence(
      DType dtype, Device device, double start, double end, double step) {
    if (step == 0) {
      throw new IllegalArgumentException("step must be nonzero");
    }
    if (start != end && (start < end) != (step > 0)) {
      throw new IllegalArgumentException(
          "upper bound and lower bound inconsistent with step sign: from "
              + start
              + " to "
              + end
              + " by "
              + step);
    }
    Tensor out = empty(dtype, device, (long) Math.ceil((end - start) / step));
    Native.arange(out.device().id(), dtype.code(), out.numel(), start, step, out.address());
    return out;
  }

  /** The float32 identity matrix of n rows. */
  public static Tensor eye(long n) {
    return eye(n, n);
  }

  /** A float32 matrix with ones on the diagonal. */
  public static Tensor eye(long rows, long columns) {
    return eye(rows, columns, Device.CPU);
  }

  /** A float32 matrix with ones on the diagonal, on a device. */
  public static Tensor eye(long rows, long columns, Device device) {
    Tensor out = zeros(DType.FLOAT32, device, rows, columns);
    long n = Math.min(rows, columns);
    if (n > 0) {
      try (Scope scope = Scope.open()) {
        fill(out.asView(new long[] {n}, new long[] {columns + 1}, 0), 1, 1);
      }
    }
    return out;
  }

  // ------------------------------------------------------------------- random

  /** Uniform float32 numbers in [0, 1). */
  public static Tensor rand(long... shape) {
    return rand(DType.FLOAT32, shape);
  }

  /** Uniform numbers in [0, 1) of a floating type. */
  public static Tensor rand(DType dtype, long... shape) {
    return uniform(empty(dtype, shape), 0, 1, Generator.defaultGenerator());
  }

  /** Uniform numbers in [0, 1) of a floating type, on a device. */
  public static Tensor rand(DType dtype, Device device, long... shape) {
    return uniform(empty(dtype, device, shape), 0, 1, Generator.defaultGenerator());
  }

  /** Uniform float32 numbers in [0, 1) from a generator of one's own. */
  public static Tensor rand(Generator generator, long... shape) {
    return uniform(empty(shape), 0, 1, generator);
  }

  /** Standard normal float32 numbers. */
  public static Tensor randn(long... shape) {
    return randn(DType.FLOAT32, shape);
  }

  /** Standard normal numbers of a floating type. */
  public static Tensor randn(DType dtype, long... shape) {
    return normal(empty(dtype, shape), 0, 1, Generator.defaultGenerator());
  }

  /** Standard normal numbers of a floating type, on a device. */
  public static Tensor randn(DType dtype, Device device, long... shape) {
    return normal(empty(dtype, device, shape), 0, 1, Generator.defaultGenerator());
  }

  /** Standard normal float32 numbers from a generator of one's own. */
  public static Tensor randn(Generator generator, long... shape) {
    return normal(empty(shape), 0, 1, generator);
  }

  /** Uniform numbers in [0, 1), in the shape and type of another tensor. */
  public static Tensor randLike(Tensor like) {
    return uniform(emptyLike(like), 0, 1, Generator.defaultGenerator());
  }

  /** Standard normal numbers, in the shape and type of another tensor. */
  public static Tensor randnLike(Tensor like) {
    return normal(emptyLike(like), 0, 1, Generator.defaultGenerator());
  }

  /**
   * Int64 numbers, each drawn uniformly from [low, high).
   *
   * @throws IllegalArgumentException if low is not below high
   */
  public static Tensor randint(long low, long high, long... shape) {
    return randint(Generator.defaultGenerator(), low, high, shape);
  }

  /** Int64 numbers in [low, high) from a generator of one's own. */
  public static Tensor randint(Generator generator, long low, long high, long... shape) {
    Tensor out = empty(DType.INT64, shape);
    generator.randomInt(out, low, high);
    return out;
  }

  /** Int64 numbers in [low, high), on a device. */
  public static Tensor randint(Device device, long low, long high, long... shape) {
    Tensor out = empty(DType.INT64, device, shape);
    Generator.defaultGenerator().randomInt(out, low, high);
    return out;
  }

  /** A random permutation of the int64 numbers 0…n-1. */
  public static Tensor randperm(long n) {
    return randperm(Generator.defaultGenerator(), n);
  }

  /** A random permutation of 0…n-1 from a generator of one's own. */
  public static Tensor randperm(Generator generator, long n) {
    Tensor out = empty(DType.INT64, n);
    generator.permutation(out);
    return out;
  }

  static Tensor uniform(Tensor out, double from, double to, Generator generator) {
    checkRandomType(out, "uniform");
    generator.uniform(out, from, to);
    return out;
  }

  static Tensor normal(Tensor out, double mean, double std, Generator generator) {
    checkRandomType(out, "normal");
    generator.normal(out, mean, std);
    return out;
  }

  private static void checkRandomType(Tensor out, String what) {
    if (!out.dtype().isFloating()) {
      throw new IllegalArgumentException(
          what + " numbers need a floating point type, got " + out.dtype());
    }
  }

  // ------------------------------------------------------------------ joining

  /**
   * Joins tensors along an existing dimension.
   *
   * @param tensors at least one, of equal shape but for that dimension
   * @param dim the dimension
   */
  public static Tensor cat(List<Tensor> tensors, int dim) {
    return dev.talus.ops.Cat.apply(tensors, dim);
  }

  /**
   * Joins tensors of equal shape along a new dimension.
   *
   * @param tensors at least one
   * @param dim where the new dimension goes
   */
  public static Tensor stack(List<Tensor> tensors, int dim) {
    if (tensors.isEmpty()) {
      throw new IllegalArgumentException("stack expects a non-empty list of tensors");
    }
    try (Scope scope = Scope.open()) {
      List<Tensor> slices = new ArrayList<>(tensors.size());
      for (Tensor tensor : tensors) {
        slices.add(tensor.unsqueeze(dim));
      }
      return scope.escape(cat(slices, dim));
    }
  }
}
