// What the machine can do at most, as JSON: fused multiply-adds from registers, and reading, updating and copying
// memory larger than the caches, whose last level's size is told, too. bench_peaks [threads] measures one thread, then
// that many at once; rates of several threads are their sum.
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "caches.h"
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

double fma_rate(int threads, const bench::PeakLoops& loops) {
  return best_rate(threads, [&](int) { return rate_for(0.05, [&] { return loops.fma(20000); }); });
}

using Blocks = std::vector<std::vector<float>>;

Blocks blocks(int threads, size_t bytes) {
  return Blocks(static_cast<size_t>(threads), std::vector<float>(bytes / 4, 1));
}

// Bytes read and bytes written both count; what a cache line's allocation reads besides does not.
double copy_rate(int threads, size_t bytes) {
  Blocks from = blocks(threads, bytes), to = blocks(threads, bytes);
  return best_rate(threads, [&](int t) {
    const auto i = static_cast<size_t>(t);
    return rate_for(0.05, [&] {
      std::memcpy(to[i].data(), from[i].data(), bytes);
      return 2.0 * static_cast<double>(bytes);
    });
  });
}

double read_rate(int threads, const bench::PeakLoops& loops, size_t bytes) {
  const Blocks data = blocks(threads, bytes);
  return best_rate(threads, [&](int t) {
    return rate_for(0.05, [&] {
      loops.read(data[static_cast<size_t>(t)].data(), bytes / 4);
      return static_cast<double>(bytes);
    });
  });
}

double update_rate(int threads, const bench::PeakLoops& loops, size_t bytes) {
  Blocks data = blocks(threads, bytes);
  return best_rate(threads, [&](int t) {
    return rate_for(0.05, [&] {
      loops.update(data[static_cast<size_t>(t)].data(), bytes / 4);
      return 2.0 * static_cast<double>(bytes);
    });
  });
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  const bench::PeakLoops* loops = bench::widest_loops();
  if (loops == nullptr || threads < 1) {
    std::fprintf(stderr, threads < 1 ? "usage: bench_peaks [threads]\n" : "no fused multiply-add on this processor\n");
    return 2;
  }
  std::printf("[");
  for (int count = 1;; count = threads) {
    constexpr size_t kMemory = size_t{192} << 20, kL2 = size_t{128} << 10;
    std::printf("%s{\"threads\": %d, \"fma_gflops\": %.2f, \"read_gbs\": %.2f, \"update_gbs\": %.2f, ",
                count > 1 ? ",\n " : "", count, fma_rate(count, *loops), read_rate(count, *loops, kMemory),
                update_rate(count, *loops, kMemory));
    std::printf("\"copy_gbs\": %.2f, \"copy_l2_gbs\": %.2f, \"l3_bytes\": %lld}", copy_rate(count, kMemory),
                copy_rate(count, kL2), static_cast<long long>(talus::caches().l3));
    if (count >= threads) break;
  }
  std::printf("]\n");
  return 0;
}
