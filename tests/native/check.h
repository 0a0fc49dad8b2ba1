// A test runner in one header: TEST(name) { CHECK(...); } in test_<family>.cpp is a whole program.
//
// A failed check prints where and what, and the test goes on; the program's exit status is 1 if any failed. Arguments
// of the program choose tests by name; a test whose name ends in _from_environment runs only when it is named.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "talus/talus.h"

namespace check {

struct Test {
  const char* name;
  void (*body)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

// What the running checks are about, printed with a failure: shape, instruction set, threads.
inline std::vector<std::string>& context() {
  thread_local std::vector<std::string> lines;
  return lines;
}

class Note {
 public:
  explicit Note(const std::string& text) { context().push_back(text); }
  ~Note() { context().pop_back(); }
  Note(const Note&) = delete;
  Note& operator=(const Note&) = delete;
};

inline int& failures() {
  static int count = 0;
  return count;
}

inline void failed(const char* file, int line, const std::string& what) {
  // A broken kernel fails every shape; the first ones tell enough.
  if (++failures() > 20) return;
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
  for (const std::string& note : context()) std::fprintf(stderr, "    with %s\n", note.c_str());
}

inline bool close(double actual, double expected, double rtol, double atol) {
  if (std::isnan(expected) || std::isnan(actual)) return std::isnan(expected) && std::isnan(actual);
  if (std::isinf(expected) || std::isinf(actual)) return actual == expected;
  return std::fabs(actual - expected) <= atol + rtol * std::fabs(expected);
}

inline void near(const char* file, int line, const char* text, double actual, double expected, double tolerance) {
  if (close(actual, expected, 0, tolerance)) return;
  std::ostringstream out;
  out.precision(17);
  out << text << " is " << actual << ", expected " << expected << " within " << tolerance;
  failed(file, line, out.str());
}

template <class T>
void all_close(const char* file, int line, const T* actual, const T* expected, int64_t n, double rtol, double atol,
               const char* what) {
  int64_t wrong = 0, first = -1;
  for (int64_t i = 0; i < n; ++i) {
    if (close(static_cast<double>(actual[i]), static_cast<double>(expected[i]), rtol, atol)) continue;
    if (wrong++ == 0) first = i;
  }
  if (wrong == 0) return;
  std::ostringstream out;
  out.precision(17);
  out << what << ": " << wrong << " of " << n << " values differ, the first at " << first << ": "
      << static_cast<double>(actual[first]) << ", expected " << static_cast<double>(expected[first]) << " (rtol "
      << rtol << ", atol " << atol << ")";
  failed(file, line, out.str());
}

// Runs `call`, which must throw an exception whose message contains `part`.
template <class F>
void fails(const char* file, int line, const char* text, F&& call, const char* part) {
  try {
    call();
  } catch (const std::exception& e) {
    if (std::strstr(e.what(), part) == nullptr)
      failed(file, line, std::string(text) + " failed with \"" + e.what() + "\", expected \"" + part + "\" in it");
    return;
  }
  failed(file, line, std::string(text) + " did not fail, expected an error with \"" + part + "\"");
}

inline int run(int argc, char** argv) {
  int ran = 0, bad = 0;
  for (const Test& test : tests()) {
    const std::string name = test.name, suffix = "_from_environment";
    bool chosen = argc < 2 && (name.size() < suffix.size() ||
                               name.compare(name.size() - suffix.size(), suffix.size(), suffix) != 0);
    for (int i = 1; i < argc; ++i) chosen = chosen || name == argv[i];
    if (!chosen) continue;
    failures() = 0;
    try {
      test.body();
    } catch (const std::exception& e) {
      failed(test.name, 0, std::string("unexpected exception: ") + e.what());
    }
    ++ran;
    if (failures() > 0) ++bad;
    std::printf("%s %s", failures() > 0 ? "FAILED" : "ok    ", test.name);
    if (failures() > 0) std::printf(" (%d failed checks)", failures());
    std::printf("\n");
    std::fflush(stdout);
  }
  std::printf("%d tests, %d failed\n", ran, bad);
  return ran == 0 || bad > 0 ? 1 : 0;
}

}  // namespace check

#define TEST(name)                                                                                               \
  static void test_##name();                                                                                     \
  [[maybe_unused]] static const bool registered_##name = (check::tests().push_back({#name, test_##name}), true); \
  static void test_##name()

#define CHECK(condition) \
  ((condition) ? void() : check::failed(__FILE__, __LINE__, std::string("not true: ") + #condition))
#define CHECK_NEAR(actual, expected, tolerance) \
  check::near(__FILE__, __LINE__, #actual, static_cast<double>(actual), static_cast<double>(expected), tolerance)
#define CHECK_ALL_CLOSE(actual, expected, n, rtol, atol, what) \
  check::all_close(__FILE__, __LINE__, actual, expected, n, rtol, atol, what)
#define CHECK_FAILS(expression, part) \
  check::fails(                       \
      __FILE__, __LINE__, #expression, [&] { static_cast<void>(expression); }, part)

// ------------------------------------------------------------------------------------------------ helpers for kernels

#include "cpu_features.h"
#include "dtype.h"
#include "parallel.h"
#if defined(TALUS_TEST_EMULATED)
#include "emulator.h"
#elif defined(TALUS_TEST_CUDA)
#include "cuda/runtime.h"
#endif

// Uniform in [-1, 1]; the same for the same seed on every machine.
template <class T>
std::vector<T> random_values(int64_t n, uint32_t seed) {
  // Scrambled counting, as in SplitMix64: a standard engine takes most of the time of a test under sanitizers.
  uint64_t state = seed;
  std::vector<T> values(static_cast<size_t>(n));
  for (T& v : values) {
    uint64_t bits = state += 0x9e3779b97f4a7c15u;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    v = static_cast<T>(static_cast<double>(bits >> 32) / 2147483647.5 - 1.0);
  }
  return values;
}

// The dtype of a C++ type.
template <class T>
constexpr int dtype_of() = delete;
template <>
constexpr int dtype_of<float>() {
  return TALUS_FLOAT32;
}
template <>
constexpr int dtype_of<double>() {
  return TALUS_FLOAT64;
}
template <>
constexpr int dtype_of<int64_t>() {
  return TALUS_INT64;
}
template <>
constexpr int dtype_of<int32_t>() {
  return TALUS_INT32;
}
template <>
constexpr int dtype_of<uint8_t>() {
  return TALUS_UINT8;
}
template <>
constexpr int dtype_of<talus::Bool>() {
  return TALUS_BOOL;
}

#if defined(TALUS_TEST_CUDA)
// On a device nothing depends on instruction sets or threads of the host. The emulator runs everything in two orders of
// blocks, threads and streams instead.
inline void for_each_isa(const std::function<void(const char*)>& body) {
#if defined(TALUS_TEST_EMULATED)
  for (const uint64_t seed : {0, 1}) {
    // Watched accesses take ten times as long, and what they find does not depend on one order.
    if (emulator::checking() && seed == 0) continue;
    emulator::set_seed(seed);
    check::Note note("order " + std::to_string(seed));
    body("cuda");
  }
  emulator::set_seed(0);
#else
  body("cuda");
#endif
}

inline void for_each_thread_count(const std::function<void(int)>& body) { body(1); }
#else
// Calls body(name) with every instruction set of this machine in use, and puts the one from before back.
inline void for_each_isa(const std::function<void(const char*)>& body) {
  const std::string before = talus::isa_name(talus::current_isa());
  std::stringstream names(talus::available_isas());
  for (std::string name; std::getline(names, name, ',');) {
    talus::set_isa(name);
    check::Note note("instruction set " + name);
    body(name.c_str());
  }
  talus::set_isa(before);
}

// Calls body(threads) with 1, 2 and 4 threads, and puts the number from before back.
inline void for_each_thread_count(const std::function<void(int)>& body) {
  const int before = talus::num_threads();
  for (const int threads : {1, 2, 4}) {
    talus::set_num_threads(threads);
    check::Note note(std::to_string(threads) + " threads");
    body(threads);
  }
  talus::set_num_threads(before);
}
#endif

// An output array between guard elements: whatever a kernel writes outside is found by intact().
template <class T>
class Guarded {
 public:
  explicit Guarded(int64_t n) : n_(n), bytes_(static_cast<size_t>(n + 2 * kGuard) * sizeof(T), kPattern) {}
  T* data() { return reinterpret_cast<T*>(bytes_.data()) + kGuard; }
  const T* data() const { return reinterpret_cast<const T*>(bytes_.data()) + kGuard; }
  T& operator[](int64_t i) { return data()[i]; }
  int64_t size() const { return n_; }
  bool intact() const {
    const size_t guard = kGuard * sizeof(T);
    for (size_t i = 0; i < guard; ++i)
      if (bytes_[i] != kPattern || bytes_[bytes_.size() - 1 - i] != kPattern) return false;
    return true;
  }

 private:
  static constexpr int64_t kGuard = 64;
  static constexpr unsigned char kPattern = 0xA5;
  int64_t n_;
  std::vector<unsigned char> bytes_;
};

int main(int argc, char** argv) {
#if defined(TALUS_TEST_CUDA) && !defined(TALUS_TEST_EMULATED)
  if (talus::cuda::device_count() == 0) {
    try {
      talus::cuda::properties(0);
    } catch (const std::exception& why) {
      std::printf("skipped: no CUDA device: %s\n", why.what());
    }
    return 77;
  }
#endif
  return check::run(argc, argv);
}
