package dev.talus;

import dev.talus.internal.Native;
import dev.talus.memory.Allocator;
import dev.talus.memory.MemoryStats;
import dev.talus.ops.ConvChoice;
import dev.talus.ops.GemmChoice;

/** What concerns the whole process: the random seed, threads, memory, and what was loaded. */
public final class Talus {
  private Talus() {}

  /**
   * Seeds the default generator: every random number on the CPU from here on is PyTorch's for this
   * seed; those on GPUs repeat, too, see {@link Generator}.
   *
   * @param seed any number
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.manual_seed.html">manual_seed</a>
   */
  public static void manualSeed(long seed) {
    Generator.defaultGenerator().manualSeed(seed);
  }

  /**
   * Sets how many threads kernels may use, the caller included. The default is the number of cores
   * this process was granted. Results do not depend on it.
   *
   * @param threads 1 or more
   * @throws IllegalArgumentException if it is less than 1
   */
  public static void setNumThreads(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("expected 1 or more threads, got " + threads);
    }
    Native.setNumThreads(threads);
  }

  /** How many threads kernels may use. */
  public static int numThreads() {
    return Native.numThreads();
  }

  /**
   * Sets what matrix products of float32 tensors may lose on GPUs, from here on and for the whole
   * process. With {@code highest}, the default, nothing; with {@code high} their operands are
   * rounded to TF32, which keeps float32's range and 10 of its 23 bits of mantissa, and multiplied
   * on tensor cores. It has no effect on the CPU, on GPUs before compute capability 8.0, on
   * products with a vector, and on convolutions, which have {@link #setConvFp32Precision}.
   *
   * @param precision {@code highest} or {@code high}; PyTorch's {@code medium} (bfloat16) does not
   *     exist here
   * @throws IllegalArgumentException if it is another word
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/generated/torch.set_float32_matmul_precision.html">set_float32_matmul_precision</a>
   */
  public static void setFloat32MatmulPrecision(String precision) {
    boolean high = "high".equals(precision);
    if (!high && !"highest".equals(precision)) {
      throw new IllegalArgumentException(
          "setFloat32MatmulPrecision: expected \"highest\" or \"high\", got "
              + (precision == null ? "null" : "\"" + precision + "\""));
    }
    Native.setFloat32MatmulPrecision(high);
  }

  /** What matrix products of float32 tensors may lose on GPUs: {@code highest} or {@code high}. */
  public static String float32MatmulPrecision() {
    return Native.float32MatmulPrecisionIsHigh() ? "high" : "highest";
  }

  /**
   * Sets what convolutions of float32 tensors and their gradients may lose on GPUs, from here on
   * and for the whole process. With {@code ieee}, the default, nothing; with {@code tf32} their
   * operands are rounded to TF32, as {@link #setFloat32MatmulPrecision} says. It has no effect on
   * the CPU, on GPUs before compute capability 8.0, on depthwise convolutions, and on small ones:
   * of the product of matrices that a group is, neither size may be below 16, nor may its sums have
   * fewer terms.
   *
   * <p>PyTorch's setting of this name, like the older {@code torch.backends.cudnn.allow_tf32},
   * allows TF32 from the start. Here results are those of the CPU unless somebody asks for others.
   *
   * @param precision {@code ieee} or {@code tf32}
   * @throws IllegalArgumentException if it is another word
   * @see <a
   *     href="https://docs.pytorch.org/docs/stable/notes/cuda.html">torch.backends.cudnn.conv.fp32_precision</a>
   */
  public static void setConvFp32Precision(String precision) {
    boolean tf32 = "tf32".equals(precision);
    if (!tf32 && !"ieee".equals(precision)) {
      throw new IllegalArgumentException(
          "setConvFp32Precision: expected \"ieee\" or \"tf32\", got "
              + (precision == null ? "null" : "\"" + precision + "\""));
    }
    Native.setConvFp32Precision(tf32);
  }

  /** What convolutions of float32 tensors may lose on GPUs: {@code ieee} or {@code tf32}. */
  public static String convFp32Precision() {
    return Native.convFp32PrecisionIsHigh() ? "tf32" : "ieee";
  }

  /**
   * The memory counters of the CPU now.
   *
   * @throws IllegalArgumentException if one of the system properties {@code talus.memory.limit} and
   *     {@code talus.memory.leak} makes no sense
   */
  public static MemoryStats memory() {
    return Allocator.CPU.stats();
  }

  /**
   * The memory counters of a device now.
   *
   * @param device any device
   * @throws IllegalArgumentException if one of the system properties {@code talus.memory.limit},
   *     {@code talus.cuda.memory.limit} and {@code talus.memory.leak} is the device's and makes no
   *     sense
   */
  public static MemoryStats memory(Device device) {
    return Allocator.of(device).stats();
  }

  /** The instruction set the kernels use: baseline, avx2, avx512 or neon; see {@code TALUS_ISA}. */
  public static String isa() {
    return Native.isa();
  }

  /** The instruction sets this machine could use, separated by commas. */
  public static String availableIsas() {
    return Native.availableIsas();
  }

  /**
   * Tells how a convolution of these images and kernels, and its gradients, would be computed. The
   * values of the tensors do not matter.
   *
   * @param x images [N, C, H, W]
   * @param w kernels [O, C/groups, KH, KW]
   * @param stride one number, or those of height and width; more than 0
   * @param padding zeros around the images, likewise; 0 or more
   * @param dilation distance of neighbouring kernel elements, likewise; more than 0
   * @param groups blocks of channels that do not see each other; 1 by default
   * @return the algorithm of each pass
   * @throws IllegalArgumentException if shapes or types do not fit together
   */
  public static ConvAlgorithms convAlgorithms(
      Tensor x, Tensor w, int[] stride, int[] padding, int[] dilation, int groups) {
    return ConvChoice.of(x, w, stride, padding, dilation, groups);
  }

  /**
   * The rule by which convolutions of float32 tensors choose their algorithm on the CPU: {@code
   * System.out.println(Talus.convRules())} shows the table.
   *
   * @throws IllegalArgumentException if the system property {@code talus.conv} makes no sense
   */
  public static ConvRules convRules() {
    return convRules(DType.FLOAT32);
  }

  /**
   * The rule by which convolutions choose their algorithm on the CPU.
   *
   * @param dtype the tensors' type, float32 or float64
   * @throws UnsupportedOperationException if it is another one
   * @throws IllegalArgumentException if the system property {@code talus.conv} makes no sense
   */
  public static ConvRules convRules(DType dtype) {
    return ConvChoice.rules(dtype);
  }

  /**
   * Sets how convolutions are computed from now on, as the system property {@code talus.conv} does.
   *
   * @param choice {@code gemm}, {@code auto}, {@code forward=gemm,weight=direct} ...; passes that
   *     it does not name stay as they are
   * @throws IllegalArgumentException if it names no pass or no algorithm; nothing is changed then
   * @see ConvAlgorithms
   */
  public static void forceConvAlgorithms(String choice) {
    ConvChoice.force(choice);
  }

  /**
   * Chooses which library computes matrix products on CUDA devices from now on, as the system
   * property {@code talus.gemm} does, which is read before the first product there:
   *
   * <ul>
   *   <li>{@code native}: Talus's kernels, the default
   *   <li>{@code cublas}: cuBLAS of CUDA 12 or later, from the file that the system property {@code
   *       talus.cublas} names, else from the jar of the JavaCPP Presets for CUDA on the class path
   *       that brings it ({@code org.bytedeco:cuda-platform-redist-cublas}), else from where the
   *       system looks for libraries. The first that was loaded stays
   * </ul>
   *
   * <p>cuBLAS then computes every product of matrices on CUDA devices, whatever its size: {@code
   * mm}, {@code bmm}, {@code addmm}, {@code mv}, {@code dot}, {@code matmul}, {@link
   * dev.talus.nn.Linear} and what is made of them, forwards and backwards; and 1x1 convolutions
   * that are plain products, without stride, padding or groups, of a single image or of large ones
   * (the output and the gradient of the input). Bias and relu are added by a kernel of Talus. Other
   * convolutions, and products of no terms, are Talus's own as before, and the CPU computes its
   * products itself.
   *
   * <p>float32 stays float32: cuBLAS is asked for no lower precision. Each product takes a
   * workspace from the device's memory while it runs, 32 MiB on Hopper and later GPUs and 4 MiB on
   * others, and has it for itself, so that results repeat bit for bit on the same GPU with the same
   * version of cuBLAS. They differ from Talus's own in the last bits, and may differ from one kind
   * of GPU to another.
   *
   * @param provider {@code native} or {@code cublas}
   * @throws IllegalArgumentException if there is no such provider
   * @throws UnsupportedOperationException if it is not there, saying where it was looked for, or if
   *     there is no CUDA device
   */
  public static void setGemmProvider(String provider) {
    GemmChoice.choose(provider);
  }

  /** The library that computes matrix products on CUDA devices, see {@link #setGemmProvider}. */
  public static String gemmProvider() {
    return GemmChoice.provider();
  }

  /** The version of the native library. */
  public static String version() {
    return Native.version();
  }
}
