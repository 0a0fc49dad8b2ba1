package dev.talus.tests.cuda;

import java.util.Set;

/** What cannot run on CUDA devices yet, because a kernel is missing; this list only shrinks. */
final class MissingKernels {
  /** Rows of the op table, by name. */
  static final Set<String> OPS =
      Set.of(
          // convolution
          "conv2d",
          "conv2d stride",
          "conv2d padding",
          "conv2d dilation",
          "conv2d groups",
          "conv2d all options",
          "conv2d without bias");

  /** Whether a network with convolutions and pooling can be trained. */
  static final boolean LENET = true;

  private MissingKernels() {}
}
