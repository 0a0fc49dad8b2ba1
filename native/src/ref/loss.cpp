// Losses by their definitions, summed in long double.
#include <cmath>

#include "dtype.h"
#include "kernels.h"

namespace talus::ref {

namespace {

// The class of row i, or -1 to ignore it.
int64_t class_of(const int64_t* target, int64_t i, int64_t classes, int64_t ignore_index) {
  if (target[i] == ignore_index) return -1;
  if (target[i] < 0 || target[i] >= classes)
    fail(TALUS_INDEX_ERROR, "Target %lld is out of bounds.", static_cast<long long>(target[i]));
  return target[i];
}

}  // namespace

void nll_loss(int dtype, int64_t n, int64_t classes, int64_t inner, const void* x, const int64_t* target,
              const void* weight, int64_t ignore_index, int reduction, void* out, void* total_weight) {
  dispatch_float(dtype, "nll_loss", [&](auto type) {
    using T = typename decltype(type)::type;
    long double sum = 0, weights = 0;
    for (int64_t i = 0; i < n * inner; ++i) {
      const int64_t c = class_of(target, i, classes, ignore_index);
      long double loss = 0;
      if (c >= 0) {
        const long double w = weight != nullptr ? static_cast<const T*>(weight)[c] : T(1);
        loss = -w * static_cast<const T*>(x)[(i / inner * classes + c) * inner + i % inner];
        weights += w;
      }
      sum += loss;
      if (reduction == TALUS_REDUCTION_NONE) static_cast<T*>(out)[i] = static_cast<T>(loss);
    }
    if (reduction == TALUS_REDUCTION_NONE) return;
    *static_cast<T*>(out) = static_cast<T>(reduction == TALUS_REDUCTION_MEAN ? sum / weights : sum);
    *static_cast<T*>(total_weight) = static_cast<T>(weights);
  });
}

void nll_loss_backward(int dtype, int64_t n, int64_t classes, int64_t inner, const void* grad, const int64_t* target,
                       const void* weight, int64_t ignore_index, int reduction, const void* total_weight,
                       void* grad_x) {
  dispatch_float(dtype, "nll_loss_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    T* to = static_cast<T*>(grad_x);
    for (int64_t i = 0; i < n * classes * inner; ++i) to[i] = 0;
    for (int64_t i = 0; i < n * inner; ++i) {
      const int64_t c = class_of(target, i, classes, ignore_index);
      if (c < 0) continue;
      const T* g = static_cast<const T*>(grad);
      long double value = weight != nullptr ? -static_cast<const T*>(weight)[c] : T(-1);
      value *= reduction == TALUS_REDUCTION_NONE ? g[i] : g[0];
      if (reduction == TALUS_REDUCTION_MEAN) value /= *static_cast<const T*>(total_weight);
      to[(i / inner * classes + c) * inner + i % inner] = static_cast<T>(value);
    }
  });
}

void cross_entropy(int dtype, int64_t n, int64_t classes, const void* x, const int64_t* target, const void* weight,
                   int64_t ignore_index, int reduction, void* out, void* total_weight, void* exps, void* sums) {
  dispatch_float(dtype, "cross_entropy", [&](auto type) {
    using T = typename decltype(type)::type;
    long double loss_sum = 0, weights = 0;
    for (int64_t i = 0; i < n; ++i) {
      const T* row = static_cast<const T*>(x) + i * classes;
      long double greatest = -INFINITY, sum = 0, loss = 0;
      for (int64_t c = 0; c < classes; ++c) greatest = std::fmax(greatest, static_cast<long double>(row[c]));
      for (int64_t c = 0; c < classes; ++c) {
        const long double e = std::exp(row[c] - greatest);
        sum += e;
        if (exps != nullptr) static_cast<T*>(exps)[i * classes + c] = static_cast<T>(e);
      }
      if (sums != nullptr) static_cast<T*>(sums)[i] = static_cast<T>(sum);
      const int64_t wanted = class_of(target, i, classes, ignore_index);
      if (wanted >= 0) {
        const long double w = weight != nullptr ? static_cast<const T*>(weight)[wanted] : T(1);
        loss = w * (std::log(sum) - (row[wanted] - greatest));
        weights += w;
      }
      loss_sum += loss;
      if (reduction == TALUS_REDUCTION_NONE) static_cast<T*>(out)[i] = static_cast<T>(loss);
    }
    if (reduction == TALUS_REDUCTION_NONE) return;
    *static_cast<T*>(out) = static_cast<T>(reduction == TALUS_REDUCTION_MEAN ? loss_sum / weights : loss_sum);
    *static_cast<T*>(total_weight) = static_cast<T>(weights);
  });
}

void cross_entropy_backward(int dtype, int64_t n, int64_t classes, const void* grad, const void* exps, const void* sums,
                            const int64_t* target, const void* weight, int64_t ignore_index, int reduction,
                            const void* total_weight, void* grad_x) {
  dispatch_float(dtype, "cross_entropy_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t wanted = class_of(target, i, classes, ignore_index);
      long double g = 0;
      if (wanted >= 0) {
        g = static_cast<const T*>(grad)[reduction == TALUS_REDUCTION_NONE ? i : 0];
        if (weight != nullptr) g *= static_cast<const T*>(weight)[wanted];
        if (reduction == TALUS_REDUCTION_MEAN) g /= *static_cast<const T*>(total_weight);
      }
      for (int64_t c = 0; c < classes; ++c) {
        const long double p =
            static_cast<long double>(static_cast<const T*>(exps)[i * classes + c]) / static_cast<const T*>(sums)[i];
        static_cast<T*>(grad_x)[i * classes + c] = static_cast<T>(g * (p - (c == wanted ? 1 : 0)));
      }
    }
  });
}

void dropout(int dtype, int64_t n, int64_t inner, const void* x, const uint8_t* kept, double keep, void* out) {
  dispatch_float(dtype, "dropout", [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t i = 0; i < n * inner; ++i)
      static_cast<T*>(out)[i] = static_cast<const T*>(x)[i] * (kept[i / inner] != 0 ? T(1) / T(keep) : T(0));
  });
}

void mse_loss(int dtype, int64_t n, const void* x, const void* y, int reduction, void* out) {
  dispatch_float(dtype, "mse_loss", [&](auto type) {
    using T = typename decltype(type)::type;
    long double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      const long double d = static_cast<long double>(static_cast<const T*>(x)[i]) - static_cast<const T*>(y)[i];
      sum += d * d;
    }
    *static_cast<T*>(out) = static_cast<T>(reduction == TALUS_REDUCTION_MEAN ? sum / static_cast<long double>(n) : sum);
  });
}

}  // namespace talus::ref
