package dev.talus.internal;

import static dev.talus.bindings.talus.*;

import dev.talus.memory.OutOfMemoryException;
import java.util.Arrays;

/**
 * Calls of the generated bindings that serve tensors; {@link NativeNn} holds those that serve
 * layers, {@link NativeCuda} streams and graphs, and nothing else calls the bindings. Status codes
 * become exceptions, and ranks come from the geometry. Parameters mean what {@code talus.h} says.
 */
public final class Native {
  private Native() {}

  // ------------------------------------------------------------------ status

  static void check(int status) {
    if (status != TALUS_OK) {
      throw failure(status, talus_last_error());
    }
  }

  /** An address as a function returned it that has no status to return: 0 where it failed. */
  static long made(long address) {
    if (address == 0) {
      throw failure();
    }
    return address;
  }

  /** Why the last call of this thread failed that returned no status. */
  static RuntimeException failure() {
    return failure(talus_last_status(), talus_last_error());
  }

  private static RuntimeException failure(int status, String message) {
    switch (status) {
      case TALUS_INVALID_ARGUMENT:
        return new IllegalArgumentException(message);
      case TALUS_OUT_OF_MEMORY:
        return new OutOfMemoryException(message);
      case TALUS_INDEX_ERROR:
        return new IndexOutOfBoundsException(message);
      case TALUS_UNSUPPORTED:
        return new UnsupportedOperationException(message);
      default:
        return new IllegalStateException("internal error in the native library: " + message);
    }
  }

  private static int rank(long[] geometry, int operands) {
    return geometry == null ? 0 : geometry.length / (operands + 1);
  }

  // --------------------------------------------------------- library, threads

  public static String version() {
    return talus_version();
  }

  /** The instruction set in use; an error where TALUS_ISA names one this machine lacks. */
  public static String isa() {
    String isa = talus_isa();
    if (isa == null) {
      throw failure();
    }
    return isa;
  }

  public static String availableIsas() {
    return talus_available_isas();
  }

  public static void setIsa(String name) {
    check(talus_set_isa(name));
  }

  public static void setNumThreads(int threads) {
    check(talus_set_num_threads(threads));
  }

  public static int numThreads() {
    return talus_num_threads();
  }

  public static void setFloat32MatmulPrecision(boolean high) {
    check(
        talus_set_float32_matmul_precision(high ? TALUS_PRECISION_HIGH : TALUS_PRECISION_HIGHEST));
  }

  public static boolean float32MatmulPrecisionIsHigh() {
    return talus_float32_matmul_precision() == TALUS_PRECISION_HIGH;
  }

  public static void setConvFp32Precision(boolean high) {
    check(talus_set_conv_fp32_precision(high ? TALUS_PRECISION_HIGH : TALUS_PRECISION_HIGHEST));
  }

  public static boolean convFp32PrecisionIsHigh() {
    return talus_conv_fp32_precision() == TALUS_PRECISION_HIGH;
  }

  // ------------------------------------------------------------------ devices

  public static int cudaCount() {
    return talus_cuda_device_count();
  }

  /** What the library says to somebody who asks for the first CUDA device where none is. */
  public static String missingCuda() {
    return talus_device_name(TALUS_DEVICE_CUDA) == null ? talus_last_error() : null;
  }

  public static String deviceName(int device) {
    String name = talus_device_name(device);
    if (name == null) {
      throw failure();
    }
    return name;
  }

  public static void synchronize(int device) {
    check(talus_synchronize(device));
  }

  // ------------------------------------------------------------------- memory

  public static long alloc(int device, long bytes) {
    return made(talus_alloc(device, bytes));
  }

  public static void free(int device, long block) {
    check(talus_free(device, block));
  }

  public static long[] memoryStats(int device) {
    long[] stats = new long[TALUS_MEM_STATS];
    check(talus_memory_stats(device, stats));
    return stats;
  }

  public static void resetPeak(int device) {
    check(talus_memory_reset_peak(device));
  }

  public static void setMemoryLimit(int device, long bytes) {
    check(talus_memory_set_limit(device, bytes));
  }

  public static void trim(int device) {
    check(talus_memory_trim(device));
  }

  /** Pairs of block size and live blocks, the size classes with most live bytes first. */
  public static long[] memoryHolders(int device, int rows) {
    long[] pairs = new long[2 * rows];
    int filled = talus_memory_holders(device, rows, pairs);
    if (filled < 0) {
      throw failure();
    }
    return Arrays.copyOf(pairs, 2 * filled);
  }

  public static void put(int device, long to, float[] from) {
    check(talus_put_f32(device, to, from, from.length));
  }

  public static void put(int device, long to, double[] from) {
    check(talus_put_f64(device, to, from, from.length));
  }

  public static void put(int device, long to, long[] from) {
    check(talus_put_i64(device, to, from, from.length));
  }

  public static void put(int device, long to, int[] from) {
    check(talus_put_i32(device, to, from, from.length));
  }

  public static void put(int device, long to, byte[] from) {
    check(talus_put_u8(device, to, from, from.length));
  }

  public static void get(int device, long from, float[] to) {
    check(talus_get_f32(device, from, to, to.length));
  }

  public static void get(int device, long from, double[] to) {
    check(talus_get_f64(device, from, to, to.length));
  }

  public static void get(int device, long from, long[] to) {
    check(talus_get_i64(device, from, to, to.length));
  }

  public static void get(int device, long from, int[] to) {
    check(talus_get_i32(device, from, to, to.length));
  }

  public static void get(int device, long from, byte[] to) {
    check(talus_get_u8(device, from, to, to.length));
  }

  public static void transfer(int fromDevice, long from, int toDevice, long to, long bytes) {
    check(talus_transfer(fromDevice, from, toDevice, to, bytes));
  }

  // ------------------------------------------------------- copy, element-wise

  public static void copy(
      int device, int srcType, int dstType, long n, long[] geometry, long src, long dst) {
    check(talus_copy(device, srcType, dstType, n, rank(geometry, 2), geometry, src, dst));
  }

  public static void fill(
      int device, int type, long n, long[] geometry, double value, long integer, long out) {
    check(talus_fill(device, type, n, rank(geometry, 1), geometry, value, integer, out));
  }

  public static void arange(int device, int type, long n, double start, double step, long out) {
    check(talus_arange(device, type, n, start, step, out));
  }

  public static void unary(
      int device, int op, int type, long n, long[] geometry, long x, double p0, double p1, long y) {
    check(talus_unary(device, op, type, n, rank(geometry, 2), geometry, x, p0, p1, y));
  }

  public static void binary(
      int device, int op, int type, long n, long[] geometry, long x, long y, double p0, long out) {
    check(talus_binary(device, op, type, n, rank(geometry, 3), geometry, x, y, p0, out));
  }

  public static void where(
      int device, int type, long n, long[] geometry, long condition, long x, long y, long out) {
    check(talus_where(device, type, n, rank(geometry, 4), geometry, condition, x, y, out));
  }

  // --------------------------------------------------------------- reductions

  public static void reduce(
      int device,
      int op,
      int type,
      int kept,
      long[] geometry,
      long x,
      double p0,
      long out,
      long indices) {
    check(talus_reduce(device, op, type, rank(geometry, 1), kept, geometry, x, p0, out, indices));
  }

  // ----------------------------------------------------------------- indexing

  public static void indexSelect(
      int device, int type, long outer, long size, long inner, long count, long x, long i, long y) {
    check(talus_index_select(device, type, outer, size, inner, count, x, i, y));
  }

  public static void indexAdd(
      int device, int type, long outer, long size, long inner, long count, long x, long i, long y) {
    check(talus_index_add(device, type, outer, size, inner, count, x, i, y));
  }

  public static void gather(
      int device, int type, long outer, long size, long inner, long count, long x, long i, long y) {
    check(talus_gather(device, type, outer, size, inner, count, x, i, y));
  }

  public static void scatterAdd(
      int device, int type, long outer, long size, long inner, long count, long x, long i, long y) {
    check(talus_scatter_add(device, type, outer, size, inner, count, x, i, y));
  }

  public static void oneHot(int device, long n, long classes, long index, long out) {
    check(talus_one_hot(device, n, classes, index, out));
  }

  public static void imageBatch(
      int device,
      long count,
      long height,
      long width,
      long pad,
      double mean,
      double std,
      long n,
      long src,
      long index,
      long out) {
    check(talus_image_batch(device, count, height, width, pad, mean, std, n, src, index, out));
  }

  // ------------------------------------------------------------------- random

  public static long generatorCreate(long seed) {
    return made(talus_generator_create(seed));
  }

  public static void generatorFree(long generator) {
    check(talus_generator_free(generator));
  }

  public static void generatorSeed(long generator, long seed) {
    check(talus_generator_seed(generator, seed));
  }

  public static void generatorCopy(long from, long to) {
    check(talus_generator_copy(from, to));
  }

  public static void uniform(
      int device, long generator, int type, long n, double from, double to, long out) {
    check(talus_random_uniform(device, generator, type, n, from, to, out));
  }

  public static void normal(
      int device, long generator, int type, long n, double mean, double std, long out) {
    check(talus_random_normal(device, generator, type, n, mean, std, out));
  }

  public static void randomInt(
      int device, long generator, int type, long n, long low, long high, long out) {
    check(talus_random_int(device, generator, type, n, low, high, out));
  }

  public static void bernoulli(int device, long generator, int type, long n, double p, long out) {
    check(talus_random_bernoulli(device, generator, type, n, p, out));
  }

  public static void permutation(int device, long generator, long n, long out) {
    check(talus_random_permutation(device, generator, n, out));
  }
}
