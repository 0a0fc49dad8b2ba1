package dev.talus.tests.cuda;

import java.util.Set;

/** What cannot run on CUDA devices yet, because a kernel is missing; this list only shrinks. */
final class MissingKernels {
  /** Rows of the op table, by name. */
  static final Set<String> OPS =
      Set.of(
          // convolution and pooling
          "conv2d",
          "conv2d stride",
          "conv2d padding",
          "conv2d dilation",
          "conv2d groups",
          "conv2d all options",
          "conv2d without bias",
          "max_pool2d",
          "max_pool2d overlapping",
          "max_pool2d dilated",
          "max_pool2d large window",
          "max_pool2d ceil",
          "avg_pool2d",
          "avg_pool2d padding",
          "avg_pool2d without counting padding",
          "adaptive_avg_pool2d",
          "adaptive_avg_pool2d 2 3",
          "adaptive_avg_pool2d 7");

  /** Whether a network with convolutions and pooling can be trained. */
  static final boolean LENET = true;

  private MissingKernels() {}
}
