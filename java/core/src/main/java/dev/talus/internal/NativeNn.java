package dev.talus.internal;

import static dev.talus.bindings.talus.*;
import static dev.talus.internal.Native.check;

/**
 * Calls of the generated bindings that serve layers: losses, normalisation, products, convolution,
 * pooling, optimizers. Parameters mean what {@code talus.h} says.
 */
public final class NativeNn {
  private NativeNn() {}

  // ---------------------------------------------------------- rows and losses

  public static void softmax(
      int device, boolean log, int type, long rows, long cols, long x, long out) {
    check(talus_softmax(device, log ? 1 : 0, type, rows, cols, x, out));
  }

  public static void softmaxBackward(
      int device, boolean log, int type, long rows, long cols, long grad, long y, long gradX) {
    check(talus_softmax_backward(device, log ? 1 : 0, type, rows, cols, grad, y, gradX));
  }

  public static void nllLoss(
      int device,
      int type,
      long n,
      long classes,
      long inner,
      long x,
      long target,
      long weight,
      long ignoreIndex,
      int reduction,
      long out,
      long totalWeight) {
    check(
        talus_nll_loss(
            device,
            type,
            n,
            classes,
            inner,
            x,
            target,
            weight,
            ignoreIndex,
            reduction,
            out,
            totalWeight));
  }

  public static void nllLossBackward(
      int device,
      int type,
      long n,
      long classes,
      long inner,
      long grad,
      long target,
      long weight,
      long ignoreIndex,
      int reduction,
      long totalWeight,
      long gradX) {
    check(
        talus_nll_loss_backward(
            device,
            type,
            n,
            classes,
            inner,
            grad,
            target,
            weight,
            ignoreIndex,
            reduction,
            totalWeight,
            gradX));
  }

  /** exps and sums may be 0. */
  public static void crossEntropy(
      int device,
      int type,
      long n,
      long classes,
      long x,
      long target,
      long weight,
      long ignoreIndex,
      int reduction,
      long out,
      long totalWeight,
      long exps,
      long sums) {
    check(
        talus_cross_entropy(
            device,
            type,
            n,
            classes,
            x,
            target,
            weight,
            ignoreIndex,
            reduction,
            out,
            totalWeight,
            exps,
            sums));
  }

  public static void crossEntropyBackward(
      int device,
      int type,
      long n,
      long classes,
      long grad,
      long exps,
      long sums,
      long target,
      long weight,
      long ignoreIndex,
      int reduction,
      long totalWeight,
      long gradX) {
    check(
        talus_cross_entropy_backward(
            device,
            type,
            n,
            classes,
            grad,
            exps,
            sums,
            target,
            weight,
            ignoreIndex,
            reduction,
            totalWeight,
            gradX));
  }

  public static void dropout(
      int device, int type, long n, long inner, long x, long kept, double keep, long out) {
    check(talus_dropout(device, type, n, inner, x, kept, keep, out));
  }

  public static void mseLoss(
      int device, int type, long n, long x, long y, int reduction, long out) {
    check(talus_mse_loss(device, type, n, x, y, reduction, out));
  }

  // ------------------------------------------------------------ normalisation

  public static void batchNorm(
      int device,
      int type,
      long n,
      long channels,
      long inner,
      long x,
      long weight,
      long bias,
      long runningMean,
      long runningVar,
      boolean training,
      double momentum,
      double eps,
      long out,
      long mean,
      long rstd) {
    check(
        talus_batch_norm(
            device,
            type,
            n,
            channels,
            inner,
            x,
            weight,
            bias,
            runningMean,
            runningVar,
            training ? 1 : 0,
            momentum,
            eps,
            out,
            mean,
            rstd));
  }

  public static void batchNormBackward(
      int device,
      int type,
      long n,
      long channels,
      long inner,
      long grad,
      long x,
      long weight,
      long mean,
      long rstd,
      boolean training,
      long gradX,
      long gradWeight,
      long gradBias) {
    check(
        talus_batch_norm_backward(
            device,
            type,
            n,
            channels,
            inner,
            grad,
            x,
            weight,
            mean,
            rstd,
            training ? 1 : 0,
            gradX,
            gradWeight,
            gradBias));
  }

  public static void layerNorm(
      int device,
      int type,
      long rows,
      long cols,
      long x,
      long weight,
      long bias,
      double eps,
      long out,
      long mean,
      long rstd) {
    check(talus_layer_norm(device, type, rows, cols, x, weight, bias, eps, out, mean, rstd));
  }

  public static void layerNormBackward(
      int device,
      int type,
      long rows,
      long cols,
      long grad,
      long x,
      long weight,
      long mean,
      long rstd,
      long gradX,
      long gradWeight,
      long gradBias) {
    check(
        talus_layer_norm_backward(
            device, type, rows, cols, grad, x, weight, mean, rstd, gradX, gradWeight, gradBias));
  }

  // ------------------------------------------------- matmul, convolution, pooling

  public static void gemm(
      int device,
      int type,
      long batch,
      boolean transA,
      boolean transB,
      long m,
      long n,
      long k,
      double alpha,
      long a,
      long lda,
      long strideA,
      long b,
      long ldb,
      long strideB,
      double beta,
      long c,
      long ldc,
      long strideC,
      long bias,
      int epilogue) {
    check(
        talus_gemm(
            device,
            type,
            batch,
            transA ? 1 : 0,
            transB ? 1 : 0,
            m,
            n,
            k,
            alpha,
            a,
            lda,
            strideA,
            b,
            ldb,
            strideB,
            beta,
            c,
            ldc,
            strideC,
            bias,
            epilogue));
  }

  /** Loads cuBLAS before it is chosen; errors say where it was looked for. */
  public static void chooseGemm(String provider) {
    if (provider.equals("cublas")) {
      if (talus_cuda_device_count() == 0) {
        throw new UnsupportedOperationException(
            "cuBLAS multiplies on CUDA devices only, and there is none: "
                + Native.missingCuda()
                + "; choose -Dtalus.gemm=native");
      }
      long[] entries = Cublas.load(System.getProperty("talus.cublas"));
      check(talus_cublas_entries(entries));
    }
    check(talus_set_gemm_provider(provider));
  }

  public static String gemmProvider() {
    return talus_gemm_provider();
  }

  public static void forceConv2d(int pass, String algorithm) {
    check(talus_conv2d_force(pass, algorithm));
  }

  public static String conv2dAlgorithm(int device, int type, int pass, long[] params) {
    String algorithm = talus_conv2d_algorithm(device, type, pass, params);
    if (algorithm == null) {
      throw Native.failure();
    }
    return algorithm;
  }

  /** Lines of three fields with tabs between. */
  public static String conv2dRules(int type) {
    String rules = talus_conv2d_rules(type);
    if (rules == null) {
      throw Native.failure();
    }
    return rules;
  }

  public static void conv2d(
      int device, int type, long[] params, long x, long w, long bias, int epilogue, long out) {
    check(talus_conv2d(device, type, params, x, w, bias, epilogue, out));
  }

  public static void conv2dBackwardInput(
      int device, int type, long[] params, long grad, long w, long gradX) {
    check(talus_conv2d_backward_input(device, type, params, grad, w, gradX));
  }

  public static void conv2dBackwardWeight(
      int device, int type, long[] params, long grad, long x, long gradW) {
    check(talus_conv2d_backward_weight(device, type, params, grad, x, gradW));
  }

  public static void conv2dBackwardBias(
      int device, int type, long[] params, long grad, long gradBias) {
    check(talus_conv2d_backward_bias(device, type, params, grad, gradBias));
  }

  public static void maxPool2d(int device, int type, long[] params, long x, long out, long taps) {
    check(talus_max_pool2d(device, type, params, x, out, taps));
  }

  public static void maxPool2dBackward(
      int device, int type, long[] params, long grad, long taps, long gradX) {
    check(talus_max_pool2d_backward(device, type, params, grad, taps, gradX));
  }

  public static void avgPool2d(int device, int type, long[] params, long x, long out) {
    check(talus_avg_pool2d(device, type, params, x, out));
  }

  public static void avgPool2dBackward(int device, int type, long[] params, long grad, long gradX) {
    check(talus_avg_pool2d_backward(device, type, params, grad, gradX));
  }

  public static void adaptiveAvgPool2d(
      int device, int type, long planes, long h, long w, long outH, long outW, long x, long out) {
    check(talus_adaptive_avg_pool2d(device, type, planes, h, w, outH, outW, x, out));
  }

  public static void adaptiveAvgPool2dBackward(
      int device,
      int type,
      long planes,
      long h,
      long w,
      long outH,
      long outW,
      long grad,
      long gradX) {
    check(talus_adaptive_avg_pool2d_backward(device, type, planes, h, w, outH, outW, grad, gradX));
  }

  // --------------------------------------------------------------- optimizers

  public static void sgdStep(
      int device,
      int type,
      long[] numels,
      long[] params,
      long[] grads,
      long[] buffers,
      double lr,
      double momentum,
      double dampening,
      double weightDecay,
      boolean nesterov,
      boolean maximize,
      boolean first) {
    check(
        talus_sgd_step(
            device,
            type,
            numels.length,
            numels,
            params,
            grads,
            buffers,
            lr,
            momentum,
            dampening,
            weightDecay,
            nesterov ? 1 : 0,
            maximize ? 1 : 0,
            first ? 1 : 0));
  }

  public static void adamStep(
      int device,
      int type,
      long[] numels,
      long[] params,
      long[] grads,
      long[] averages,
      long[] squares,
      long[] maxSquares,
      double lr,
      double beta1,
      double beta2,
      double eps,
      double weightDecay,
      boolean decoupled,
      boolean maximize,
      long step) {
    check(
        talus_adam_step(
            device,
            type,
            numels.length,
            numels,
            params,
            grads,
            averages,
            squares,
            maxSquares,
            lr,
            beta1,
            beta2,
            eps,
            weightDecay,
            decoupled ? 1 : 0,
            maximize ? 1 : 0,
            step));
  }
}
