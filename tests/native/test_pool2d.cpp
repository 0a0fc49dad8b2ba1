#include <limits>

#include "caches.h"
#include "check.h"
#include "error.h"
#include "kernels.h"
#include "under_test.h"

namespace {

using talus::Pool2dParams;

struct Case {
  int64_t planes, h, w, kh, kw, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, ceil;

  Pool2dParams params(bool include_pad = true, int64_t divisor = 0) const {
    const int64_t raw[TALUS_POOL_PARAMS] = {planes, h,     w,          kh,         kw,   stride_h,    stride_w,
                                            pad_h,  pad_w, dilation_h, dilation_w, ceil, include_pad, divisor};
    return Pool2dParams(raw);
  }
  std::string text() const {
    std::ostringstream out;
    out << planes << " planes " << h << "x" << w << ", window " << kh << "x" << kw << ", stride " << stride_h << "x"
        << stride_w << ", padding " << pad_h << "x" << pad_w << ", dilation " << dilation_h << "x" << dilation_w
        << (ceil ? ", ceil" : "");
    return out.str();
  }
};

const Case cases[] = {
    {1, 2, 2, 2, 2, 2, 2, 0, 0, 1, 1, 0},     {3, 28, 28, 2, 2, 2, 2, 0, 0, 1, 1, 0},
    {5, 7, 9, 2, 2, 2, 2, 0, 0, 1, 1, 0},     {2, 6, 67, 2, 2, 2, 2, 0, 0, 1, 1, 0},
    {2, 7, 9, 2, 2, 2, 2, 0, 0, 1, 1, 1},     {70, 24, 24, 2, 2, 2, 2, 0, 0, 1, 1, 0},
    {3, 15, 13, 3, 3, 2, 2, 1, 1, 1, 1, 0},   {3, 15, 13, 3, 3, 2, 2, 1, 1, 1, 1, 1},
    {40, 33, 31, 3, 3, 1, 1, 1, 1, 1, 1, 0},  {2, 10, 11, 3, 2, 1, 3, 1, 0, 1, 1, 1},
    {2, 12, 14, 3, 2, 2, 1, 1, 1, 2, 3, 0},   {2, 12, 14, 3, 3, 3, 2, 1, 1, 2, 2, 1},
    {6, 28, 28, 4, 4, 4, 4, 0, 0, 1, 1, 0},   {3, 8, 31, 3, 10, 3, 10, 0, 0, 1, 1, 0},
    {2, 9, 3, 2, 1, 2, 1, 0, 0, 1, 1, 0},     {3, 12, 60, 4, 20, 4, 20, 0, 0, 1, 1, 0},
    {1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0},     {4, 7, 7, 7, 7, 1, 1, 0, 0, 1, 1, 0},
    {0, 4, 4, 2, 2, 2, 2, 0, 0, 1, 1, 0},     {2, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 1},
    {2, 4, 4, 2, 2, 2, 2, 1, 1, 1, 1, 0},     {2, 9, 9, 2, 2, 3, 3, 0, 0, 1, 1, 1},
    {35, 7, 7, 7, 7, 7, 7, 0, 0, 1, 1, 0},    {2, 70, 40, 3, 3, 2, 2, 1, 1, 1, 1, 0},
    {2, 9, 70, 5, 5, 3, 3, 2, 2, 1, 1, 1},    {2, 8, 40, 1, 1, 2, 2, 0, 0, 1, 1, 0},
    {2, 20, 19, 17, 16, 2, 1, 8, 8, 1, 1, 0}, {3, 17, 16, 17, 16, 1, 1, 0, 0, 1, 1, 0},
    {2, 40, 40, 40, 40, 1, 1, 0, 0, 1, 1, 0}, {2, 12, 35, 2, 4, 5, 4, 1, 2, 1, 1, 0},
};

// Runs body for every case, instruction set and thread count.
void everywhere(const std::function<void(const Case&)>& body) {
  for_each_isa([&](const char*) {
    for_each_thread_count([&](int) {
      for (const Case& c : cases) {
        check::Note note(c.text());
        body(c);
      }
    });
  });
}

template <class T>
constexpr double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;

// Taps widened to int32, whatever they are stored as.
struct Taps {
  explicit Taps(const Case& c, int64_t n) : narrow(c.kh * c.kw <= 256), count(n), bytes(narrow ? n : 0), words(n) {}
  void* data() { return narrow ? static_cast<void*>(bytes.data()) : words.data(); }
  const int32_t* widened() {
    for (int64_t i = 0; narrow && i < count; ++i) words[i] = bytes[i];
    return words.data();
  }
  bool intact() const { return bytes.intact() && words.intact(); }

  bool narrow;
  int64_t count;
  Guarded<uint8_t> bytes;
  Guarded<int32_t> words;
};

// Few distinct values, so that windows hold their maximum several times.
template <class T>
std::vector<T> coarse_values(int64_t n) {
  std::vector<T> values = random_values<T>(n, 5);
  for (T& v : values) v = std::round(v * 3);
  return values;
}

template <class T>
void check_max(const Case& c) {
  const Pool2dParams p = c.params();
  const int64_t in = p.planes * p.h * p.w, out = p.planes * p.out_h() * p.out_w();
  for (std::vector<T> x : {random_values<T>(in, 1), coarse_values<T>(in)}) {
    std::vector<T> expected(static_cast<size_t>(out)), expected_grad(static_cast<size_t>(in));
    Taps expected_taps(c, out), taps(c, out);
    talus::ref::max_pool2d(dtype_of<T>(), p, x.data(), expected.data(), expected_taps.data());
    Guarded<T> with(out), without(out), grad_x(in);
    under_test::max_pool2d(dtype_of<T>(), p, x.data(), with.data(), taps.data());
    under_test::max_pool2d(dtype_of<T>(), p, x.data(), without.data(), nullptr);
    CHECK_ALL_CLOSE(with.data(), expected.data(), out, 0, 0, "maxima");
    CHECK_ALL_CLOSE(without.data(), expected.data(), out, 0, 0, "maxima without taps");
    CHECK_ALL_CLOSE(taps.widened(), expected_taps.widened(), out, 0, 0, "taps");

    const std::vector<T> grad = random_values<T>(out, 2);
    talus::ref::max_pool2d_backward(dtype_of<T>(), p, grad.data(), expected_taps.data(), expected_grad.data());
    under_test::max_pool2d_backward(dtype_of<T>(), p, grad.data(), taps.data(), grad_x.data());
    CHECK_ALL_CLOSE(grad_x.data(), expected_grad.data(), in, 0, 9 * tolerance<T>, "gradient");
    CHECK(with.intact() && without.intact() && taps.intact() && grad_x.intact());
  }
}

TEST(max_agrees_with_the_reference) {
  everywhere([](const Case& c) {
    check_max<float>(c);
    check_max<double>(c);
  });
}

template <class T>
void check_avg(const Case& c) {
  for (const bool include_pad : {true, false})
    for (const int64_t divisor : {0, 3}) {
      const Pool2dParams p = c.params(include_pad, divisor);
      const int64_t in = p.planes * p.h * p.w, out = p.planes * p.out_h() * p.out_w();
      const std::vector<T> x = random_values<T>(in, 3), grad = random_values<T>(out, 4);
      std::vector<T> expected(static_cast<size_t>(out)), expected_grad(static_cast<size_t>(in));
      talus::ref::avg_pool2d(dtype_of<T>(), p, x.data(), expected.data());
      talus::ref::avg_pool2d_backward(dtype_of<T>(), p, grad.data(), expected_grad.data());
      Guarded<T> actual(out), grad_x(in);
      under_test::avg_pool2d(dtype_of<T>(), p, x.data(), actual.data());
      under_test::avg_pool2d_backward(dtype_of<T>(), p, grad.data(), grad_x.data());
      CHECK_ALL_CLOSE(actual.data(), expected.data(), out, 0, 20 * tolerance<T>, "means");
      CHECK_ALL_CLOSE(grad_x.data(), expected_grad.data(), in, 0, 20 * tolerance<T>, "gradient");
      CHECK(actual.intact() && grad_x.intact());
    }
}

TEST(average_agrees_with_the_reference) {
  everywhere([](const Case& c) {
    if (c.dilation_h != 1 || c.dilation_w != 1) return;
    check_avg<float>(c);
    check_avg<double>(c);
  });
}

template <class T>
void check_adaptive(const talus::AdaptivePool2dParams& p) {
  const int64_t in = p.planes * p.h * p.w, out = p.planes * p.out_h * p.out_w;
  const std::vector<T> x = random_values<T>(in, 3), grad = random_values<T>(out, 4);
  std::vector<T> expected(static_cast<size_t>(out)), expected_grad(static_cast<size_t>(in));
  talus::ref::adaptive_avg_pool2d(dtype_of<T>(), p, x.data(), expected.data());
  talus::ref::adaptive_avg_pool2d_backward(dtype_of<T>(), p, grad.data(), expected_grad.data());
  Guarded<T> actual(out), grad_x(in);
  under_test::adaptive_avg_pool2d(dtype_of<T>(), p, x.data(), actual.data());
  under_test::adaptive_avg_pool2d_backward(dtype_of<T>(), p, grad.data(), grad_x.data());
  CHECK_ALL_CLOSE(actual.data(), expected.data(), out, 0, 2 * tolerance<T>, "means");
  // An input of an enlarged plane is in many windows.
  CHECK_ALL_CLOSE(grad_x.data(), expected_grad.data(), in, 0, 20 * tolerance<T>, "gradient");
  CHECK(actual.intact() && grad_x.intact());
}

// Global, of one size, of several sizes, overlapping, larger than the input, wide, many planes, none.
TEST(adaptive_average_agrees_with_the_reference) {
  const talus::AdaptivePool2dParams shapes[] = {
      {70, 7, 7, 1, 1},   {3, 1, 1, 1, 1},   {5, 40, 41, 1, 1}, {6, 28, 28, 7, 7}, {4, 13, 11, 7, 7},
      {3, 5, 7, 2, 3},    {2, 10, 10, 7, 3}, {3, 3, 2, 7, 5},   {2, 1, 1, 4, 3},   {2, 9, 131, 4, 20},
      {301, 9, 10, 4, 4}, {0, 5, 5, 2, 2},   {2, 17, 5, 17, 2}, {3, 64, 1, 5, 1},  {1, 300, 200, 7, 7}};
  for_each_isa([&](const char*) {
    for_each_thread_count([&](int) {
      for (const auto& p : shapes) {
        check::Note note(std::to_string(p.planes) + " planes " + std::to_string(p.h) + "x" + std::to_string(p.w) +
                         " to " + std::to_string(p.out_h) + "x" + std::to_string(p.out_w));
        check_adaptive<float>(p);
        check_adaptive<double>(p);
      }
    });
  });
  float x[4] = {};
  CHECK_FAILS(under_test::adaptive_avg_pool2d(TALUS_INT32, {1, 2, 2, 1, 1}, x, x), "avg_pool2d: dtype 3");
  CHECK_FAILS(under_test::adaptive_avg_pool2d(TALUS_INT32, {1, 2, 2, 3, 1}, x, x), "adaptive_avg_pool2d: dtype 3");
}

// The gradients of planes that no cache holds pass the caches, if they begin at a line and are whole lines; what is
// pooled is asked for ahead.
template <class T>
void check_far(const Case& c) {
  const Pool2dParams p = c.params();
  const int64_t in = p.planes * p.h * p.w, out = p.planes * p.out_h() * p.out_w(), line = 64 / int64_t{sizeof(T)};
  const std::vector<T> x = coarse_values<T>(in), grad = random_values<T>(out, 4);
  std::vector<T> expected(static_cast<size_t>(out)), of_max(static_cast<size_t>(in)), of_mean(of_max.size());
  Taps expected_taps(c, out), taps(c, out);
  talus::ref::max_pool2d(dtype_of<T>(), p, x.data(), expected.data(), expected_taps.data());
  talus::ref::max_pool2d_backward(dtype_of<T>(), p, grad.data(), expected_taps.data(), of_max.data());
  talus::ref::avg_pool2d_backward(dtype_of<T>(), p, grad.data(), of_mean.data());
  for (const int64_t offset : {int64_t{0}, int64_t{1}, line / 2}) {
    Guarded<T> maxima(out), space(in + 2 * line);
    const auto into_line = static_cast<int64_t>(reinterpret_cast<uintptr_t>(space.data()) / sizeof(T)) % line;
    T* grad_x = space.data() + (line - into_line) + offset;
    const T before = grad_x[-1], after = grad_x[in];
    const auto check_gradient = [&](const std::vector<T>& wanted, const char* what) {
      CHECK_ALL_CLOSE(grad_x, wanted.data(), in, 0, 20 * tolerance<T>, what);
      CHECK(std::memcmp(&grad_x[-1], &before, sizeof before) == 0 &&
            std::memcmp(&grad_x[in], &after, sizeof after) == 0);
      CHECK(space.intact());
    };
    under_test::max_pool2d(dtype_of<T>(), p, x.data(), maxima.data(), taps.data());
    CHECK_ALL_CLOSE(maxima.data(), expected.data(), out, 0, 0, "maxima");
    CHECK_ALL_CLOSE(taps.widened(), expected_taps.widened(), out, 0, 0, "taps");
    under_test::max_pool2d_backward(dtype_of<T>(), p, grad.data(), taps.data(), grad_x);
    check_gradient(of_max, "gradient of maxima");
    under_test::avg_pool2d_backward(dtype_of<T>(), p, grad.data(), grad_x);
    check_gradient(of_mean, "gradient of means");
    std::vector<T> means(static_cast<size_t>(out)), mean(means.size());
    talus::ref::avg_pool2d(dtype_of<T>(), p, x.data(), means.data());
    under_test::avg_pool2d(dtype_of<T>(), p, x.data(), mean.data());
    CHECK_ALL_CLOSE(mean.data(), means.data(), out, 0, 20 * tolerance<T>, "means");
  }
}

// Whole lines, a plane of several of them at once and one alone, one too large to be collected, and odd sizes.
TEST(planes_that_no_cache_holds) {
  const talus::CachesForTest tiny({8 << 10, 16 << 10, 64});
  const Case far[] = {{25, 28, 28, 2, 2, 2, 2, 0, 0, 1, 1, 0},  {11, 32, 34, 3, 3, 2, 2, 1, 1, 1, 1, 0},
                      {3, 112, 112, 2, 2, 2, 2, 0, 0, 1, 1, 0}, {2, 200, 184, 3, 3, 2, 2, 1, 1, 1, 1, 0},
                      {7, 28, 28, 4, 4, 4, 4, 0, 0, 1, 1, 0},   {5, 7, 9, 2, 2, 2, 2, 0, 0, 1, 1, 0}};
  for_each_isa([&](const char*) {
    for_each_thread_count([&](int) {
      for (const Case& c : far) {
        check::Note note(c.text());
        check_far<float>(c);
        check_far<double>(c);
      }
    });
  });
}

// Known numbers, so that an error shared with the reference shows.
TEST(known_values) {
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  float out[4] = {};
  uint8_t taps[4] = {};
  const Case overlapping = {1, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1, 0}, padded = {1, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0};
  under_test::max_pool2d(TALUS_FLOAT32, overlapping.params(), x, out, taps);
  CHECK(out[0] == 5 && out[1] == 6 && out[2] == 8 && out[3] == 9);
  CHECK(taps[0] == 3 && taps[1] == 3 && taps[2] == 3 && taps[3] == 3);
  under_test::avg_pool2d(TALUS_FLOAT32, overlapping.params(), x, out);
  CHECK(out[0] == 3 && out[1] == 4 && out[2] == 6 && out[3] == 7);
  under_test::avg_pool2d(TALUS_FLOAT32, padded.params(true), x, out);
  CHECK(out[0] == 0.25f && out[1] == 1.25f && out[2] == 2.75f && out[3] == 7);
  under_test::avg_pool2d(TALUS_FLOAT32, padded.params(false), x, out);
  CHECK(out[0] == 1 && out[1] == 2.5f && out[2] == 5.5f && out[3] == 7);
  under_test::adaptive_avg_pool2d(TALUS_FLOAT32, {1, 3, 3, 2, 2}, x, out);
  CHECK(out[0] == 3 && out[1] == 4 && out[2] == 6 && out[3] == 7);
  under_test::avg_pool2d(TALUS_FLOAT32, padded.params(true, 2), x, out);
  CHECK(out[0] == 0.5f && out[1] == 2.5f && out[2] == 5.5f && out[3] == 14);
}

template <class T>
void check_special(const Case& c) {
  const Pool2dParams p = c.params();
  const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  std::vector<T> x = random_values<T>(p.planes * p.h * p.w, 6);
  for (size_t i = 0; i < x.size(); ++i) {
    if (i % 7 == 3 || i % 11 == 4) x[i] = nan;
    if (i % 5 == 1 || i / 30 % 3 == 1) x[i] = -inf;
  }
  const int64_t out = p.planes * p.out_h() * p.out_w();
  std::vector<T> expected(static_cast<size_t>(out));
  Taps expected_taps(c, out), taps(c, out);
  talus::ref::max_pool2d(dtype_of<T>(), p, x.data(), expected.data(), expected_taps.data());
  Guarded<T> actual(out), without(out);
  under_test::max_pool2d(dtype_of<T>(), p, x.data(), actual.data(), taps.data());
  under_test::max_pool2d(dtype_of<T>(), p, x.data(), without.data(), nullptr);
  CHECK_ALL_CLOSE(actual.data(), expected.data(), out, 0, 0, "maxima");
  CHECK_ALL_CLOSE(without.data(), expected.data(), out, 0, 0, "maxima without taps");
  CHECK_ALL_CLOSE(taps.widened(), expected_taps.widened(), out, 0, 0, "taps");
}

TEST(nan_wins_and_minus_infinity_is_a_value) {
  everywhere([](const Case& c) {
    check_special<float>(c);
    check_special<double>(c);
  });
}

// One of four taps is none of its window. CUDA's kernel does not say so, because it would have to be waited for; no
// input gets the gradient of such a tap.
void check_wrong_tap(const Pool2dParams& p, const float* grad, const void* taps, float* grad_x) {
#if defined(TALUS_TEST_CUDA)
  under_test::max_pool2d_backward(TALUS_FLOAT32, p, grad, taps, grad_x);
  float sum = 0;
  for (int64_t i = 0; i < p.h * p.w; ++i) sum += grad_x[i];
  CHECK(sum == 3);
#else
  CHECK_FAILS(under_test::max_pool2d_backward(TALUS_FLOAT32, p, grad, taps, grad_x), "outside");
#endif
}

TEST(wrong_taps_and_types_are_refused) {
  const float grad[4] = {1, 1, 1, 1};
  float grad_x[400];
  const Case side_by_side = {1, 4, 4, 2, 2, 2, 2, 0, 0, 1, 1, 0}, overlapping = {1, 3, 3, 2, 2, 1, 1, 0, 0, 1, 1, 0};
  const Case padded = {1, 3, 3, 3, 3, 2, 2, 1, 1, 1, 1, 0}, wide = {1, 20, 20, 19, 19, 1, 1, 0, 0, 1, 1, 0};
  const uint8_t good[4] = {0, 3, 1, 2}, beyond[4] = {0, 1, 4, 2}, above_the_plane[4] = {0, 4, 4, 4};
  const int32_t last[4] = {0, 18, 342, 360}, too_far[4] = {0, 0, 0, 361}, negative[4] = {0, -1, 0, 0};
  for_each_isa([&](const char*) {
    for (const Case& c : {side_by_side, overlapping}) {
      under_test::max_pool2d_backward(TALUS_FLOAT32, c.params(), grad, good, grad_x);
      CHECK(grad_x[0] == 1 && grad_x[1] == 0);
      check_wrong_tap(c.params(), grad, beyond, grad_x);
    }
    check_wrong_tap(padded.params(), grad, above_the_plane, grad_x);
    under_test::max_pool2d_backward(TALUS_FLOAT32, wide.params(), grad, last, grad_x);
    CHECK(grad_x[0] == 1 && grad_x[19] == 1 && grad_x[380] == 1 && grad_x[399] == 1 && grad_x[1] == 0);
    check_wrong_tap(wide.params(), grad, too_far, grad_x);
    check_wrong_tap(wide.params(), grad, negative, grad_x);
  });
  float pooled[4];
  CHECK_FAILS(under_test::max_pool2d(TALUS_INT32, wide.params(), grad_x, pooled, nullptr), "max_pool2d: dtype 3");
}

}  // namespace
