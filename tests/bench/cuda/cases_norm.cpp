// Batch and layer normalisation, in training.
#include "cases.h"
#include "kernels.h"

namespace bench {

namespace {

constexpr int kFloat = TALUS_FLOAT32;

Case batch_case(bool backward, int64_t n, int64_t channels, int64_t size) {
  const int64_t inner = size * size, all = n * channels * inner;
  Case c;
  c.family = "batch norm";
  c.label = std::string(backward ? "gradients " : "forward ") + std::to_string(n) + "x" + std::to_string(channels) +
            "x" + std::to_string(size) + "x" + std::to_string(size);
  c.torch = torch_work(backward ? "batch_norm_backward" : "batch_norm", n, channels, size);
  if (backward)
    c.make = [=] {
      Problem p;
      p.input(all), p.input(all), p.input(channels), p.input(channels), p.input(channels, 1, 2);
      p.output(all), p.output(channels), p.output(channels);
      p.kernel(talus::cuda::batch_norm_backward, talus::ref::batch_norm_backward,
               [=](auto gradient, const Addresses& at) {
                 gradient(kFloat, n, channels, inner, at[0], at[1], at[2], at[3], at[4], true, at[5], at[6], at[7]);
               });
      p.count_operands();
      p.tolerance = 1e-4;
      return p;
    };
  else
    c.make = [=] {
      Problem p;
      p.input(all), p.input(channels), p.input(channels), p.updated(channels), p.updated(channels, 0, 1);
      p.output(all), p.output(channels), p.output(channels);
      p.kernel(talus::cuda::batch_norm, talus::ref::batch_norm, [=](auto norm, const Addresses& at) {
        norm(kFloat, n, channels, inner, at[0], at[1], at[2], at[3], at[4], true, 0.1, 1e-5, at[5], at[6], at[7]);
      });
      p.count_operands();
      p.tolerance = 1e-4;
      return p;
    };
  return c;
}

Case layer_case(bool backward, int64_t rows, int64_t cols) {
  Case c;
  c.family = "layer norm";
  c.label = std::string(backward ? "gradients " : "forward ") + std::to_string(rows) + "x" + std::to_string(cols);
  c.torch = torch_work(backward ? "layer_norm_backward" : "layer_norm", rows, cols);
  if (backward)
    c.make = [=] {
      Problem p;
      p.input(rows * cols), p.input(rows * cols), p.input(cols), p.input(rows), p.input(rows, 1, 2);
      p.output(rows * cols), p.output(cols), p.output(cols);
      p.kernel(talus::cuda::layer_norm_backward, talus::ref::layer_norm_backward,
               [=](auto gradient, const Addresses& at) {
                 gradient(kFloat, rows, cols, at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7]);
               });
      p.count_operands();
      p.tolerance = 1e-4;
      return p;
    };
  else
    c.make = [=] {
      Problem p;
      p.input(rows * cols), p.input(cols), p.input(cols), p.output(rows * cols), p.output(rows), p.output(rows);
      p.kernel(talus::cuda::layer_norm, talus::ref::layer_norm, [=](auto norm, const Addresses& at) {
        norm(kFloat, rows, cols, at[0], at[1], at[2], 1e-5, at[3], at[4], at[5]);
      });
      p.count_operands();
      p.tolerance = 1e-4;
      return p;
    };
  return c;
}

}  // namespace

std::vector<Case> norm_cases(bool small) {
  std::vector<Case> cases;
  for (const bool backward : {false, true}) {
    cases.push_back(small ? batch_case(backward, 3, 5, 7) : batch_case(backward, 32, 64, 112));
    cases.push_back(small ? batch_case(backward, 2, 6, 6) : batch_case(backward, 32, 256, 56));
    cases.push_back(small ? batch_case(backward, 4, 40, 2) : batch_case(backward, 32, 2048, 7));
  }
  for (const bool backward : {false, true}) {
    cases.push_back(small ? layer_case(backward, 13, 33) : layer_case(backward, 16384, 768));
    cases.push_back(small ? layer_case(backward, 6, 1030) : layer_case(backward, 8192, 4096));
  }
  return cases;
}

}  // namespace bench
