// Float32 convolutions against OpenBLAS multiplying patches that are already laid out (the copying of patches, which
// such a convolution also needs, is not counted): bench_conv2d <libopenblas.so> [threads] [rounds]
#include <cstdlib>

#include "kernels.h"
#include "parallel.h"
#include "rounds.h"

namespace {

// n c h w o kh kw stride pad dilation groups
const int64_t kShapes[][TALUS_CONV_PARAMS] = {
    {64, 1, 32, 32, 6, 3, 3, 1, 1, 0, 0, 1, 1, 1},  // LeNet
    {64, 6, 15, 15, 16, 3, 3, 1, 1, 0, 0, 1, 1, 1},
    {8, 64, 56, 56, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1},  // the shapes of a residual network
    {8, 64, 56, 56, 128, 3, 3, 2, 2, 1, 1, 1, 1, 1},
    {8, 256, 14, 14, 256, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {8, 256, 14, 14, 64, 1, 1, 1, 1, 0, 0, 1, 1, 1},
    {8, 64, 7, 7, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {8, 512, 7, 7, 512, 3, 3, 1, 1, 1, 1, 1, 1, 1},
    {1, 512, 7, 7, 512, 3, 3, 1, 1, 1, 1, 1, 1, 1},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_conv2d <libopenblas.so> [threads] [rounds]\n");
    return 2;
  }
  const bench::OpenBlas blas(argv[1]);
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1, rounds = argc > 3 ? std::atoi(argv[3]) : 41;
  talus::set_num_threads(threads);
  blas.set_threads(threads);
  for (const auto& shape : kShapes) {
    const talus::Conv2dParams p(shape);
    const int64_t area = p.out_h() * p.out_w(), taps = p.group_c() * p.kh * p.kw;
    const auto x = bench::values<float>(p.n * p.c * p.h * p.w), w = bench::values<float>(p.o * taps);
    const auto grad = bench::values<float>(p.n * p.o * area), patches = bench::values<float>(taps * area);
    std::vector<float> out(grad.size()), grad_x(x.size()), grad_w(w.size()), bias(static_cast<size_t>(p.o));
    const int f = TALUS_FLOAT32, o = static_cast<int>(p.o), a = static_cast<int>(area), t = static_cast<int>(taps);
    const auto time = bench::race(
        {[&] { talus::cpu::conv2d(f, p, x.data(), w.data(), bias.data(), TALUS_EPILOGUE_NONE, out.data()); },
         [&] { talus::cpu::conv2d_backward_input(f, p, grad.data(), w.data(), grad_x.data()); },
         [&] { talus::cpu::conv2d_backward_weight(f, p, grad.data(), x.data(), grad_w.data()); },
         [&] { talus::cpu::conv2d_backward_bias(f, p, grad.data(), bias.data()); },
         [&] {
           for (int64_t n = 0; n < p.n; ++n)
             blas.sgemm(101, 111, 111, o, a, t, 1, w.data(), t, patches.data(), a, 0, out.data() + n * p.o * area, a);
         }},
        rounds, std::chrono::milliseconds(threads > 1 ? 40 : 0));
    const double flops = 2e-9 * static_cast<double>(p.n * p.o * taps * area);
    std::printf("n%-3d c%-3d %2dx%-2d o%-3d k%d stride %d\n", static_cast<int>(p.n), static_cast<int>(p.c),
                static_cast<int>(p.h), static_cast<int>(p.w), o, static_cast<int>(p.kh), static_cast<int>(p.stride_h));
    const char* names[] = {"forward", "grad x", "grad w", "grad bias", "OpenBLAS product"};
    for (size_t i = 0; i < time.size(); ++i)
      std::printf("    %-17s median %9.1f us, best %9.1f us (%.0f GF/s)\n", names[i], time[i].median * 1e6,
                  time[i].best * 1e6, flops / time[i].best);
    std::fflush(stdout);
  }
  return 0;
}
