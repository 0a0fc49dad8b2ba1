// The rows of the table, by family. To add one, append a Case to its family's list.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "problem.h"

namespace bench {

// Cleared: every run starts with a second-level cache that holds none of the operands. Warm: runs follow each other
// without a pause, as steps of training do.
enum class Caches { Cleared, Warm };

// Arguments of cuBLAS's product for row-major C = op(A) op(B).
struct Product {
  int64_t batch = 0, m = 0, n = 0, k = 0;
  bool trans_a = false, trans_b = false;
  int a = 0, b = 0, c = 0;  // numbers of the operands
  bool tf32 = false;        // operands may be rounded to TF32
};

struct Case {
  std::string family, label;
  // A name for the same work in PyTorch, and its sizes; empty: PyTorch has none.
  std::string torch;
  std::function<Problem()> make;
  // Shares that an H100 should reach, of the measured ceiling, of cuBLAS's speed and of PyTorch's; 0: not agreed.
  double of_ceiling = 0, of_cublas = 0, of_torch = 0;
  Product product = {};  // batch 0: not a matrix product
  Caches caches = Caches::Cleared;
  // Keep the work in a graph and launch that.
  bool as_graph = false;
  // Tensor cores multiply, so the ceiling is theirs.
  bool tensor_cores = false;
};

// `small`: shapes that an emulator computes in a moment and the reference can check.
std::vector<Case> gemm_cases(bool small);
std::vector<Case> conv_cases(bool small);
std::vector<Case> map_cases(bool small);
std::vector<Case> reduce_cases(bool small);
std::vector<Case> pool_cases(bool small);
std::vector<Case> norm_cases(bool small);
std::vector<Case> index_cases(bool small);
std::vector<Case> optim_cases(bool small);
std::vector<Case> random_cases(bool small);
std::vector<Case> step_cases(bool small);

inline std::vector<Case> all_cases(bool small) {
  std::vector<Case> all;
  for (const auto family : {gemm_cases, conv_cases, map_cases, reduce_cases, pool_cases, norm_cases, index_cases,
                            optim_cases, random_cases, step_cases})
    for (Case& c : family(small)) all.push_back(std::move(c));
  return all;
}

// "name 1 2 3": an entry of Case::torch.
template <class... Sizes>
std::string torch_work(const char* name, Sizes... sizes) {
  std::string text = name;
  ((text += " " + std::to_string(static_cast<long long>(sizes))), ...);
  return text;
}

constexpr double kBandwidthTarget = 0.85;

}  // namespace bench
