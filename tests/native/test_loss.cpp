// Negative log likelihood and mean squared error against the reference, with weights, ignored rows and bad targets.
#include "check.h"
#include "kernels.h"
#include "under_test.h"

namespace {

constexpr int64_t kIgnore = -100;
const int kReductions[] = {TALUS_REDUCTION_NONE, TALUS_REDUCTION_MEAN, TALUS_REDUCTION_SUM};

std::vector<int64_t> random_targets(int64_t n, int64_t classes, bool ignore) {
  std::vector<int64_t> targets;
  for (const double v : random_values<double>(n, 9))
    targets.push_back(ignore && v > 0.6 ? kIgnore
                                        : static_cast<int64_t>((v + 1) / 2.001 * static_cast<double>(classes)));
  return targets;
}

template <class T>
void compare_nll(int64_t n, int64_t classes, int64_t inner, bool weighted, bool ignore, int reduction) {
  check::Note note(std::to_string(n) + "," + std::to_string(classes) + "," + std::to_string(inner) + " weighted " +
                   std::to_string(weighted) + " ignore " + std::to_string(ignore) + " reduction " +
                   std::to_string(reduction));
  const int dtype = dtype_of<T>();
  const bool none = reduction == TALUS_REDUCTION_NONE;
  const double tol = 4 * std::numeric_limits<T>::epsilon();
  const std::vector<T> x = random_values<T>(n * classes * inner, 1);
  std::vector<T> weights = random_values<T>(classes, 2);
  for (T& w : weights) w += 2;
  const void* weight = weighted ? weights.data() : nullptr;
  const std::vector<int64_t> target = random_targets(n * inner, classes, ignore);
  Guarded<T> out(none ? n * inner : 1), expected(out.size()), total(1), expected_total(1);
  under_test::nll_loss(dtype, n, classes, inner, x.data(), target.data(), weight, kIgnore, reduction, out.data(),
                       total.data());
  talus::ref::nll_loss(dtype, n, classes, inner, x.data(), target.data(), weight, kIgnore, reduction, expected.data(),
                       expected_total.data());
  CHECK(out.intact() && total.intact());
  // Sums of n terms near 1 in double.
  const double sum_tol = tol + 1e-15 * static_cast<double>(n * inner);
  CHECK_ALL_CLOSE(out.data(), expected.data(), out.size(), tol, none ? tol : sum_tol, "loss");
  if (!none) CHECK_NEAR(total[0], expected_total[0], tol * static_cast<double>(expected_total[0]) + 100 * sum_tol);
  const std::vector<T> grad = random_values<T>(out.size(), 3);
  Guarded<T> grad_x(n * classes * inner), expected_grad(grad_x.size());
  under_test::nll_loss_backward(dtype, n, classes, inner, grad.data(), target.data(), weight, kIgnore, reduction,
                                expected_total.data(), grad_x.data());
  talus::ref::nll_loss_backward(dtype, n, classes, inner, grad.data(), target.data(), weight, kIgnore, reduction,
                                expected_total.data(), expected_grad.data());
  CHECK(grad_x.intact());
  CHECK_ALL_CLOSE(grad_x.data(), expected_grad.data(), grad_x.size(), tol, 0, "gradient");
}

template <class T>
void compare_cross_entropy(int64_t n, int64_t classes, bool weighted, bool ignore, int reduction, bool keep) {
  check::Note note(std::to_string(n) + "," + std::to_string(classes) + " weighted " + std::to_string(weighted) +
                   " ignore " + std::to_string(ignore) + " reduction " + std::to_string(reduction));
  const int dtype = dtype_of<T>();
  const bool none = reduction == TALUS_REDUCTION_NONE;
  const double eps = std::numeric_limits<T>::epsilon();
  std::vector<T> x = random_values<T>(n * classes, 1), weights = random_values<T>(classes, 2);
  for (T& v : x) v *= 8;
  for (T& w : weights) w += 2;
  const void* weight = weighted ? weights.data() : nullptr;
  const std::vector<int64_t> target = random_targets(n, classes, ignore);
  Guarded<T> out(none ? n : 1), expected(out.size()), total(1), expected_total(1);
  Guarded<T> exps(n * classes), expected_exps(exps.size()), sums(n), expected_sums(n);
  under_test::cross_entropy(dtype, n, classes, x.data(), target.data(), weight, kIgnore, reduction, out.data(),
                            total.data(), keep ? exps.data() : nullptr, keep ? sums.data() : nullptr);
  talus::ref::cross_entropy(dtype, n, classes, x.data(), target.data(), weight, kIgnore, reduction, expected.data(),
                            expected_total.data(), expected_exps.data(), expected_sums.data());
  CHECK(out.intact() && total.intact() && exps.intact() && sums.intact());
  const double terms = reduction == TALUS_REDUCTION_SUM ? static_cast<double>(n) : 1;
  const double of_sums = none ? 0 : 1e-17 * static_cast<double>(n);  // added up in double
  CHECK_ALL_CLOSE(out.data(), expected.data(), out.size(), 16 * eps + of_sums, 64 * eps * terms, "loss");
  if (!none) CHECK_NEAR(total[0], expected_total[0], (4 * eps + of_sums) * static_cast<double>(expected_total[0]));
  if (!keep) return;
  CHECK_ALL_CLOSE(exps.data(), expected_exps.data(), exps.size(), 8 * eps, eps * 1e-3, "exponentials");
  CHECK_ALL_CLOSE(sums.data(), expected_sums.data(), n, 16 * eps, 0, "sums");
  const std::vector<T> grad = random_values<T>(out.size(), 3);
  Guarded<T> grad_x(n * classes), expected_grad(grad_x.size());
  under_test::cross_entropy_backward(dtype, n, classes, grad.data(), expected_exps.data(), expected_sums.data(),
                                     target.data(), weight, kIgnore, reduction, expected_total.data(), grad_x.data());
  talus::ref::cross_entropy_backward(dtype, n, classes, grad.data(), expected_exps.data(), expected_sums.data(),
                                     target.data(), weight, kIgnore, reduction, expected_total.data(),
                                     expected_grad.data());
  CHECK(grad_x.intact());
  CHECK_ALL_CLOSE(grad_x.data(), expected_grad.data(), grad_x.size(), 8 * eps, 8 * eps, "gradient");
}

}  // namespace

TEST(cross_entropy_matches_the_reference) {
  const int64_t shapes[][2] = {{0, 3}, {1, 1}, {7, 10}, {64, 10}, {131, 16}, {65, 17}, {3, 1000}, {2, 5003}, {3001, 4}};
  for_each_isa([&](const char*) {
    for (const auto& s : shapes)
      for (const int reduction : kReductions)
        for (const bool weighted : {false, true})
          for (const bool ignore : {false, true}) {
            compare_cross_entropy<float>(s[0], s[1], weighted, ignore, reduction, true);
            compare_cross_entropy<double>(s[0], s[1], weighted, ignore, reduction, !weighted);
          }
  });
}

// Infinite scores, no class at all, nothing to average, and targets that are none.
TEST(cross_entropy_of_extremes) {
  for_each_isa([](const char*) {
    const float inf = std::numeric_limits<float>::infinity();
    const float x[] = {1000, -1000, -inf, 0, NAN, 2};
    const int64_t target[] = {0, 1, 0};
    float loss[3], total, exps[6], sums[3], grad[] = {1, 1, 1}, grad_x[6];
    under_test::cross_entropy(TALUS_FLOAT32, 3, 2, x, target, nullptr, kIgnore, TALUS_REDUCTION_NONE, loss, &total,
                              exps, sums);
    CHECK(loss[0] == 0 && loss[1] == 0 && std::isnan(loss[2]));
    under_test::cross_entropy_backward(TALUS_FLOAT32, 3, 2, grad, exps, sums, target, nullptr, kIgnore,
                                       TALUS_REDUCTION_NONE, nullptr, grad_x);
    for (int i = 0; i < 4; ++i) CHECK(grad_x[i] == 0);
    CHECK(std::isnan(grad_x[4]) && std::isnan(grad_x[5]));
    const int64_t ignored[] = {kIgnore, kIgnore};
    under_test::cross_entropy(TALUS_FLOAT32, 2, 2, x, ignored, nullptr, kIgnore, TALUS_REDUCTION_MEAN, loss, &total,
                              exps, sums);
    CHECK(std::isnan(loss[0]) && total == 0);
    under_test::cross_entropy_backward(TALUS_FLOAT32, 2, 2, grad, exps, sums, ignored, nullptr, kIgnore,
                                       TALUS_REDUCTION_MEAN, &total, grad_x);
    for (int i = 0; i < 4; ++i) CHECK(grad_x[i] == 0);
    under_test::cross_entropy(TALUS_FLOAT32, 2, 0, x, ignored, nullptr, kIgnore, TALUS_REDUCTION_SUM, loss, &total,
                              nullptr, nullptr);
    CHECK(loss[0] == 0 && total == 0);
    for (const int64_t bad : {2, -1}) {
      const int64_t targets[] = {1, bad};
      const std::string message = "Target " + std::to_string(bad) + " is out of bounds.";
      CHECK_FAILS(under_test::cross_entropy(TALUS_FLOAT32, 2, 2, x, targets, nullptr, kIgnore, TALUS_REDUCTION_MEAN,
                                            loss, &total, exps, sums),
                  message.c_str());
    }
  });
}

TEST(nll_loss_matches_the_reference) {
  const int64_t shapes[][3] = {{0, 3, 1}, {1, 1, 1}, {7, 10, 1}, {3, 5, 11}, {5000, 4, 1}, {2, 3, 2999}, {64, 10, 1}};
  for (const auto& s : shapes)
    for (const int reduction : kReductions)
      for (const bool weighted : {false, true})
        for (const bool ignore : {false, true}) {
          compare_nll<float>(s[0], s[1], s[2], weighted, ignore, reduction);
          compare_nll<double>(s[0], s[1], s[2], weighted, ignore, reduction);
        }
}

TEST(nothing_to_average_is_nan) {
  const float x[] = {1, 2};
  const int64_t ignored[] = {kIgnore};
  float out, total;
  under_test::nll_loss(TALUS_FLOAT32, 1, 2, 1, x, ignored, nullptr, kIgnore, TALUS_REDUCTION_MEAN, &out, &total);
  CHECK(std::isnan(out) && total == 0);
  under_test::nll_loss(TALUS_FLOAT32, 1, 2, 1, x, ignored, nullptr, kIgnore, TALUS_REDUCTION_SUM, &out, &total);
  CHECK(out == 0 && total == 0);
  float grad_x[2] = {5, 5};
  under_test::nll_loss_backward(TALUS_FLOAT32, 1, 2, 1, x, ignored, nullptr, kIgnore, TALUS_REDUCTION_MEAN, &total,
                                grad_x);
  CHECK(grad_x[0] == 0 && grad_x[1] == 0);
  under_test::mse_loss(TALUS_FLOAT32, 0, x, x, TALUS_REDUCTION_MEAN, &out);
  CHECK(std::isnan(out));
  under_test::mse_loss(TALUS_FLOAT32, 0, x, x, TALUS_REDUCTION_SUM, &out);
  CHECK(out == 0);
}

TEST(targets_out_of_range_are_refused) {
  const std::vector<float> x(20, 0.5f);
  std::vector<float> grad_x(20);
  float out, total = 1;
  for (const int64_t bad : {11, 10, -1}) {
    const int64_t target[] = {3, bad};
    const std::string message = "Target " + std::to_string(bad) + " is out of bounds.";
    CHECK_FAILS(under_test::nll_loss(TALUS_FLOAT32, 2, 10, 1, x.data(), target, nullptr, kIgnore, TALUS_REDUCTION_MEAN,
                                     &out, &total),
                message.c_str());
    CHECK_FAILS(under_test::nll_loss_backward(TALUS_FLOAT32, 2, 10, 1, x.data(), target, nullptr, kIgnore,
                                              TALUS_REDUCTION_MEAN, &total, grad_x.data()),
                message.c_str());
  }
  const int64_t ignored_class[] = {3, 10};
  under_test::nll_loss(TALUS_FLOAT32, 2, 10, 1, x.data(), ignored_class, nullptr, 10, TALUS_REDUCTION_MEAN, &out,
                       &total);
  CHECK(out == -0.5f && total == 1);
}

template <class T>
void compare_mse(int64_t n) {
  check::Note note(std::to_string(n) + " elements");
  const auto x = random_values<T>(n, 1), y = random_values<T>(n, 2);
  for (const int reduction : {TALUS_REDUCTION_MEAN, TALUS_REDUCTION_SUM}) {
    T actual, expected;
    under_test::mse_loss(dtype_of<T>(), n, x.data(), y.data(), reduction, &actual);
    talus::ref::mse_loss(dtype_of<T>(), n, x.data(), y.data(), reduction, &expected);
    CHECK_NEAR(actual, expected, 16 * std::numeric_limits<T>::epsilon() * static_cast<double>(expected));
  }
}

TEST(mse_loss_matches_the_reference) {
  for_each_isa([](const char*) {
    for (const int64_t n : {1, 5, 16, 100, 2048, 2049, 100000}) {
      compare_mse<float>(n);
      compare_mse<double>(n);
    }
  });
}

TEST(cross_entropy_does_not_depend_on_threads) {
  const int64_t n = 3001, classes = 37;
  const auto x = random_values<float>(n * classes, 1);
  const std::vector<int64_t> target = random_targets(n, classes, true);
  std::vector<float> exps(n * classes), sums(n), out(2 + n * classes), first;
  for_each_thread_count([&](int threads) {
    under_test::cross_entropy(TALUS_FLOAT32, n, classes, x.data(), target.data(), nullptr, kIgnore,
                              TALUS_REDUCTION_MEAN, &out[0], &out[1], exps.data(), sums.data());
    under_test::cross_entropy_backward(TALUS_FLOAT32, n, classes, &out[0], exps.data(), sums.data(), target.data(),
                                       nullptr, kIgnore, TALUS_REDUCTION_MEAN, &out[1], &out[2]);
    if (threads == 1) first = out;
    CHECK(out == first);
  });
}

TEST(results_do_not_depend_on_threads) {
  const int64_t n = 100003;
  const auto x = random_values<float>(n, 1), y = random_values<float>(n, 2);
  const std::vector<int64_t> target = random_targets(n / 2, 2, true);
  float first[3] = {}, out[3], total;
  for_each_thread_count([&](int threads) {
    under_test::mse_loss(TALUS_FLOAT32, n, x.data(), y.data(), TALUS_REDUCTION_MEAN, &out[0]);
    for (int i = 1; i < 3; ++i)
      under_test::nll_loss(TALUS_FLOAT32, n / 2, 2, 1, x.data(), target.data(), nullptr, kIgnore, kReductions[i],
                           &out[i], &total);
    if (threads == 1) std::memcpy(first, out, sizeof out);
    CHECK(std::memcmp(first, out, sizeof out) == 0);
  });
}
