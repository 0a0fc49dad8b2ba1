// Every algorithm that can compute a convolution, for the table that chooses one: GFLOP/s, counted as direct
// convolution's, of each pass of the layers of well-known networks. A star marks the one the table takes, ! a table
// entry more than 5% slower than another: bench_conv_choice [threads] [images] [rounds] [name...]
// A name is part of a row's label, such as resnext50 or "c64 "; a row that has one of them runs.
#include <cstdlib>
#include <cstring>

#include "cpu/conv2d_choice.h"
#include "kernels.h"
#include "memory.h"
#include "parallel.h"
#include "rounds.h"
#include "shapes.h"

namespace {

using talus::cpu::ConvPass;

constexpr struct {
  ConvPass pass;
  const char* name;
} kPasses[] = {
    {ConvPass::Forward, "forward"}, {ConvPass::BackwardInput, "grad x"}, {ConvPass::BackwardWeight, "grad w"}};

// As aligned as a tensor's elements are.
void fill(int64_t n, float* to) {
  const auto random = bench::values<float>(n);
  std::copy(random.begin(), random.end(), to);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1, images = argc > 2 ? std::atoi(argv[2]) : 1;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 11;
  talus::set_num_threads(threads);
  for (const bench::Layer& l : bench::kLayers) {
    char label[128];
    std::snprintf(label, sizeof label, "%s n%d c%d o%d %dx%d k%d s%d g%d ", l.net, images, static_cast<int>(l.c),
                  static_cast<int>(l.o), static_cast<int>(l.size), static_cast<int>(l.size), static_cast<int>(l.kernel),
                  static_cast<int>(l.stride), static_cast<int>(l.groups));
    if (!bench::selected(label, argc, argv, 4)) continue;
    const int64_t params[TALUS_CONV_PARAMS] = {images,   l.c,      l.size, l.size, l.o, l.kernel, l.kernel,
                                               l.stride, l.stride, l.pad,  l.pad,  1,   1,        l.groups};
    const talus::Conv2dParams p(params);
    const int64_t area = p.out_h() * p.out_w(), taps = p.group_c() * p.kh * p.kw;
    const int64_t image = p.n * p.c * p.h * p.w, output = p.n * p.o * area;
    const talus::Scratch<float> x(image), grad_x(image), w(p.o * taps), grad_w(p.o * taps), grad(output), out(output);
    fill(image, x.get());
    fill(p.o * taps, w.get());
    fill(output, grad.get());
    const double flops = 2e-9 * static_cast<double>(p.n * p.o * taps * area);
    std::printf("%-48s", label);
    for (const auto& pass : kPasses) {
      std::vector<bench::Run> runs;
      std::vector<const char*> names;
      for (const auto& row : talus::cpu::kConvAlgorithms) {
        if (!talus::cpu::can_convolve<float>(row.algorithm, pass.pass, p)) continue;
        names.push_back(row.name);
        runs.push_back([&, name = row.name] {
          talus::cpu::force_algorithm(pass.pass, name);
          const int f = TALUS_FLOAT32;
          if (pass.pass == ConvPass::Forward)
            talus::cpu::conv2d(f, p, x.get(), w.get(), nullptr, talus::kNoActivation, out.get());
          else if (pass.pass == ConvPass::BackwardInput)
            talus::cpu::conv2d_backward_input(f, p, grad.get(), w.get(), grad_x.get());
          else
            talus::cpu::conv2d_backward_weight(f, p, grad.get(), x.get(), grad_w.get());
        });
      }
      const auto time = bench::race(runs, rounds, std::chrono::milliseconds(threads > 1 ? 5 : 0));
      talus::cpu::force_algorithm(pass.pass, "auto");
      const char* chosen = talus::cpu::algorithm_name(TALUS_FLOAT32, pass.pass, p);
      double fastest = 1e9;
      for (const auto& t : time) fastest = std::min(fastest, t.median);
      std::printf("| %s:", pass.name);
      for (size_t i = 0; i < time.size(); ++i) {
        const bool taken = std::strcmp(names[i], chosen) == 0;
        std::printf(" %s %.0f%s", names[i], flops / time[i].median,
                    !taken                            ? ""
                    : time[i].median > 1.05 * fastest ? "*!"
                                                      : "*");
      }
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  return 0;
}
