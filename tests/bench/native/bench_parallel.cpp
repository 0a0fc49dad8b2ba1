// What it costs to share work: bench_parallel [threads] [rounds]
#include <sched.h>

#include <atomic>
#include <cstdlib>
#include <map>

#include "parallel.h"
#include "rounds.h"

namespace {

// Arithmetic that keeps one core busy and touches no memory; returns at least `ns` nanoseconds later on one core.
double spin_per_ns = 0;
void work(double ns) {
  double x = 1;
  for (int64_t i = static_cast<int64_t>(ns * spin_per_ns); i > 0; --i) x = x * 1.0000001 + 1e-9;
  __asm__ volatile("" : : "x"(x));
}

void calibrate() {
  spin_per_ns = 1;
  for (int i = 0; i < 3; ++i) {
    const double ns = bench::seconds([] { work(1e7); }, 1) * 1e9;
    spin_per_ns *= 1e7 / ns;
  }
}

double median(std::vector<double>& v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

// The median seconds of one job of `ns` of work in equal chunks, `pause` after the one before.
double job(double ns, int chunks, std::chrono::microseconds pause, int rounds) {
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    if (pause.count() > 0) std::this_thread::sleep_for(pause);
    times.push_back(bench::seconds(
        [&] {
          talus::parallel_for(
              chunks, 1, [&](int64_t begin, int64_t end) { work(ns / chunks * static_cast<double>(end - begin)); });
        },
        1));
  }
  return median(times);
}

// Where the threads of a job of 100 us ran, and when they joined.
void placement(int chunks, std::chrono::microseconds pause, int rounds) {
  int alone = 0, same = 0, apart = 0;
  std::vector<double> joined;
  for (int i = 0; i < rounds; ++i) {
    if (pause.count() > 0) std::this_thread::sleep_for(pause);
    const int caller_core = sched_getcpu();
    const auto caller = std::this_thread::get_id();
    std::atomic<int> helper_core{-1};
    std::atomic<double> when{0};
    const auto start = std::chrono::steady_clock::now();
    talus::parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
      if (std::this_thread::get_id() != caller) {
        int none = -1;
        if (helper_core.compare_exchange_strong(none, sched_getcpu()))
          when = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      }
      work(100e3 / chunks * static_cast<double>(end - begin));
    });
    if (helper_core < 0) {
      ++alone;
    } else {
      ++(helper_core == caller_core ? same : apart);
      joined.push_back(when);
    }
  }
  std::printf("  pause %6d us: helper absent %d, first on the caller's core %d, elsewhere %d; joins after %.1f us\n",
              static_cast<int>(pause.count()), alone, same, apart, joined.empty() ? 0 : median(joined) * 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 2, rounds = argc > 2 ? std::atoi(argv[2]) : 501;
  calibrate();
  std::printf("placement, %d threads\n", threads);
  talus::set_num_threads(threads);
  for (const int pause : {0, 30, 200, 2000, 20000})
    placement(16, std::chrono::microseconds(pause), pause > 2000 ? rounds / 8 : rounds);
  std::printf("time of a job in %d chunks, us: inline, shared at once, shared 1 ms after the last\n", 4 * threads);
  for (const double us : {0.1, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 512.0}) {
    talus::set_num_threads(1);
    const double alone = job(us * 1e3, 4 * threads, {}, rounds);
    talus::set_num_threads(threads);
    job(1e6, 4 * threads, {}, 20);
    const double awake = job(us * 1e3, 4 * threads, {}, rounds);
    const double asleep = job(us * 1e3, 4 * threads, std::chrono::milliseconds(1), rounds);
    std::printf("  %6.1f  %8.2f  %8.2f (x%.2f)  %8.2f (x%.2f)\n", us, alone * 1e6, awake * 1e6, alone / awake,
                asleep * 1e6, alone / asleep);
    std::fflush(stdout);
  }
  return 0;
}
