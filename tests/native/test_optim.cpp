#include <algorithm>
#include <cmath>
#include <limits>

#include "check.h"
#include "error.h"
#include "under_test.h"

namespace {

// Tensors of many sizes: empty, smaller than a vector, larger than a block and than a thread's share.
const std::vector<int64_t> numels = {1, 0, 3, 17, 511, 512, 513, 0, 80001, 64};

// One tensor of each size, between guards, and their addresses.
template <class T>
class Tensors {
 public:
  Tensors(uint32_t seed, double scale, double shift) {
    for (const int64_t n : numels) {
      tensors_.emplace_back(n);
      const std::vector<T> values = random_values<T>(n, seed++);
      for (int64_t i = 0; i < n; ++i) tensors_.back()[i] = static_cast<T>(shift + scale * values[i]);
    }
    for (auto& tensor : tensors_)
      addresses_.push_back(static_cast<int64_t>(reinterpret_cast<uintptr_t>(tensor.data())));
  }
  Tensors(const Tensors&) = delete;
  Tensors& operator=(const Tensors&) = delete;

  const int64_t* addresses() const { return addresses_.data(); }
  Guarded<T>& operator[](size_t i) { return tensors_[i]; }

  void check_close(const Tensors& expected, double tolerance, const char* what) const {
    for (size_t i = 0; i < tensors_.size(); ++i) {
      CHECK(tensors_[i].intact());
      CHECK_ALL_CLOSE(tensors_[i].data(), expected.tensors_[i].data(), tensors_[i].size(), tolerance, tolerance, what);
    }
  }

 private:
  std::vector<Guarded<T>> tensors_;
  std::vector<int64_t> addresses_;
};

const int kCount = static_cast<int>(numels.size());

template <class T>
constexpr double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-14;

template <class T>
struct SgdState {
  Tensors<T> params{10, 1, 0}, grads{50, 1, 0}, buffers{90, 1, 0};
};

template <class T>
void check_sgd(bool with_buffers, double weight_decay, bool nesterov, bool maximize) {
  SgdState<T> actual, expected;
  for (int step = 0; step < 3; ++step) {
    const auto run = [&](auto&& kernel, SgdState<T>& s) {
      kernel(dtype_of<T>(), kCount, numels.data(), s.params.addresses(), s.grads.addresses(),
             with_buffers ? s.buffers.addresses() : nullptr, 0.1, with_buffers ? 0.9 : 0.0, nesterov ? 0 : 0.3,
             weight_decay, nesterov, maximize, step == 0);
    };
    run(under_test::sgd_step, actual);
    run(talus::ref::sgd_step, expected);
    actual.params.check_close(expected.params, tolerance<T>, "parameters");
    actual.buffers.check_close(expected.buffers, tolerance<T>, "momentum buffers");
  }
  actual.grads.check_close(expected.grads, 0, "gradients");
}

TEST(sgd_agrees_with_the_reference) {
  for_each_isa([](const char*) {
    for_each_thread_count([](int) {
      for (const bool buffers : {false, true})
        for (const double weight_decay : {0.0, 0.05})
          for (const bool nesterov : {false, true})
            for (const bool maximize : {false, true}) {
              if (nesterov && !buffers) continue;
              check_sgd<float>(buffers, weight_decay, nesterov, maximize);
              check_sgd<double>(buffers, weight_decay, nesterov, maximize);
            }
    });
  });
}

template <class T>
struct AdamState {
  Tensors<T> params{10, 1, 0}, grads{50, 1, 0}, averages{90, 1, 0}, squares{130, 0.5, 0.5}, max_squares{170, 0.5, 0.5};
};

template <class T>
void check_adam(double beta1, double weight_decay, bool decoupled, bool amsgrad, bool maximize) {
  AdamState<T> actual, expected;
  for (const int64_t step : {1, 2, 1000}) {
    const auto run = [&](auto&& kernel, AdamState<T>& s) {
      kernel(dtype_of<T>(), kCount, numels.data(), s.params.addresses(), s.grads.addresses(), s.averages.addresses(),
             s.squares.addresses(), amsgrad ? s.max_squares.addresses() : nullptr, 0.01, beta1, 0.999, 1e-8,
             weight_decay, decoupled, maximize, step);
    };
    run(under_test::adam_step, actual);
    run(talus::ref::adam_step, expected);
    actual.params.check_close(expected.params, tolerance<T>, "parameters");
    actual.averages.check_close(expected.averages, tolerance<T>, "averages");
    actual.squares.check_close(expected.squares, tolerance<T>, "squares");
    actual.max_squares.check_close(expected.max_squares, tolerance<T>, "maximal squares");
  }
}

TEST(adam_agrees_with_the_reference) {
  for_each_isa([](const char*) {
    for_each_thread_count([](int) {
      for (const double beta1 : {0.9, 0.3})
        for (const double weight_decay : {0.0, 0.05})
          for (const bool decoupled : {false, true})
            for (const bool amsgrad : {false, true}) {
              check_adam<float>(beta1, weight_decay, decoupled, amsgrad, amsgrad != decoupled);
              check_adam<double>(beta1, weight_decay, decoupled, amsgrad, amsgrad != decoupled);
            }
    });
  });
}

TEST(results_do_not_depend_on_the_thread_count) {
  std::vector<float> first;
  for_each_thread_count([&](int) {
    AdamState<float> s;
    under_test::adam_step(TALUS_FLOAT32, kCount, numels.data(), s.params.addresses(), s.grads.addresses(),
                          s.averages.addresses(), s.squares.addresses(), nullptr, 0.01, 0.9, 0.999, 1e-8, 0.1, false,
                          false, 7);
    const float* values = s.params[8].data();
    if (first.empty()) first.assign(values, values + numels[8]);
    CHECK(std::memcmp(first.data(), values, first.size() * sizeof(float)) == 0);
  });
}

// So many elements that several threads share them.
TEST(large_sgd_steps_reach_every_element) {
  const std::vector<int64_t> sizes = {300001, 5, 300001};
  for_each_thread_count([&](int) {
    std::vector<std::vector<float>> params, grads;
    std::vector<int64_t> param_addresses, grad_addresses;
    for (const int64_t n : sizes) {
      params.emplace_back(n, 1.0f);
      grads.emplace_back(n, 0.5f);
    }
    const auto address = [](std::vector<float>& v) {
      return static_cast<int64_t>(reinterpret_cast<uintptr_t>(v.data()));
    };
    for (auto& v : params) param_addresses.push_back(address(v));
    for (auto& v : grads) grad_addresses.push_back(address(v));
    under_test::sgd_step(TALUS_FLOAT32, 3, sizes.data(), param_addresses.data(), grad_addresses.data(), nullptr, 0.5, 0,
                         0, 0, false, false, true);
    int64_t wrong = 0;
    for (const auto& v : params) wrong += std::count_if(v.begin(), v.end(), [](float x) { return x != 0.75f; });
    CHECK(wrong == 0);
  });
}

// Worked out by hand from the formulas; powers of two, so that every result is exact.
TEST(known_values) {
  double param = 1, grad = 0.5, buffer = -7, average = 0, square = 0, max_square = 4;
  const int64_t n = 1;
  const auto address = [](double& x) { return static_cast<int64_t>(reinterpret_cast<uintptr_t>(&x)); };
  const int64_t p = address(param), g = address(grad), b = address(buffer), m = address(average), v = address(square);
  const int64_t x = address(max_square);
  const auto sgd = [&](const int64_t* buffers, bool nesterov, bool first) {
    under_test::sgd_step(TALUS_FLOAT64, 1, &n, &p, &g, buffers, 0.5, 0.5, 0, 0, nesterov, false, first);
  };
  for_each_isa([&](const char*) {
    param = 1;
    sgd(nullptr, false, true);
    CHECK(param == 0.75);
    sgd(&b, false, true);
    CHECK(buffer == 0.5 && param == 0.5);
    sgd(&b, false, false);
    CHECK(buffer == 0.75 && param == 0.125);
    sgd(&b, true, false);
    CHECK(buffer == 0.875 && param == 0.125 - 0.5 * (0.5 + 0.4375));

    // The first step of Adam moves by lr against the gradient's sign, whatever the gradient's size.
    param = 1;
    average = square = 0;
    under_test::adam_step(TALUS_FLOAT64, 1, &n, &p, &g, &m, &v, nullptr, 0.25, 0.5, 0.75, 0, 0, false, false, 1);
    CHECK(average == 0.25 && square == 0.0625 && param == 0.75);
    // With amsgrad the larger second moment, 4, counts: 0.25 * (0.25/0.5) / (2/0.5). Decoupled decay first halves.
    param = 1;
    average = square = 0;
    under_test::adam_step(TALUS_FLOAT64, 1, &n, &p, &g, &m, &v, &x, 0.25, 0.5, 0.75, 0, 2, true, false, 1);
    CHECK(max_square == 4 && param == 0.5 - 0.03125);
  });
}

TEST(no_weight_decay_leaves_infinite_weights_alone) {
  float param = std::numeric_limits<float>::infinity(), grad = 1;
  const int64_t n = 1, p = static_cast<int64_t>(reinterpret_cast<uintptr_t>(&param));
  const int64_t g = static_cast<int64_t>(reinterpret_cast<uintptr_t>(&grad));
  under_test::sgd_step(TALUS_FLOAT32, 1, &n, &p, &g, nullptr, 0.1, 0, 0, 0, false, false, true);
  CHECK(param == std::numeric_limits<float>::infinity());
}

#if !defined(TALUS_TEST_CUDA)  // GPUs are not slow with denormal numbers and keep them

// A weight whose gradient stays zero has averages that shrink; Intel's processors are slow with denormal numbers.
template <class T>
void check_averages_never_are_denormal() {
  constexpr T least = std::numeric_limits<T>::min(), denormal = least / 2;
  const int64_t n = 1000;
  std::vector<T> params(n, T{1}), grads(n, T{0}), buffers(n, least), averages(n, least), squares(n, least);
  const auto address = [](std::vector<T>& v) { return static_cast<int64_t>(reinterpret_cast<uintptr_t>(v.data())); };
  const int64_t p = address(params), g = address(grads), b = address(buffers);
  const int64_t m = address(averages), v = address(squares);
  under_test::sgd_step(dtype_of<T>(), 1, &n, &p, &g, &b, 0.1, 0.9, 0, 0, false, false, false);
  under_test::adam_step(dtype_of<T>(), 1, &n, &p, &g, &m, &v, nullptr, 0.1, 0.9, 0.99, 1e-8, 0, false, false, 100);
  const auto is_denormal = [](T x) { return std::fpclassify(x) == FP_SUBNORMAL; };
  for (const auto* state : {&buffers, &averages, &squares})
    CHECK(std::count_if(state->begin(), state->end(), is_denormal) == 0);
  CHECK(std::count(params.begin(), params.end(), T{1}) == n);
  // The caller's arithmetic is as before.
  volatile T smallest = least;
  CHECK(smallest / 2 == denormal);
  CHECK(denormal > 0);
}

TEST(averages_never_are_denormal) {
  for_each_isa([](const char*) {
    check_averages_never_are_denormal<float>();
    check_averages_never_are_denormal<double>();
  });
}

#endif

TEST(wrong_types_are_refused) {
  CHECK_FAILS(
      under_test::sgd_step(TALUS_INT64, 0, nullptr, nullptr, nullptr, nullptr, 0.1, 0, 0, 0, false, false, true),
      "sgd_step: dtype 2");
  CHECK_FAILS(under_test::adam_step(TALUS_UINT8, 0, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, 0.1, 0.9,
                                    0.99, 1e-8, 0, false, false, 1),
              "adam_step: dtype 4");
}

}  // namespace
