// From which size on operations are shared by threads, and whether that pays: bench_crossover [threads] [rounds]
//
// A Markdown table of times: in the caller alone, and with the threads, whose helpers are awake where calls follow each
// other at once, and asleep where they come a millisecond apart. Where a row is not shared both run the same code. The
// sizes of an operation lie around its crossover; row by row the settings take turns.
#include <cstdlib>
#include <string>

#include "kernels.h"
#include "memory.h"
#include "parallel.h"
#include "rounds.h"

namespace {

constexpr int kTurns = 5;
constexpr int64_t kMost = 1 << 21;

double median(std::vector<double>& v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

// A core that slept runs at a low clock for a while, and a sleeping helper has to be woken.
void warm(const bench::Run& run) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
  while (std::chrono::steady_clock::now() < end) run();
}

void at_once(const bench::Run& run, int rounds, std::vector<double>& to) {
  warm(run);
  for (int i = 0; i < rounds; ++i) to.push_back(bench::seconds(run, 1));
}

void later(const bench::Run& run, int rounds, std::vector<double>& to) {
  for (int i = 0; i < rounds; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    to.push_back(bench::seconds(run, 1));
  }
}

void row(const std::string& what, const std::string& size, int64_t work, int threads, int rounds,
         const bench::Run& run) {
  std::vector<double> alone, shared, alone_later, shared_later;
  int64_t jobs = 0;
  for (int turn = 0; turn < kTurns; ++turn) {
    talus::set_num_threads(1);
    at_once(run, 5 * rounds / kTurns, alone);
    later(run, rounds / kTurns, alone_later);
    talus::set_num_threads(threads);
    const int64_t before = talus::shared_jobs();
    run();
    jobs = talus::shared_jobs() - before;
    at_once(run, 5 * rounds / kTurns, shared);
    later(run, rounds / kTurns, shared_later);
  }
  const double a = median(alone) * 1e6, s = median(shared) * 1e6;
  const double later_a = median(alone_later) * 1e6, later_s = median(shared_later) * 1e6;
  std::printf("| %s | %s | %lld | %s | %.1f | %.1f | %.2f | %.1f | %.1f | %.2f |\n", what.c_str(), size.c_str(),
              static_cast<long long>(work), jobs > 0 ? "shared" : "inline", a, s, a / s, later_a, later_s,
              later_a / later_s);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 2, rounds = argc > 2 ? std::atoi(argv[2]) : 100;
  const talus::Scratch<float> x(kMost), y(kMost), out(kMost);
  for (float* to : {x.get(), y.get()}) {
    const auto random = bench::values<float>(kMost);
    std::copy(random.begin(), random.end(), to);
  }
  const int f = TALUS_FLOAT32;
  std::printf("Median microseconds; alone / shared is above 1 where threads pay.\n\n");
  std::printf(
      "| operation | size | work | with %d threads | alone | %d threads | ratio | 1 ms apart: alone | %d threads "
      "| ratio |\n|---|---|---|---|---|---|---|---|---|---|\n",
      threads, threads, threads);
  for (const int64_t n : {8192, 32768, 65536, 131071, 131072, 262144, 524288, 2097152})
    row("add", std::to_string(n), n, threads, rounds,
        [&] { talus::cpu::binary(TALUS_ADD, f, talus::Geometry<3>(n, 1, nullptr), x.get(), y.get(), 1, out.get()); });
  for (const int64_t n : {4096, 16384, 32767, 32768, 65536, 131072, 524288})
    row("exp", std::to_string(n), n, threads, rounds,
        [&] { talus::cpu::unary(TALUS_EXP, f, talus::Geometry<2>(n, 1, nullptr), x.get(), 0, 0, out.get()); });
  for (const int64_t n : {16, 64, 128, 256, 512, 1024, 4096})
    row("softmax", std::to_string(n) + " rows of 128", n * 128, threads, rounds,
        [&] { talus::cpu::softmax(false, f, n, 128, x.get(), out.get()); });
  for (const int64_t n : {32, 64, 96, 101, 102, 128, 160, 256, 512})
    row("product of matrices", std::to_string(n) + " squared", n * n * n, threads, rounds, [&] {
      talus::cpu::gemm(f, {1, false, false, n, n, n, 1, x.get(), n, 0, y.get(), n, 0, 0, out.get(), n, 0, nullptr,
                           talus::kNoActivation});
    });
  for (const int64_t n : {1, 2, 4, 8, 16, 32, 64}) {
    const int64_t params[TALUS_CONV_PARAMS] = {n, 6, 15, 15, 16, 3, 3, 1, 1, 0, 0, 1, 1, 1};
    const talus::Conv2dParams p(params);
    row("convolution", std::to_string(n) + " images 6>16 15x15 k3", n * 16 * 54 * 169, threads, rounds,
        [&] { talus::cpu::conv2d(f, p, x.get(), y.get(), nullptr, talus::kNoActivation, out.get()); });
  }
  return 0;
}
