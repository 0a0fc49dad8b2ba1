// What the machine can do at most, as JSON: fused multiply-adds from registers, and copies of memory larger than the
// caches. bench_peaks [threads] measures one thread, then that many at once; rates of several threads are their sum.
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "peaks.h"
#include "rounds.h"

namespace {

using Clock = std::chrono::steady_clock;

// The best of some tries of the sum over the threads; work(thread) returns one thread's rate.
template <class Work>
double best_rate(int threads, const Work& work) {
  double best = 0;
  for (int attempt = 0; attempt < 7; ++attempt) {
    std::atomic<int> ready{0};
    std::vector<double> rates(static_cast<size_t>(threads));
    std::vector<std::thread> team;
    for (int t = 0; t < threads; ++t)
      team.emplace_back([&, t] {
        ++ready;
        while (ready < threads) std::this_thread::yield();
        rates[static_cast<size_t>(t)] = work(t);
      });
    for (auto& thread : team) thread.join();
    double sum = 0;
    for (const double rate : rates) sum += rate;
    best = std::max(best, sum);
  }
  return best;
}

template <class Run>
double rate_for(double seconds_at_least, const Run& run) {
  double amount = 0, elapsed;
  const auto start = Clock::now();
  do {
    amount += run();
    elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  } while (elapsed < seconds_at_least);
  return amount / elapsed * 1e-9;
}

double fma_rate(int threads, bench::FmaLoop loop) {
  return best_rate(threads, [&](int) { return rate_for(0.05, [&] { return loop(20000); }); });
}

// Bytes read and bytes written both count; what a cache line's allocation reads besides does not.
double copy_rate(int threads, size_t bytes) {
  std::vector<std::vector<char>> from, to;
  for (int t = 0; t < threads; ++t) {
    from.emplace_back(bytes, 'a');
    to.emplace_back(bytes, 'b');
  }
  return best_rate(threads, [&](int t) {
    const auto i = static_cast<size_t>(t);
    return rate_for(0.05, [&] {
      std::memcpy(to[i].data(), from[i].data(), bytes);
      return 2.0 * static_cast<double>(bytes);
    });
  });
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  const bench::FmaLoop loop = bench::widest_fma();
  if (loop == nullptr || threads < 1) {
    std::fprintf(stderr, threads < 1 ? "usage: bench_peaks [threads]\n" : "no fused multiply-add on this processor\n");
    return 2;
  }
  std::printf("[");
  for (int count = 1;; count = threads) {
    std::printf("%s{\"threads\": %d, \"fma_gflops\": %.2f, \"copy_gbs\": %.2f, \"copy_l2_gbs\": %.2f}",
                count > 1 ? ",\n " : "", count, fma_rate(count, loop), copy_rate(count, size_t{96} << 20),
                copy_rate(count, size_t{128} << 10));
    if (count >= threads) break;
  }
  std::printf("]\n");
  return 0;
}
