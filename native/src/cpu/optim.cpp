// Optimizer steps: one parallel pass over all tensors, as if they were one array.
#include <algorithm>
#include <type_traits>
#include <vector>

#include "cpu/flush_denormals.h"
#include "cpu/isa/optim_table.h"
#include "dtype.h"
#include "kernels.h"
#include "optim_rules.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Runs begin at whole units of every tensor, which are cache lines: a register that straddles two costs twice.
constexpr int64_t kUnit = 64;
// Units: about 30 microseconds.
constexpr int64_t kSgdGrain = 65536 / kUnit, kAdamGrain = 32768 / kUnit;
// SGD is so quick that fewer elements are left where they are, in the caches of the core that computed the gradients:
// another one would fetch the lines, and the first would fetch them back for the next step.
constexpr int64_t kLeastShared = (1 << 19) / kUnit;

template <class T>
const OptimLoops<T>& loops() {
  if constexpr (std::is_same_v<T, float>) {
    return optim_table().f32;
  } else {
    return optim_table().f64;
  }
}

// Element `offset` of the tensor number `i` of an array of addresses; null for an absent array.
template <class T>
T* element(const int64_t* addresses, int i, int64_t offset) {
  if (addresses == nullptr) return nullptr;
  return reinterpret_cast<T*>(static_cast<uintptr_t>(addresses[i])) + offset;
}

// Calls run(tensor, offset, n) for runs that together cover all elements, in parallel from `least` units on.
template <class F>
void for_each_run(int count, const int64_t* numels, int64_t grain, int64_t least, F&& run) {
  const auto units = [&](int i) { return (numels[i] + kUnit - 1) / kUnit; };
  std::vector<int64_t> ends(static_cast<size_t>(count));
  int64_t total = 0;
  for (int i = 0; i < count; ++i) ends[static_cast<size_t>(i)] = total += units(i);
  parallel_for(total, total < least ? total : grain, [&](int64_t begin, int64_t end) {
    const FlushDenormals flush;
    int i = static_cast<int>(std::upper_bound(ends.begin(), ends.end(), begin) - ends.begin());
    while (begin < end) {
      const int64_t tensor_end = ends[static_cast<size_t>(i)], stop = std::min(end, tensor_end);
      if (begin < stop) {
        const int64_t first = tensor_end - units(i), at = (begin - first) * kUnit;
        run(i, at, std::min(numels[i], (stop - first) * kUnit) - at);
      }
      begin = stop;
      ++i;
    }
  });
}

}  // namespace

void sgd_step(int dtype, int count, const int64_t* numels, const int64_t* params, const int64_t* grads,
              const int64_t* buffers, double lr, double momentum, double dampening, double weight_decay, bool nesterov,
              bool maximize, bool first) {
  const SgdStep step = {lr, momentum, dampening, weight_decay, nesterov, maximize, first};
  dispatch_float(dtype, "sgd_step", [&](auto type) {
    using T = typename decltype(type)::type;
    const OptimLoops<T>& table = loops<T>();
    for_each_run(count, numels, kSgdGrain, kLeastShared, [&](int i, int64_t at, int64_t n) {
      table.sgd(step, n, element<T>(params, i, at), element<const T>(grads, i, at), element<T>(buffers, i, at));
    });
  });
}

void adam_step(int dtype, int count, const int64_t* numels, const int64_t* params, const int64_t* grads,
               const int64_t* averages, const int64_t* squares, const int64_t* max_squares, double lr, double beta1,
               double beta2, double eps, double weight_decay, bool decoupled, bool maximize, int64_t step) {
  const AdamStep shared = adam_step_at(step, lr, beta1, beta2, eps, weight_decay, decoupled, maximize);
  dispatch_float(dtype, "adam_step", [&](auto type) {
    using T = typename decltype(type)::type;
    const OptimLoops<T>& table = loops<T>();
    for_each_run(count, numels, kAdamGrain, 0, [&](int i, int64_t at, int64_t n) {
      table.adam(shared, n, element<T>(params, i, at), element<const T>(grads, i, at), element<T>(averages, i, at),
                 element<T>(squares, i, at), element<T>(max_squares, i, at));
    });
  });
}

}  // namespace talus::cpu
