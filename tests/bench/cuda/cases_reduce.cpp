// Reductions, softmax and losses.
#include "cases.h"
#include "kernels.h"

namespace bench {

namespace {

constexpr int kFloat = TALUS_FLOAT32;

Case row(const char* family, const char* what, const char* key, int64_t rows, int64_t cols, double target,
         std::function<Problem()> make) {
  Case c;
  c.family = family;
  c.label = std::string(what) + " " + std::to_string(rows) + "x" + std::to_string(cols);
  c.torch = torch_work(key, rows, cols);
  c.of_ceiling = target;
  c.make = std::move(make);
  return c;
}

Case sum_case(const char* what, const char* key, int kept, bool of_columns, int64_t rows, int64_t cols) {
  return row("reduction", what, key, rows, cols, 0, [=] {
    Problem p;
    p.input(rows * cols), p.output(kept == 0 ? 1 : of_columns ? cols : rows);
    p.kernel(talus::cuda::reduce, talus::ref::reduce, [=](auto reduce, const Addresses& at) {
      const int64_t along[] = {rows, cols, cols, 1}, down[] = {cols, rows, 1, cols};
      reduce(TALUS_SUM, kFloat, 2, kept, of_columns ? down : along, at[0], 0, at[1], nullptr);
    });
    p.count_operands();
    // A sum of many numbers around zero is small beside its rounding errors.
    p.tolerance = 1e-3;
    return p;
  });
}

Case max_case(int64_t rows, int64_t cols) {
  return row("reduction", "max and where of rows", "max_rows", rows, cols, 0, [=] {
    Problem p;
    p.input(rows * cols), p.output(rows), p.index_output(rows);
    p.kernel(talus::cuda::reduce, talus::ref::reduce, [=](auto reduce, const Addresses& at) {
      const int64_t geometry[] = {rows, cols, cols, 1};
      reduce(TALUS_MAX, kFloat, 2, 1, geometry, at[0], 0, at[1], static_cast<int64_t*>(at[2]));
    });
    p.count_operands();
    return p;
  });
}

Case softmax_case(bool log, int64_t rows, int64_t cols) {
  return row("softmax", log ? "log-softmax" : "softmax", log ? "log_softmax" : "softmax", rows, cols, kBandwidthTarget,
             [=] {
               Problem p;
               p.input(rows * cols, -4, 4), p.output(rows * cols);
               p.kernel(talus::cuda::softmax, talus::ref::softmax,
                        [=](auto softmax, const Addresses& at) { softmax(log, kFloat, rows, cols, at[0], at[1]); });
               p.count_operands();
               return p;
             });
}

Case softmax_backward_case(int64_t rows, int64_t cols) {
  return row("softmax", "softmax gradient", "softmax_backward", rows, cols, kBandwidthTarget, [=] {
    Problem p;
    p.input(rows * cols), p.input(rows * cols, 0, 1), p.output(rows * cols);
    p.kernel(talus::cuda::softmax_backward, talus::ref::softmax_backward,
             [=](auto gradient, const Addresses& at) { gradient(false, kFloat, rows, cols, at[0], at[1], at[2]); });
    p.count_operands();
    p.tolerance = 1e-4;
    return p;
  });
}

Case cross_entropy_case(int64_t rows, int64_t cols) {
  return row("cross entropy", "forward", "cross_entropy", rows, cols, 0, [=] {
    Problem p;
    p.input(rows * cols, -4, 4), p.indices(rows, cols);
    p.output(1), p.output(1), p.output(rows * cols), p.output(rows);
    p.kernel(talus::cuda::cross_entropy, talus::ref::cross_entropy, [=](auto loss, const Addresses& at) {
      loss(kFloat, rows, cols, at[0], static_cast<const int64_t*>(at[1]), nullptr, -100, TALUS_REDUCTION_MEAN, at[2],
           at[3], at[4], at[5]);
    });
    p.count_operands();
    return p;
  });
}

Case cross_entropy_backward_case(int64_t rows, int64_t cols) {
  return row("cross entropy", "gradient", "cross_entropy_backward", rows, cols, 0, [=] {
    Problem p;
    p.input(1), p.input(rows * cols, 0, 1), p.input(rows, 1, 2), p.indices(rows, cols), p.input(1, 5, 6);
    p.output(rows * cols);
    p.kernel(talus::cuda::cross_entropy_backward, talus::ref::cross_entropy_backward,
             [=](auto gradient, const Addresses& at) {
               gradient(kFloat, rows, cols, at[0], at[1], at[2], static_cast<const int64_t*>(at[3]), nullptr, -100,
                        TALUS_REDUCTION_MEAN, at[4], at[5]);
             });
    p.count_operands();
    return p;
  });
}

Case nll_case(int64_t rows, int64_t cols) {
  return row("losses", "nll", "nll_loss", rows, cols, 0, [=] {
    Problem p;
    p.input(rows * cols, -8, 0), p.indices(rows, cols), p.output(1), p.output(1);
    p.kernel(talus::cuda::nll_loss, talus::ref::nll_loss, [=](auto loss, const Addresses& at) {
      loss(kFloat, rows, cols, 1, at[0], static_cast<const int64_t*>(at[1]), nullptr, -100, TALUS_REDUCTION_MEAN, at[2],
           at[3]);
    });
    // Of each row only the wanted class travels, and which one that is.
    p.unit = Unit::Bytes;
    p.work = static_cast<double>(rows) * 12;
    return p;
  });
}

Case nll_backward_case(int64_t rows, int64_t cols) {
  return row("losses", "nll gradient", "nll_loss_backward", rows, cols, 0, [=] {
    Problem p;
    p.input(1), p.indices(rows, cols), p.input(1, 5, 6), p.output(rows * cols);
    p.kernel(talus::cuda::nll_loss_backward, talus::ref::nll_loss_backward, [=](auto gradient, const Addresses& at) {
      gradient(kFloat, rows, cols, 1, at[0], static_cast<const int64_t*>(at[1]), nullptr, -100, TALUS_REDUCTION_MEAN,
               at[2], at[3]);
    });
    p.count_operands();
    return p;
  });
}

Case mse_case(int64_t rows, int64_t cols) {
  return row("losses", "mse", "mse_loss", rows, cols, 0, [=] {
    Problem p;
    p.input(rows * cols), p.input(rows * cols), p.output(1);
    p.kernel(talus::cuda::mse_loss, talus::ref::mse_loss, [=](auto loss, const Addresses& at) {
      loss(kFloat, rows * cols, at[0], at[1], TALUS_REDUCTION_MEAN, at[2]);
    });
    p.count_operands();
    return p;
  });
}

// As layers queue it, which has no kernel of its own: a difference, times the loss's gradient.
Case mse_backward_case(int64_t rows, int64_t cols) {
  return row("losses", "mse gradient", "mse_loss_backward", rows, cols, 0, [=] {
    const int64_t n = rows * cols;
    Problem p;
    p.input(n), p.input(n), p.input(1), p.output(n), p.output(n);
    p.kernel(talus::cuda::binary, talus::ref::binary, [=](auto binary, const Addresses& at) {
      const int64_t by_one[] = {n, 1, 1, 0};
      binary(TALUS_SUB, kFloat, talus::Geometry<3>(n, 0, nullptr), at[0], at[1], 1, at[3]);
      binary(TALUS_MUL, kFloat, talus::Geometry<3>(0, 1, by_one), at[3], at[2], 1, at[4]);
    });
    // The difference need not travel.
    p.unit = Unit::Bytes;
    p.work = static_cast<double>(n) * 12;
    return p;
  });
}

}  // namespace

std::vector<Case> reduce_cases(bool small) {
  const int64_t rows = small ? 37 : 8192, cols = small ? 45 : 8192, many = small ? 70 : 262144, few = small ? 19 : 256;
  const int64_t images = small ? 21 : 16384, classes = small ? 11 : 1000, words = small ? 5 : 4096,
                vocabulary = small ? 1100 : 32000;
  return {sum_case("sum of all", "sum_all", 0, false, rows, cols),
          sum_case("sums of rows", "sum_rows", 1, false, rows, cols),
          sum_case("sums of columns", "sum_columns", 1, true, rows, cols),
          max_case(rows, cols),
          softmax_case(false, rows, cols),
          softmax_case(false, many, few),
          softmax_case(false, words, vocabulary),
          softmax_case(true, images, classes),
          softmax_backward_case(rows, cols),
          softmax_backward_case(many, few),
          cross_entropy_case(images, classes),
          cross_entropy_case(words, vocabulary),
          cross_entropy_backward_case(images, classes),
          cross_entropy_backward_case(words, vocabulary),
          nll_case(images, classes),
          nll_backward_case(images, classes),
          mse_case(rows, cols),
          mse_backward_case(rows, cols)};
}

}  // namespace bench
