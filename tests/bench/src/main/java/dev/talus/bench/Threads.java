package dev.talus.bench;

import dev.talus.Talus;
import org.bytedeco.openblas.presets.openblas_nolapack;
import org.bytedeco.pytorch.global.torch;

/** How many threads the libraries use. */
final class Threads {
  private Threads() {}

  static void talus(int count) {
    Talus.setNumThreads(count);
  }

  /** libtorch multiplies matrices with OpenBLAS, whose threads are its own. */
  static void torch(int count, int blasCount) {
    torch.set_num_threads(count);
    blas(blasCount);
  }

  static void blas(int count) {
    openblas_nolapack.blas_set_num_threads(count);
  }
}
