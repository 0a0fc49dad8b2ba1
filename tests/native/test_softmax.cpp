// Softmax, log-softmax and their gradients against the reference, and on rows that overflow naive formulas.
#include "check.h"
#include "kernels.h"
#include "under_test.h"

namespace {

const double kInf = std::numeric_limits<double>::infinity();

template <class T>
void compare(bool log, int64_t rows, int64_t cols, double scale) {
  check::Note note(std::to_string(rows) + " x " + std::to_string(cols) + (log ? " log" : ""));
  const int dtype = dtype_of<T>();
  const int64_t n = rows * cols;
  std::vector<T> x = random_values<T>(n, 1);
  const std::vector<T> grad = random_values<T>(n, 2);
  for (T& v : x) v = static_cast<T>(v * scale);
  const double rtol = 8 * std::numeric_limits<T>::epsilon(), atol = std::numeric_limits<T>::epsilon();
  Guarded<T> actual(n), expected(n);
  under_test::softmax(log, dtype, rows, cols, x.data(), actual.data());
  talus::ref::softmax(log, dtype, rows, cols, x.data(), expected.data());
  CHECK(actual.intact());
  CHECK_ALL_CLOSE(actual.data(), expected.data(), n, rtol, atol * (log ? scale + 8 : 1e-3), "forward");
  Guarded<T> grad_x(n), expected_grad(n);
  under_test::softmax_backward(log, dtype, rows, cols, grad.data(), expected.data(), grad_x.data());
  talus::ref::softmax_backward(log, dtype, rows, cols, grad.data(), expected.data(), expected_grad.data());
  CHECK(grad_x.intact());
  CHECK_ALL_CLOSE(grad_x.data(), expected_grad.data(), n, rtol, 8 * atol * (log ? double(cols) * 1e-2 + 8 : 1),
                  "backward");
}

}  // namespace

TEST(softmax_matches_the_reference) {
  const int64_t shapes[][2] = {{0, 5}, {3, 0}, {1, 1}, {7, 3}, {64, 10}, {5, 16}, {9, 33}, {3, 1000}, {2, 5003}};
  for_each_isa([&](const char*) {
    for (const auto& shape : shapes)
      for (const bool log : {false, true})
        for (const double scale : {1.0, 60.0}) {
          compare<float>(log, shape[0], shape[1], scale);
          compare<double>(log, shape[0], shape[1], scale);
        }
  });
}

TEST(rows_with_infinities) {
  for_each_isa([](const char*) {
    const double x[] = {1000, 1001, -1000, -kInf, 0, 0, -kInf, -kInf, -kInf, 0, kInf, 1};
    double y[12], log_y[12];
    under_test::softmax(false, TALUS_FLOAT64, 4, 3, x, y);
    under_test::softmax(true, TALUS_FLOAT64, 4, 3, x, log_y);
    CHECK_NEAR(y[1], 1 / (1 + std::exp(-1.0)), 1e-15);
    CHECK_NEAR(log_y[2], -2001 - std::log(1 + std::exp(-1.0)), 1e-12);
    CHECK(y[3] == 0 && y[4] == 0.5 && log_y[3] == -kInf);
    for (int i = 6; i < 9; ++i) CHECK(std::isnan(y[i]) && std::isnan(log_y[i]));
    CHECK(std::isnan(y[10]));
    const float nan_row[] = {1, NAN, 2};
    float out[3];
    under_test::softmax(false, TALUS_FLOAT32, 1, 3, nan_row, out);
    for (const float v : out) CHECK(std::isnan(v));
  });
}

TEST(results_do_not_depend_on_threads) {
  for_each_isa([](const char*) {
    const int64_t rows = 3001, cols = 37, n = rows * cols;
    const auto x = random_values<float>(n, 1), grad = random_values<float>(n, 2);
    std::vector<float> first(2 * n), out(2 * n);
    for_each_thread_count([&](int threads) {
      under_test::softmax(true, TALUS_FLOAT32, rows, cols, x.data(), out.data());
      under_test::softmax_backward(true, TALUS_FLOAT32, rows, cols, grad.data(), out.data(), out.data() + n);
      if (threads == 1) first = out;
      CHECK(first == out);
    });
  });
}

TEST(integers_are_refused) {
  int64_t x = 1, out;
  CHECK_FAILS(under_test::softmax(false, TALUS_INT64, 1, 1, &x, &out), "expected float32 or float64");
}
