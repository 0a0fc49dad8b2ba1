// Losses. Sums are taken over blocks of a fixed size, whose results are added in order.
#include <cstring>

#include "cpu/isa/reduce_table.h"
#include "cpu/isa/softmax_table.h"
#include "dtype.h"
#include "index_rules.h"
#include "kernels.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {

namespace {

constexpr int64_t kGrain = 16384;

struct Sums {
  double loss = 0, weight = 0;
};

// Adds up f(begin, end) over the blocks of [0, n), of which a thread takes at least `grain`.
template <class F>
Sums sum_blocks(int64_t n, int64_t size, int64_t grain, F&& f) {
  const int64_t blocks = (n + size - 1) / size;
  const auto block = [&](int64_t b) {
    const int64_t begin = b * size;
    return f(begin, begin + size < n ? begin + size : n);
  };
  if (blocks == 0) return {};
  if (blocks == 1) return block(0);
  Scratch<Sums> parts(blocks);
  parallel_for(blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) parts[b] = block(b);
  });
  Sums total;
  for (int64_t b = 0; b < blocks; ++b) {
    total.loss += parts[b].loss;
    total.weight += parts[b].weight;
  }
  return total;
}

template <class F>
Sums sum_blocks(int64_t n, F&& f) {
  return sum_blocks(n, kReduceChunk, kGrain / kReduceChunk, f);
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
    if (c < 0 || c >= classes) fail_target(c, classes, ignore_index);
    return inner == 1 ? i * classes + c : (i / inner * classes + c) * inner + i % inner;
  }
};

template <class T>
T weight_of(const T* weight, int64_t c) {
  return weight != nullptr ? weight[c] : T(1);
}

// Rows of scores that take about 10 microseconds.
int64_t rows_of_scores(int64_t classes) { return kGrain / (classes + 16) + 1; }

constexpr int64_t kRows = 64;  // taken at a time: their statistics are on the stack

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

void cross_entropy(int dtype, int64_t n, int64_t classes, const void* x, const int64_t* target, const void* weight,
                   int64_t ignore_index, int reduction, void* out, void* total_weight, void* exps, void* sums) {
  const Targets targets = {classes, 1, target, ignore_index};
  dispatch_float(dtype, "cross_entropy", [&](auto type) {
    using T = typename decltype(type)::type;
    const SoftmaxStatisticsLoop statistics = softmax_table().statistics(dtype);
    const T* scores = static_cast<const T*>(x);
    const T* weights = static_cast<const T*>(weight);
    T* losses = reduction == TALUS_REDUCTION_NONE ? static_cast<T*>(out) : nullptr;
    const Sums total = sum_blocks(n, rows_of_scores(classes), 1, [&](int64_t first, int64_t last) {
      Sums s;
      T greatest[kRows], sums_here[kRows], logs[kRows];
      for (int64_t begin = first; begin < last; begin += kRows) {
        const int64_t count = last - begin < kRows ? last - begin : kRows, at = begin * classes;
        T* sums_of = sums == nullptr ? sums_here : static_cast<T*>(sums) + begin;
        if (classes > 0)
          statistics(count, classes, scores + at, exps == nullptr ? nullptr : static_cast<T*>(exps) + at, greatest,
                     sums_of, logs);
        for (int64_t i = 0; i < count; ++i) {
          const int64_t wanted = targets.position(begin + i);
          T loss = 0;
          if (wanted >= 0) {
            const T w = weight_of(weights, target[begin + i]);
            loss = w * (logs[i] - (scores[wanted] - greatest[i]));
            s.loss += double(loss);
            s.weight += double(w);
          }
          if (losses != nullptr) losses[begin + i] = loss;
        }
      }
      return s;
    });
    if (losses != nullptr) return;
    *static_cast<T*>(out) = T(reduction == TALUS_REDUCTION_MEAN ? total.loss / total.weight : total.loss);
    *static_cast<T*>(total_weight) = T(total.weight);
  });
}

// A row's softmax minus its one-hot target, times the gradient of its loss.
void cross_entropy_backward(int dtype, int64_t n, int64_t classes, const void* grad, const void* exps, const void* sums,
                            const int64_t* target, const void* weight, int64_t ignore_index, int reduction,
                            const void* total_weight, void* grad_x) {
  const Targets targets = {classes, 1, target, ignore_index};
  dispatch_float(dtype, "cross_entropy_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    const ScaleRowsLoop scale = softmax_table().scale(dtype);
    const T* from = static_cast<const T*>(grad);
    const T* weights = static_cast<const T*>(weight);
    T* to = static_cast<T*>(grad_x);
    const bool none = reduction == TALUS_REDUCTION_NONE;
    const T divisor = reduction == TALUS_REDUCTION_MEAN ? *static_cast<const T*>(total_weight) : T(1);
    parallel_for(n, rows_of_scores(classes), [&](int64_t first, int64_t last) {
      T grads[kRows], factors[kRows];
      for (int64_t begin = first; begin < last; begin += kRows) {
        const int64_t count = last - begin < kRows ? last - begin : kRows, at = begin * classes;
        for (int64_t i = 0; i < count; ++i) {
          const bool counts = targets.position(begin + i) >= 0;
          grads[i] = counts ? weight_of(weights, target[begin + i]) * from[none ? begin + i : 0] / divisor : T(0);
          factors[i] = grads[i] / static_cast<const T*>(sums)[begin + i];
        }
        scale(count, classes, static_cast<const T*>(exps) + at, factors, to + at);
        for (int64_t i = 0; i < count; ++i) {
          const int64_t wanted = targets.position(begin + i);
          if (wanted >= 0) to[wanted] -= grads[i];
        }
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
