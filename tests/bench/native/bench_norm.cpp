// Normalisation's kernels in GB/s beside memcpy, float32: bench_norm [threads] [rounds]. Every tensor counts once: x
// and out forward, grad, x and grad_x backward. Tensors live where Talus keeps them, on huge pages.
#include <cstdlib>
#include <cstring>

#include "kernels.h"
#include "memory.h"
#include "parallel.h"
#include "rounds.h"

namespace {

const int64_t kBatches[][3] = {{128, 64, 1024}, {128, 128, 256}, {128, 256, 64}, {128, 512, 16},
                               {128, 512, 4},   {32, 64, 3136},  {256, 512, 1},  {8, 3, 50176}};
const int64_t kRows[][2] = {{4096, 64}, {2048, 768}, {8192, 256}};

void print(const char* what, double bytes, const bench::Time& time, double copied) {
  std::printf("  %-18s %9.1f us %7.1f GB/s, %4.0f %% of memcpy\n", what, time.median * 1e6, 1e-9 * bytes / time.median,
              100 * bytes / time.median / copied);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1, rounds = argc > 2 ? std::atoi(argv[2]) : 21;
  talus::set_num_threads(threads);
  const auto pause = std::chrono::milliseconds(threads > 1 ? 40 : 0);
  const int f = TALUS_FLOAT32;
  const auto measure = [&](int64_t n, int64_t parameters, int64_t groups, auto forward, auto backward, auto eval) {
    const auto numbers = bench::values<float>(n), w = bench::values<float>(parameters);
    const talus::Scratch<float> x(n), grad(n), out(n), grad_x(n);
    for (const auto* t : {&x, &grad}) std::memcpy(t->get(), numbers.data(), numbers.size() * 4);
    std::vector<float> mean(static_cast<size_t>(groups)), rstd(mean.size(), 1.0f);
    std::vector<float> gw(w.size()), gb(w.size()), running(w.size(), 1.0f);
    const auto time = bench::race(
        {[&] {
           talus::parallel_for(n, 65536, [&](int64_t begin, int64_t end) {
             std::memcpy(out.get() + begin, x.get() + begin, static_cast<size_t>(end - begin) * 4);
           });
         },
         [&] { forward(x.get(), w.data(), running.data(), out.get(), mean.data(), rstd.data()); },
         [&] { backward(grad.get(), x.get(), w.data(), mean.data(), rstd.data(), grad_x.get(), gw.data(), gb.data()); },
         [&] { eval(x.get(), w.data(), running.data(), out.get(), mean.data(), rstd.data()); }},
        rounds, pause);
    const double bytes = 4.0 * static_cast<double>(n), copied = 2 * bytes / time[0].median;
    print("memcpy", 2 * bytes, time[0], copied);
    print("forward", 2 * bytes, time[1], copied);
    print("backward", 3 * bytes, time[2], copied);
    print("eval", 2 * bytes, time[3], copied);
    std::fflush(stdout);
  };
  for (const auto& s : kBatches) {
    const int64_t n = s[0], c = s[1], inner = s[2];
    std::printf("batch norm n%d c%d inner %d\n", static_cast<int>(n), static_cast<int>(c), static_cast<int>(inner));
    const auto forward = [=](bool training) {
      return [=](const float* x, const float* w, float* running, float* out, float* mean, float* rstd) {
        talus::cpu::batch_norm(f, n, c, inner, x, w, w, running, running, training, 0.1, 1e-5, out, mean, rstd);
      };
    };
    measure(
        n * c * inner, c, c, forward(true),
        [=](const float* g, const float* x, const float* w, const float* m, const float* r, float* gx, float* gw,
            float* gb) { talus::cpu::batch_norm_backward(f, n, c, inner, g, x, w, m, r, true, gx, gw, gb); },
        forward(false));
  }
  for (const auto& s : kRows) {
    const int64_t rows = s[0], cols = s[1];
    std::printf("layer norm %d x %d\n", static_cast<int>(rows), static_cast<int>(cols));
    const auto forward = [=](const float* x, const float* w, float*, float* out, float* mean, float* rstd) {
      talus::cpu::layer_norm(f, rows, cols, x, w, w, 1e-5, out, mean, rstd);
    };
    measure(
        rows * cols, cols, rows, forward,
        [=](const float* g, const float* x, const float* w, const float* m, const float* r, float* gx, float* gw,
            float* gb) { talus::cpu::layer_norm_backward(f, rows, cols, g, x, w, m, r, gx, gw, gb); },
        forward);
  }
  return 0;
}
