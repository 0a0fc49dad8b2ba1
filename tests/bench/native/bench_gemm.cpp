// Float32 matrix products against OpenBLAS: bench_gemm <libopenblas.so> [threads] [rounds] [name...]
#include <cstdlib>

#include "kernels.h"
#include "parallel.h"
#include "rounds.h"

namespace {

struct Shape {
  const char* name;
  int64_t m, n, k;
  bool trans_a, trans_b;
};

// x [64, in] * w [out, in]^T forward, then the gradients of x and of w.
#define LINEAR(in, out)                                                            \
  {"linear", 64, out, in, false, true}, {"  grad x", 64, in, out, false, false}, { \
    "  grad w", out, in, 64, true, false                                           \
  }

const Shape kShapes[] = {
    {"square", 16, 16, 16, false, false},
    {"square", 32, 32, 32, false, false},
    {"square", 64, 64, 64, false, false},
    {"square", 128, 128, 128, false, false},
    {"square", 256, 256, 256, false, false},
    {"square", 512, 512, 512, false, false},
    {"square", 1024, 1024, 1024, false, false},
    {"square", 2048, 2048, 2048, false, false},
    {"square nt", 512, 512, 512, false, true},
    {"square tn", 512, 512, 512, true, false},
    LINEAR(784, 1024),
    LINEAR(1024, 1024),
    LINEAR(576, 120),
    LINEAR(120, 84),
    LINEAR(84, 10),
    {"conv 3x3", 64, 3136, 576, false, false},
    {"row", 1, 1000, 1000, false, true},
    {"column", 1000, 1, 1000, false, false},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_gemm <libopenblas.so> [threads] [rounds] [name...]\n");
    return 2;
  }
  const bench::OpenBlas blas(argv[1]);
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1, rounds = argc > 3 ? std::atoi(argv[3]) : 41;
  talus::set_num_threads(threads);
  blas.set_threads(threads);
  std::printf("%-10s %5s %5s %5s     median GF/s: Talus, OpenBLAS, ratio   best GF/s: Talus, OpenBLAS, ratio\n", "",
              "m", "n", "k");
  for (const Shape& s : kShapes) {
    if (!bench::selected(s.name, argc, argv, 4)) continue;
    const auto a = bench::values<float>(s.m * s.k), b = bench::values<float>(s.k * s.n);
    std::vector<float> c(static_cast<size_t>(s.m * s.n));
    const int64_t lda = s.trans_a ? s.m : s.k, ldb = s.trans_b ? s.k : s.n;
    const talus::GemmParams p = {1,   s.trans_a, s.trans_b,          s.m, s.n, s.k, 1,        a.data(),
                                 lda, 0,         b.data(),           ldb, 0,   0,   c.data(), s.n,
                                 0,   nullptr,   TALUS_EPILOGUE_NONE};
    const auto i = [](int64_t v) { return static_cast<int>(v); };
    const auto time = bench::race({[&] { talus::cpu::gemm(TALUS_FLOAT32, p); },
                                   [&] {
                                     blas.sgemm(101, s.trans_a ? 112 : 111, s.trans_b ? 112 : 111, i(s.m), i(s.n),
                                                i(s.k), 1, a.data(), i(lda), b.data(), i(ldb), 0, c.data(), i(s.n));
                                   }},
                                  rounds, std::chrono::milliseconds(threads > 1 ? 40 : 0));
    const double flops = 2e-9 * static_cast<double>(s.m * s.n * s.k);
    std::printf("%-10s %5d %5d %5d %c%c  %8.1f %8.1f %6.2f  %8.1f %8.1f %6.2f\n", s.name, i(s.m), i(s.n), i(s.k),
                s.trans_a ? 't' : 'n', s.trans_b ? 't' : 'n', flops / time[0].median, flops / time[1].median,
                time[1].median / time[0].median, flops / time[0].best, flops / time[1].best,
                time[1].best / time[0].best);
    std::fflush(stdout);
  }
  return 0;
}
