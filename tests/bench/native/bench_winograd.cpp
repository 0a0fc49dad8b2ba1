// Float32 3x3 convolutions at stride 1 by each algorithm that computes them, for the table that chooses one.
// GFLOP/s, counted as direct convolution's, of direct, gemm and Winograd: bench_winograd [threads] [rounds] [first
// shape] [shapes]
#include <cstdlib>

#include "cpu/conv2d_direct.h"
#include "cpu/conv2d_im2col.h"
#include "cpu/conv2d_winograd.h"
#include "kernels.h"
#include "parallel.h"
#include "rounds.h"

namespace {

struct Shape {
  int64_t n, c, h, o;
};

const Shape kShapes[] = {
    {1, 64, 56, 64},   {1, 128, 28, 128},  {1, 256, 14, 256},  {1, 512, 7, 512},  // residual networks
    {32, 64, 56, 64},  {32, 128, 28, 128}, {32, 256, 14, 256}, {32, 512, 7, 512},
    {1, 64, 224, 64},  {1, 64, 112, 128},  {1, 128, 112, 128}, {1, 128, 56, 256},  // VGG-16
    {1, 256, 56, 256}, {1, 256, 28, 512},  {1, 512, 28, 512},  {1, 512, 14, 512},
    {4, 64, 224, 64},  {4, 64, 112, 128},  {4, 128, 112, 128}, {4, 128, 56, 256},
    {4, 256, 56, 256}, {8, 256, 28, 512},  {8, 512, 28, 512},  {32, 512, 14, 512},
    {64, 64, 32, 64},  {64, 128, 16, 128}, {64, 256, 8, 256},  {64, 512, 4, 512},  // CIFAR's
    {8, 3, 64, 64},    {8, 8, 64, 8},      {8, 16, 32, 16},    {8, 32, 32, 32},
    {8, 32, 56, 64},   {8, 48, 14, 48},  // small ones
    {1, 16, 14, 16},   {1, 32, 14, 32},    {1, 64, 14, 64},    {1, 64, 7, 64},
    {8, 16, 7, 16},    {8, 32, 7, 32},
};

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1, rounds = argc > 2 ? std::atoi(argv[2]) : 11;
  const size_t first = argc > 3 ? static_cast<size_t>(std::atoi(argv[3])) : 0;
  const size_t count = argc > 4 ? static_cast<size_t>(std::atoi(argv[4])) : 1000;
  talus::set_num_threads(threads);
  for (size_t i = first; i < std::size(kShapes) && i < first + count; ++i) {
    const Shape& s = kShapes[i];
    const int64_t params[TALUS_CONV_PARAMS] = {s.n, s.c, s.h, s.h, s.o, 3, 3, 1, 1, 1, 1, 1, 1, 1};
    const talus::Conv2dParams p(params);
    const auto x = bench::values<float>(p.n * p.c * p.h * p.w), w = bench::values<float>(p.o * p.c * 9);
    const auto grad = bench::values<float>(p.n * p.o * p.h * p.w);
    std::vector<float> out(grad.size()), grad_x(x.size()), grad_w(w.size());
    using namespace talus::cpu;
    const auto forward = DirectShape::forward(p), backward = DirectShape::backward_input(p);
    const float* none = nullptr;
    const auto time = bench::race(
        {[&] { direct_convolution(forward, x.data(), w.data(), false, none, talus::kNoActivation, out.data()); },
         [&] {
           implicit_convolution(DirectShape::forward(p), x.data(), w.data(), none, talus::kNoActivation, out.data());
         },
         [&] { winograd_convolution(p, x.data(), w.data(), none, talus::kNoActivation, out.data()); },
         [&] { direct_convolution(backward, grad.data(), w.data(), true, none, talus::kNoActivation, grad_x.data()); },
         [&] { im2col_input_gradient(p, grad.data(), w.data(), grad_x.data()); },
         [&] { winograd_input_gradient(p, grad.data(), w.data(), grad_x.data()); },
         [&] { direct_weight_gradient(p, grad.data(), x.data(), grad_w.data()); },
         [&] { im2col_weight_gradient(p, grad.data(), x.data(), grad_w.data()); },
         [&] { winograd_weight_gradient(p, grad.data(), x.data(), grad_w.data()); }},
        rounds, std::chrono::milliseconds(threads > 1 ? 20 : 0));
    const double flops = 18e-9 * static_cast<double>(p.n * p.o * p.c * p.h * p.w);
    std::printf("n%-3d %3d -> %-3d %3d^2", static_cast<int>(p.n), static_cast<int>(p.c), static_cast<int>(p.o),
                static_cast<int>(p.h));
    const char* names[] = {"forward", "grad x", "grad w"};
    for (size_t pass = 0; pass < 3; ++pass) {
      std::printf("   %s:", names[pass]);
      for (size_t j = 0; j < 3; ++j) std::printf(" %4.0f", flops / time[3 * pass + j].median);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}
