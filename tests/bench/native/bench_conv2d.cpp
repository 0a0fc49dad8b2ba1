// Float32 convolutions against OpenBLAS multiplying patches that are already laid out (the copying of patches, which
// such a convolution also needs, is not counted): bench_conv2d <libopenblas.so> [threads] [rounds] [name...]
// A name is part of a row's label, such as resnet50, "n32 c64 " or k1; a row that has one of them runs.
#include <cstdlib>

#include "kernels.h"
#include "parallel.h"
#include "rounds.h"
#include "shapes.h"

namespace {

const bench::Layer kLeNet[] = {{"lenet", 1, 6, 32, 3, 1, 0, 1}, {"lenet", 6, 16, 15, 3, 1, 0, 1}};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_conv2d <libopenblas.so> [threads] [rounds] [name...]\n");
    return 2;
  }
  const bench::OpenBlas blas(argv[1]);
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1, rounds = argc > 3 ? std::atoi(argv[3]) : 41;
  talus::set_num_threads(threads);
  blas.set_threads(threads);
  std::vector<std::pair<int64_t, bench::Layer>> rows;
  for (const bench::Layer& layer : kLeNet) rows.emplace_back(64, layer);
  for (const int64_t n : {1, 32})
    for (const bench::Layer& layer : bench::kLayers) rows.emplace_back(n, layer);
  for (const auto& [n, layer] : rows) {
    char label[128];
    std::snprintf(label, sizeof label, "%s n%d c%d %dx%d o%d k%d stride %d groups %d", layer.net, static_cast<int>(n),
                  static_cast<int>(layer.c), static_cast<int>(layer.size), static_cast<int>(layer.size),
                  static_cast<int>(layer.o), static_cast<int>(layer.kernel), static_cast<int>(layer.stride),
                  static_cast<int>(layer.groups));
    if (!bench::selected(label, argc, argv, 4)) continue;
    const int64_t params[TALUS_CONV_PARAMS] = {n,
                                               layer.c,
                                               layer.size,
                                               layer.size,
                                               layer.o,
                                               layer.kernel,
                                               layer.kernel,
                                               layer.stride,
                                               layer.stride,
                                               layer.pad,
                                               layer.pad,
                                               1,
                                               1,
                                               layer.groups};
    const talus::Conv2dParams p(params);
    const int64_t area = p.out_h() * p.out_w(), taps = p.group_c() * p.kh * p.kw;
    const auto x = bench::values<float>(p.n * p.c * p.h * p.w), w = bench::values<float>(p.o * taps);
    const auto grad = bench::values<float>(p.n * p.o * area), patches = bench::values<float>(p.groups * taps * area);
    std::vector<float> out(grad.size()), grad_x(x.size()), grad_w(w.size()), bias(static_cast<size_t>(p.o));
    const int f = TALUS_FLOAT32, o = static_cast<int>(p.o / p.groups), a = static_cast<int>(area),
              t = static_cast<int>(taps);
    const auto time = bench::race(
        {[&] { talus::cpu::conv2d(f, p, x.data(), w.data(), bias.data(), talus::kNoActivation, out.data()); },
         [&] { talus::cpu::conv2d_backward_input(f, p, grad.data(), w.data(), grad_x.data()); },
         [&] { talus::cpu::conv2d_backward_weight(f, p, grad.data(), x.data(), grad_w.data()); },
         [&] { talus::cpu::conv2d_backward_bias(f, p, grad.data(), bias.data()); },
         [&] {
           for (int64_t i = 0; i < p.n * p.groups; ++i) {
             const int64_t g = i % p.groups;
             blas.sgemm(101, 111, 111, o, a, t, 1, w.data() + g * o * taps, t, patches.data() + g * taps * area, a, 0,
                        out.data() + i * o * area, a);
           }
         }},
        rounds, std::chrono::milliseconds(threads > 1 ? 40 : 0));
    const double flops = 2e-9 * static_cast<double>(p.n * p.o * taps * area);
    std::printf("%s\n", label);
    const char* names[] = {"forward", "grad x", "grad w", "grad bias", "OpenBLAS product"};
    for (size_t i = 0; i < time.size(); ++i)
      std::printf("    %-17s median %9.1f us, best %9.1f us (%.0f GF/s)\n", names[i], time[i].median * 1e6,
                  time[i].best * 1e6, flops / time[i].best);
    std::fflush(stdout);
  }
  return 0;
}
