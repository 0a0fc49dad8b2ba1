// Losses. Sums are taken over blocks of a fixed size, whose results are added in order.
#include <cstring>

#include "cpu/isa/reduce_table.h"
#include "dtype.h"
#include "kernels.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {

namespace {

constexpr int64_t kGrain = 16384;

struct Sums {
  double loss = 0, weight = 0;
};

// Adds up f(begin, end) over the blocks of [0, n).
template <class F>
Sums sum_blocks(int64_t n, F&& f) {
  const int64_t blocks = (n + kReduceChunk - 1) / kReduceChunk;
  const auto block = [&](int64_t b) {
    const int64_t begin = b * kReduceChunk;
    return f(begin, begin + kReduceChunk < n ? begin + kReduceChunk : n);
  };
  if (blocks == 0) return {};
  if (blocks == 1) return block(0);
  Scratch<Sums> parts(blocks);
  parallel_for(blocks, kGrain / kReduceChunk, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) parts[b] = block(b);
  });
  Sums total;
  for (int64_t b = 0; b < blocks; ++b) {
    total.loss += parts[b].loss;
    total.weight += parts[b].weight;
  }
  return total;
}

// Rows of log-probabilities with the class each one should have.
struct Targets {
  int64_t classes, inner;
  const int64_t* target;
  int64_t ignore_index;

  // Where row i's class is in [n, classes, inner]; -1 for an ignored row.
  int64_t position(int64_t i) const {
    const int64_t c = target[i];
    if (c == ignore_index) return -1;
    if (c < 0 || c >= classes)
      fail(TALUS_INDEX_ERROR, "Target %lld is out of bounds. Expected a class in [0, %lld) or ignore_index %lld",
           static_cast<long long>(c), static_cast<long long>(classes), static_cast<long long>(ignore_index));
    return inner == 1 ? i * classes + c : (i / inner * classes + c) * inner + i % inner;
  }
};

template <class T>
T weight_of(const T* weight, int64_t c) {
  return weight != nullptr ? weight[c] : T(1);
}

}  // namespace

void nll_loss(int dtype, int64_t n, int64_t classes, int64_t inner, const void* x, const int64_t* target,
              const void* weight, int64_t ignore_index, int reduction, void* out, void* total_weight) {
  const Targets targets = {classes, inner, target, ignore_index};
  dispatch_float(dtype, "nll_loss", [&](auto type) {
    using T = typename decltype(type)::type;
    const T* log_probabilities = static_cast<const T*>(x);
    const T* weights = static_cast<const T*>(weight);
    T* to = static_cast<T*>(out);
    if (reduction == TALUS_REDUCTION_NONE) {
      parallel_for(n * inner, kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t at = targets.position(i);
          to[i] = at < 0 ? T(0) : -weight_of(weights, target[i]) * log_probabilities[at];
        }
      });
      return;
    }
    const Sums sums = sum_blocks(n * inner, [&](int64_t begin, int64_t end) {
      Sums s;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t at = targets.position(i);
        if (at < 0) continue;
        const double w = weight_of(weights, target[i]);
        s.loss -= w * double(log_probabilities[at]);
        s.weight += w;
      }
      return s;
    });
    *to = T(reduction == TALUS_REDUCTION_MEAN ? sums.loss / sums.weight : sums.loss);
    *static_cast<T*>(total_weight) = T(sums.weight);
  });
}

void nll_loss_backward(int dtype, int64_t n, int64_t classes, int64_t inner, const void* grad, const int64_t* target,
                       const void* weight, int64_t ignore_index, int reduction, const void* total_weight,
                       void* grad_x) {
  const Targets targets = {classes, inner, target, ignore_index};
  dispatch_float(dtype, "nll_loss_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    const T* from = static_cast<const T*>(grad);
    const T* weights = static_cast<const T*>(weight);
    T* to = static_cast<T*>(grad_x);
    const bool none = reduction == TALUS_REDUCTION_NONE;
    const T divisor = reduction == TALUS_REDUCTION_MEAN ? *static_cast<const T*>(total_weight) : T(1);
    const int64_t sample = classes * inner;
    parallel_for(n, kGrain / (sample + 1) + 1, [&](int64_t begin, int64_t end) {
      std::memset(static_cast<void*>(to + begin * sample), 0, static_cast<size_t>((end - begin) * sample) * sizeof(T));
      for (int64_t i = begin * inner; i < end * inner; ++i) {
        const int64_t at = targets.position(i);
        if (at >= 0) to[at] = -weight_of(weights, target[i]) * (none ? from[i] : from[0]) / divisor;
      }
    });
  });
}

void mse_loss(int dtype, int64_t n, const void* x, const void* y, int reduction, void* out) {
  dispatch_float(dtype, "mse_loss", [&](auto type) {
    using T = typename decltype(type)::type;
    const SquaredDifferenceLoop loop = reduce_table().squared_difference(dtype);
    const Sums sums = sum_blocks(n, [&](int64_t begin, int64_t end) {
      Sums s;
      s.loss = loop(static_cast<const T*>(x) + begin, static_cast<const T*>(y) + begin, end - begin);
      return s;
    });
    *static_cast<T*>(out) = T(reduction == TALUS_REDUCTION_MEAN ? sums.loss / double(n) : sums.loss);
  });
}

}  // namespace talus::cpu
