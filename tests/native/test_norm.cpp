// Batch and layer normalisation and their gradients against the reference.
#include "caches.h"
#include "check.h"
#include "kernels.h"
#include "under_test.h"

namespace {

struct Batch {
  int64_t n, channels, inner;
};

const Batch kBatches[] = {{0, 3, 4},     {2, 0, 4},     {3, 2, 0},    {2, 1, 1},    {7, 3, 1},
                          {70, 131, 1},  {200, 300, 1}, {3, 5, 7},    {5, 130, 4},  {2, 9, 16},
                          {9, 65, 9},    {130, 17, 16}, {3, 2, 1023}, {2, 3, 5003}, {1, 1, 9},
                          {64, 2, 4096}, {40, 600, 4},  {37, 20, 64}, {20, 5, 100}};

template <class T>
struct Results {
  Guarded<T> out, mean, rstd, running_mean, running_var, grad_x, grad_weight, grad_bias;
  explicit Results(const Batch& b)
      : out(b.n * b.channels * b.inner),
        mean(b.channels),
        rstd(b.channels),
        running_mean(b.channels),
        running_var(b.channels),
        grad_x(out.size()),
        grad_weight(b.channels),
        grad_bias(b.channels) {}

  void check(const Results& expected, const Batch& b, double scale) const {
    const double eps = std::numeric_limits<T>::epsilon(), count = double(b.n * b.inner);
    for (const Guarded<T>* g : {&out, &mean, &rstd, &running_mean, &running_var, &grad_x, &grad_weight, &grad_bias})
      CHECK(g->intact());
    if (count > 0) {
      CHECK_ALL_CLOSE(mean.data(), expected.mean.data(), b.channels, 2 * eps, eps * 2, "mean");
      CHECK_ALL_CLOSE(rstd.data(), expected.rstd.data(), b.channels, 8 * eps, 0, "rstd");
      CHECK_ALL_CLOSE(running_mean.data(), expected.running_mean.data(), b.channels, 4 * eps, eps, "running mean");
      CHECK_ALL_CLOSE(running_var.data(), expected.running_var.data(), b.channels, 8 * eps, eps, "running variance");
    }
    CHECK_ALL_CLOSE(out.data(), expected.out.data(), out.size(), 16 * eps, 16 * eps * scale, "output");
    CHECK_ALL_CLOSE(grad_x.data(), expected.grad_x.data(), out.size(), 16 * eps, 32 * eps, "gradient of x");
    CHECK_ALL_CLOSE(grad_weight.data(), expected.grad_weight.data(), b.channels, 16 * eps,
                    4 * eps * (4 + std::sqrt(count)), "gradient of weight");
    CHECK_ALL_CLOSE(grad_bias.data(), expected.grad_bias.data(), b.channels, 16 * eps, 4 * eps * (4 + std::sqrt(count)),
                    "gradient of bias");
  }
};

template <class T>
void compare(const Batch& b, bool training, bool affine, bool tracking, double offset) {
  check::Note note(std::to_string(b.n) + " x " + std::to_string(b.channels) + " x " + std::to_string(b.inner) +
                   (training ? " training" : "") + (affine ? " affine" : "") + (tracking ? " tracking" : ""));
  const int dtype = dtype_of<T>();
  const int64_t n = b.n * b.channels * b.inner;
  std::vector<T> x = random_values<T>(n, 1), weight = random_values<T>(b.channels, 2);
  const std::vector<T> grad = random_values<T>(n, 3), bias = random_values<T>(b.channels, 4);
  for (T& v : x) v = static_cast<T>(v + offset);
  Results<T> actual(b), expected(b);
  for (Results<T>* r : {&actual, &expected})
    for (int64_t c = 0; c < b.channels; ++c) {
      r->running_mean[c] = static_cast<T>(0.25 * static_cast<double>(c % 3));
      r->running_var[c] = static_cast<T>(1 + 0.5 * static_cast<double>(c % 5));
    }
  const T* w = affine ? weight.data() : nullptr;
  const T* o = affine ? bias.data() : nullptr;
  const auto run = [&](auto forward, auto backward, Results<T>& r, const Results<T>& saved) {
    forward(dtype, b.n, b.channels, b.inner, x.data(), w, o, tracking ? r.running_mean.data() : nullptr,
            tracking ? r.running_var.data() : nullptr, training, 0.3, 1e-5, r.out.data(), r.mean.data(), r.rstd.data());
    backward(dtype, b.n, b.channels, b.inner, grad.data(), x.data(), w, saved.mean.data(), saved.rstd.data(), training,
             r.grad_x.data(), r.grad_weight.data(), r.grad_bias.data());
  };
  run(talus::ref::batch_norm, talus::ref::batch_norm_backward, expected, expected);
  run(under_test::batch_norm, under_test::batch_norm_backward, actual, expected);
  actual.check(expected, b, 1 + offset);
  if (training && b.n * b.inner > 0) {
    // Only one of the gradients.
    Results<T> some(b);
    under_test::batch_norm_backward(dtype, b.n, b.channels, b.inner, grad.data(), x.data(), w, expected.mean.data(),
                                    expected.rstd.data(), true, nullptr, some.grad_weight.data(), nullptr);
    CHECK_ALL_CLOSE(some.grad_weight.data(), actual.grad_weight.data(), b.channels, 0, 0, "only weight");
    under_test::batch_norm_backward(dtype, b.n, b.channels, b.inner, grad.data(), x.data(), w, expected.mean.data(),
                                    expected.rstd.data(), true, some.grad_x.data(), nullptr, some.grad_bias.data());
    CHECK_ALL_CLOSE(some.grad_x.data(), actual.grad_x.data(), n, 0, 0, "only x");
  }
}

template <class T>
void compare_rows(int64_t rows, int64_t cols, bool affine) {
  check::Note note(std::to_string(rows) + " x " + std::to_string(cols) + (affine ? " affine" : ""));
  const int dtype = dtype_of<T>();
  const int64_t n = rows * cols;
  const double eps = std::numeric_limits<T>::epsilon();
  const auto x = random_values<T>(n, 1), grad = random_values<T>(n, 2);
  const auto weight = random_values<T>(cols, 3), bias = random_values<T>(cols, 4);
  const T* w = affine ? weight.data() : nullptr;
  Guarded<T> out(n), mean(rows), rstd(rows), grad_x(n), grad_w(cols), grad_b(cols);
  Guarded<T> out2(n), mean2(rows), rstd2(rows), grad_x2(n), grad_w2(cols), grad_b2(cols), alone(n);
  under_test::layer_norm(dtype, rows, cols, x.data(), w, affine ? bias.data() : nullptr, 1e-5, out.data(), mean.data(),
                         rstd.data());
  talus::ref::layer_norm(dtype, rows, cols, x.data(), w, affine ? bias.data() : nullptr, 1e-5, out2.data(),
                         mean2.data(), rstd2.data());
  under_test::layer_norm_backward(dtype, rows, cols, grad.data(), x.data(), w, mean2.data(), rstd2.data(),
                                  grad_x.data(), affine ? grad_w.data() : nullptr, affine ? grad_b.data() : nullptr);
  talus::ref::layer_norm_backward(dtype, rows, cols, grad.data(), x.data(), w, mean2.data(), rstd2.data(),
                                  grad_x2.data(), affine ? grad_w2.data() : nullptr, affine ? grad_b2.data() : nullptr);
  for (const Guarded<T>* g : {&out, &mean, &rstd, &grad_x, &grad_w, &grad_b}) CHECK(g->intact());
  // A row of two close values has a large rstd, by which rounding is multiplied, too.
  double largest = 1;
  for (int64_t i = 0; i < rows && cols > 0; ++i) largest = std::max(largest, static_cast<double>(rstd2[i]));
  CHECK_ALL_CLOSE(out.data(), out2.data(), n, 8 * eps, 8 * eps * largest, "output");
  CHECK_ALL_CLOSE(grad_x.data(), grad_x2.data(), n, 16 * eps, 16 * eps * largest * largest, "gradient of x");
  if (cols > 0) CHECK_ALL_CLOSE(mean.data(), mean2.data(), rows, 4 * eps, eps, "mean");
  if (cols > 0) CHECK_ALL_CLOSE(rstd.data(), rstd2.data(), rows, 8 * eps, 8 * eps * largest, "rstd");
  if (!affine) return;
  const double sum = eps * largest * (4 + std::sqrt(static_cast<double>(rows)));
  CHECK_ALL_CLOSE(grad_w.data(), grad_w2.data(), cols, 16 * eps, sum, "gradient of weight");
  CHECK_ALL_CLOSE(grad_b.data(), grad_b2.data(), cols, 16 * eps, sum, "gradient of bias");
  under_test::layer_norm_backward(dtype, rows, cols, grad.data(), x.data(), w, mean2.data(), rstd2.data(), alone.data(),
                                  nullptr, nullptr);
  // Not bit for bit: compilers may fuse the multiplications of the two loops in other places.
  CHECK_ALL_CLOSE(alone.data(), grad_x2.data(), n, 16 * eps, 16 * eps * largest * largest, "only the gradient of x");
}

}  // namespace

TEST(batch_norm_matches_the_reference) {
  for_each_isa([](const char*) {
    for (const Batch& b : kBatches)
      for (const bool affine : {false, true}) {
        compare<float>(b, true, affine, affine, 0);
        compare<double>(b, true, affine, true, 0);
        compare<float>(b, false, affine, true, 0);
        compare<double>(b, false, affine, true, 0);
      }
  });
}

// With a last level this small the results of images of any size pass the caches, if they are not short.
TEST(batch_norm_of_what_no_cache_holds) {
  const talus::CachesForTest tiny({8 << 10, 16 << 10, 64});
  for_each_isa([](const char*) {
    for (const Batch& b : {Batch{3, 2, 65}, Batch{5, 7, 130}, Batch{20, 5, 100}, Batch{4, 3, 3136}, Batch{64, 2, 4096}})
      for (const bool training : {true, false}) {
        compare<float>(b, training, true, true, 0);
        compare<double>(b, training, true, true, 0);
      }
  });
}

// The naive formula, mean of squares less square of mean, would have no digit left.
TEST(a_large_mean_does_not_cost_the_variance) {
  for_each_isa([](const char*) {
    compare<float>({64, 3, 1024}, true, true, true, 500);
    compare<float>({900, 5, 1}, true, true, true, 500);
    compare<double>({64, 3, 256}, true, true, true, 1e8);
  });
}

// Few values far from all others, at the places a centre is taken from or not.
TEST(outliers_do_not_cost_the_variance) {
  for_each_isa([](const char*) {
    const int64_t n = 40, channels = 2, inner = 900, count = n * channels * inner;
    for (const int outliers : {1, 2, 3}) {
      std::vector<float> x(static_cast<size_t>(count), 0.125f), out(x.size());
      for (int64_t s = 0; s < outliers; ++s) {
        const int64_t at = s * n * inner / 3;
        x[static_cast<size_t>(at / inner * channels * inner + at % inner)] = 1000;
      }
      x[inner + 7] = -1000;
      float mean[2], rstd[2], mean2[2], rstd2[2];
      under_test::batch_norm(TALUS_FLOAT32, n, channels, inner, x.data(), nullptr, nullptr, nullptr, nullptr, true, 0.1,
                             1e-5, out.data(), mean, rstd);
      talus::ref::batch_norm(TALUS_FLOAT32, n, channels, inner, x.data(), nullptr, nullptr, nullptr, nullptr, true, 0.1,
                             1e-5, out.data(), mean2, rstd2);
      CHECK_ALL_CLOSE(mean, mean2, 2, 1e-6, 0, "mean");
      CHECK_ALL_CLOSE(rstd, rstd2, 2, 2e-6, 0, "rstd");
    }
  });
}

TEST(layer_norm_matches_the_reference) {
  const int64_t shapes[][2] = {{0, 5},  {3, 0},   {1, 1},    {7, 2},    {64, 10},  {5, 16},
                               {9, 33}, {3, 768}, {2, 5003}, {300, 64}, {200, 37}, {2000, 128}};
  for_each_isa([&](const char*) {
    for (const auto& shape : shapes)
      for (const bool affine : {false, true}) {
        compare_rows<float>(shape[0], shape[1], affine);
        compare_rows<double>(shape[0], shape[1], affine);
      }
  });
}

TEST(results_do_not_depend_on_threads) {
  for_each_isa([](const char*) {
    for (const Batch& b : {Batch{64, 3, 1024}, Batch{33, 200, 49}, Batch{3000, 70, 1}}) {
      const int64_t n = b.n * b.channels * b.inner, c = b.channels;
      const auto x = random_values<float>(n, 1), grad = random_values<float>(n, 2);
      std::vector<float> first, out(static_cast<size_t>(2 * n + 6 * c));
      for_each_thread_count([&](int threads) {
        float* small = out.data() + 2 * n;
        std::fill(small, small + 6 * c, 1.0f);
        under_test::batch_norm(TALUS_FLOAT32, b.n, c, b.inner, x.data(), nullptr, nullptr, small, small + c, true, 0.1,
                               1e-5, out.data(), small + 2 * c, small + 3 * c);
        under_test::batch_norm_backward(TALUS_FLOAT32, b.n, c, b.inner, grad.data(), x.data(), nullptr, small + 2 * c,
                                        small + 3 * c, true, out.data() + n, small + 4 * c, small + 5 * c);
        if (threads == 1) first = out;
        CHECK(first == out);
      });
    }
    const int64_t rows = 3001, cols = 96, n = rows * cols;
    const auto x = random_values<float>(n, 1), grad = random_values<float>(n, 2),
               weight = random_values<float>(cols, 3);
    std::vector<float> first, out(static_cast<size_t>(2 * n + 2 * rows + 2 * cols));
    for_each_thread_count([&](int threads) {
      float* mean = out.data() + 2 * n;
      float* parameters = mean + 2 * rows;
      under_test::layer_norm(TALUS_FLOAT32, rows, cols, x.data(), weight.data(), nullptr, 1e-5, out.data(), mean,
                             mean + rows);
      under_test::layer_norm_backward(TALUS_FLOAT32, rows, cols, grad.data(), x.data(), weight.data(), mean,
                                      mean + rows, out.data() + n, parameters, parameters + cols);
      if (threads == 1) first = out;
      CHECK(first == out);
    });
  });
}

TEST(nan_stays_nan_and_integers_are_refused) {
  float x[6] = {1, 2, NAN, 4, 5, 6}, out[6], mean[2], rstd[2];
  under_test::batch_norm(TALUS_FLOAT32, 3, 2, 1, x, nullptr, nullptr, nullptr, nullptr, true, 0.1, 1e-5, out, mean,
                         rstd);
  CHECK(std::isnan(out[0]) && std::isnan(out[2]) && std::isnan(rstd[0]) && std::fabs(out[1] + 1.2247429f) < 1e-5);
  under_test::layer_norm(TALUS_FLOAT32, 2, 3, x, nullptr, nullptr, 1e-5, out, mean, rstd);
  CHECK(std::isnan(out[0]) && std::isnan(rstd[0]) && std::fabs(out[5] - 1.2247356f) < 1e-5);
  // As many bytes as the arrays have.
  CHECK_FAILS(under_test::layer_norm(TALUS_INT64, 1, 3, x, nullptr, nullptr, 1e-5, out, mean, rstd),
              "expected float32 or float64");
  CHECK_FAILS(under_test::batch_norm(TALUS_INT64, 3, 1, 1, x, nullptr, nullptr, nullptr, nullptr, true, 0.1, 1e-5, out,
                                     mean, rstd),
              "expected float32 or float64");
}
