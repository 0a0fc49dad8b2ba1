// Float32 matrix products against OpenBLAS: bench_gemm <libopenblas.so> [threads] [rounds] [only names that begin so]
#include <cstdlib>
#include <string>

#include "kernels.h"
#include "parallel.h"
#include "rounds.h"

namespace {

struct Shape {
  const char* name;
  int64_t m, n, k;
  bool trans_a, trans_b;
};

// x [batch, in] * w [out, in]^T forward, then the gradients of x and of w.
#define LINEAR(name, batch, in, out)                                                 \
  {name, batch, out, in, false, true}, {name " dx", batch, in, out, false, false}, { \
    name " dw", out, in, batch, true, false                                          \
  }
// Weights [out, c * kh * kw] times patches [c * kh * kw, area].
#define CONV(out, area, taps) \
  { "conv", out, area, taps, false, false }

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
    LINEAR("lenet fc1", 1, 576, 120),
    LINEAR("lenet fc1", 8, 576, 120),
    LINEAR("lenet fc1", 64, 576, 120),
    LINEAR("lenet fc1", 256, 576, 120),
    LINEAR("lenet fc2", 8, 120, 84),
    LINEAR("lenet fc2", 64, 120, 84),
    LINEAR("lenet fc2", 256, 120, 84),
    LINEAR("lenet fc3", 8, 84, 10),
    LINEAR("lenet fc3", 64, 84, 10),
    LINEAR("lenet fc3", 256, 84, 10),
    LINEAR("mlp 1", 64, 784, 1024),
    LINEAR("mlp 1", 128, 784, 1024),
    LINEAR("mlp 2", 64, 1024, 1024),
    LINEAR("mlp 2", 128, 1024, 1024),
    LINEAR("mlp 3", 64, 1024, 10),
    LINEAR("mlp 3", 128, 1024, 10),
    CONV(64, 3136, 576),
    CONV(256, 784, 64),
    CONV(512, 49, 4608),
    CONV(2048, 49, 512),
    CONV(64, 12544, 147),
    LINEAR("resnet18", 1, 512, 1000),
    LINEAR("resnet18", 32, 512, 1000),
    LINEAR("resnet50", 1, 2048, 1000),
    LINEAR("resnet50", 32, 2048, 1000),
    {"long sum", 64, 64, 65536, false, false},
    {"long sum", 64, 64, 65536, true, false},
    {"row", 1, 1000, 1000, false, true},
    {"row", 1, 1000, 1000, false, false},
    {"column", 1000, 1, 1000, false, false},
    LINEAR("vgg", 1, 25088, 4096),
    LINEAR("vgg", 32, 25088, 4096),
};

// Seconds of one run of each rival, which take turns of a few rounds. OpenBLAS's threads look for work for more than a
// tenth of a second after a product, on a core that the next rival needs: with several threads a turn waits for that.
std::vector<bench::Time> take_turns(const std::vector<bench::Run>& rivals, int rounds, bool threads) {
  constexpr int kTurn = 5;
  std::vector<std::vector<double>> times(rivals.size());
  for (int round = 0; round < rounds; round += kTurn) {
    for (size_t i = 0; i < rivals.size(); ++i) {
      if (threads) std::this_thread::sleep_for(std::chrono::milliseconds(200));
      double once;
      const auto start = std::chrono::steady_clock::now();
      do {
        once = std::max(1e-7, bench::seconds(rivals[i], 1));
      } while (threads && std::chrono::steady_clock::now() - start < std::chrono::milliseconds(20));
      const int repeats = std::max(1, std::min(1000, static_cast<int>(5e-4 / once)));
      for (int j = 0; j < kTurn; ++j) times[i].push_back(bench::seconds(rivals[i], repeats));
    }
  }
  std::vector<bench::Time> result;
  for (auto& t : times) {
    std::sort(t.begin(), t.end());
    result.push_back({t[t.size() / 2], t[0]});
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_gemm <libopenblas.so> [threads] [rounds] [name]\n");
    return 2;
  }
  const bench::OpenBlas blas(argv[1]);
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1, rounds = argc > 3 ? std::atoi(argv[3]) : 41;
  const std::string only = argc > 4 ? argv[4] : "";
  talus::set_num_threads(threads);
  blas.set_threads(threads);
  std::printf("%-12s %5s %5s %5s     median GF/s: Talus, OpenBLAS, ratio   best GF/s: Talus, OpenBLAS, ratio\n", "",
              "m", "n", "k");
  for (const Shape& s : kShapes) {
    if (std::string(s.name).compare(0, only.size(), only) != 0) continue;
    const auto a = bench::values<float>(s.m * s.k), b = bench::values<float>(s.k * s.n);
    std::vector<float> c(static_cast<size_t>(s.m * s.n));
    const int64_t lda = s.trans_a ? s.m : s.k, ldb = s.trans_b ? s.k : s.n;
    const talus::GemmParams p = {
        1, s.trans_a, s.trans_b,           s.m, s.n, s.k, 1, a.data(), lda, 0, b.data(), ldb, 0, 0, c.data(), s.n,
        0, nullptr,   talus::kNoActivation};
    const auto i = [](int64_t v) { return static_cast<int>(v); };
    const auto time = take_turns({[&] { talus::cpu::gemm(TALUS_FLOAT32, p); },
                                  [&] {
                                    blas.sgemm(101, s.trans_a ? 112 : 111, s.trans_b ? 112 : 111, i(s.m), i(s.n),
                                               i(s.k), 1, a.data(), i(lda), b.data(), i(ldb), 0, c.data(), i(s.n));
                                  }},
                                 rounds, threads > 1);
    const double flops = 2e-9 * static_cast<double>(s.m * s.n * s.k);
    std::printf("%-12s %5d %5d %5d %c%c  %8.1f %8.1f %6.2f  %8.1f %8.1f %6.2f\n", s.name, i(s.m), i(s.n), i(s.k),
                s.trans_a ? 't' : 'n', s.trans_b ? 't' : 'n', flops / time[0].median, flops / time[1].median,
                time[1].median / time[0].median, flops / time[0].best, flops / time[1].best,
                time[1].best / time[0].best);
    std::fflush(stdout);
  }
  return 0;
}
