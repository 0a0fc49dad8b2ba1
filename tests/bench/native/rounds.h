// Timing of rivals in one process: they take turns, and the medians of the rounds are compared.
#pragma once

#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace bench {

using Run = std::function<void()>;

inline double seconds(const Run& run, int repeats) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < repeats; ++i) run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repeats;
}

struct Time {
  double median, best;
};

// Seconds of one run of each rival. The turns are short, so that a machine shared with others slows all rivals alike;
// between them the idle threads of the rival before get `pause` to fall asleep. Slow work gets fewer rounds, but three.
inline std::vector<Time> race(const std::vector<Run>& rivals, int rounds, std::chrono::milliseconds pause) {
  std::vector<std::vector<double>> times(rivals.size());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(4);
  for (int round = 0; round < rounds; ++round) {
    if (round >= 3 && std::chrono::steady_clock::now() > deadline) break;
    for (size_t i = 0; i < rivals.size(); ++i) {
      std::this_thread::sleep_for(pause);
      // Sleepers of this rival need some milliseconds until the system has spread them over the cores again.
      double once;
      const auto start = std::chrono::steady_clock::now();
      do {
        once = std::max(1e-7, seconds(rivals[i], 1));
      } while (std::chrono::steady_clock::now() - start < pause);
      const int repeats = std::max(1, std::min(1000, static_cast<int>(5e-4 / once)));
      times[i].push_back(seconds(rivals[i], repeats));
    }
  }
  std::vector<Time> result;
  for (auto& t : times) {
    std::sort(t.begin(), t.end());
    result.push_back({t[t.size() / 2], t[0]});
  }
  return result;
}

// Whether the words from `first` on select a row: none do so, or one of them is part of its label.
inline bool selected(const std::string& label, int argc, char** argv, int first) {
  for (int i = first; i < argc; ++i)
    if (label.find(argv[i]) != std::string::npos) return true;
  return argc <= first;
}

template <class T>
std::vector<T> values(int64_t n) {
  std::mt19937 engine(7);
  std::uniform_real_distribution<T> uniform(-1, 1);
  std::vector<T> v(static_cast<size_t>(n));
  for (T& x : v) x = uniform(engine);
  return v;
}

// OpenBLAS, loaded from the path on the command line. 101: row-major, 111 and 112: as stored and transposed.
struct OpenBlas {
  void (*sgemm)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);
  void (*set_threads)(int);

  explicit OpenBlas(const char* path) {
    void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      std::fprintf(stderr, "cannot load OpenBLAS: %s\n", dlerror());
      std::exit(2);
    }
    find(library, "cblas_sgemm", sgemm);
    find(library, "openblas_set_num_threads", set_threads);
  }

 private:
  template <class F>
  static void find(void* library, const char* name, F& function) {
    function = reinterpret_cast<F>(dlsym(library, name));
    if (function != nullptr) return;
    std::fprintf(stderr, "the library has no %s: is it OpenBLAS?\n", name);
    std::exit(2);
  }
};

}  // namespace bench
