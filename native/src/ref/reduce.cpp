// Reductions over a list of the reduced elements, in long double or 128-bit integers.
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "dtype.h"
#include "kernels.h"
#include "ref/elementwise_walk.h"

namespace talus::ref {

namespace {

using Real = long double;

size_t extreme_index(const std::vector<Real>& values, bool maximum) {
  size_t best = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    if (std::isnan(values[best])) break;
    if (std::isnan(values[i]) || (maximum ? values[i] > values[best] : values[i] < values[best])) best = i;
  }
  return best;
}

Real floating_result(int op, const std::vector<Real>& values, Real p0) {
  const Real count = static_cast<Real>(values.size());
  Real sum = 0, product = 1, squares = 0, greatest = -INFINITY;
  for (const Real v : values) {
    sum += v;
    product *= v;
    squares += v * v;
    greatest = v > greatest ? v : greatest;
  }
  switch (op) {
    case TALUS_SUM:
      return sum;
    case TALUS_MEAN:
      return sum / count;
    case TALUS_PROD:
      return product;
    case TALUS_NORM2:
      return std::sqrt(squares);
    case TALUS_VAR: {
      Real deviations = 0;
      for (const Real v : values) deviations += (v - sum / count) * (v - sum / count);
      return values.empty() ? NAN : deviations / std::fmax(Real(0), count - p0);
    }
    case TALUS_LOGSUMEXP: {
      const Real shift = std::isfinite(greatest) ? greatest : 0;
      Real total = 0;
      for (const Real v : values) total += std::exp(v - shift);
      return shift + std::log(total);
    }
    default:
      fail(TALUS_UNSUPPORTED, "reduce: no operation %d", op);
  }
}

template <class T>
void reduce_one(int op, const std::vector<T>& values, Real p0, int64_t i, void* out, int64_t* indices) {
  std::vector<Real> reals(values.begin(), values.end());
  if (op == TALUS_ALL || op == TALUS_ANY) {
    bool all = true, any = false;
    for (const Real v : reals) {
      all = all && v != 0;
      any = any || v != 0;
    }
    static_cast<uint8_t*>(out)[i] = op == TALUS_ALL ? all : any;
  } else if (op == TALUS_MAX || op == TALUS_MIN) {
    if (values.empty()) fail(TALUS_INVALID_ARGUMENT, "reduce: no elements");
    const size_t best = extreme_index(reals, op == TALUS_MAX);
    static_cast<T*>(out)[i] = values[best];
    if (indices != nullptr) indices[i] = static_cast<int64_t>(best);
  } else if constexpr (std::is_floating_point<T>::value) {
    static_cast<T*>(out)[i] = static_cast<T>(floating_result(op, reals, p0));
  } else {
    uint64_t sum = 0, product = 1;
    for (const T v : values) {
      sum += static_cast<uint64_t>(v);
      product *= static_cast<uint64_t>(v);
    }
    static_cast<int64_t*>(out)[i] = static_cast<int64_t>(op == TALUS_SUM ? sum : product);
  }
}

}  // namespace

void reduce(int op, int dtype, int ndim, int kept, const int64_t* geometry, const void* x, double p0, void* out,
            int64_t* indices) {
  const int64_t* size = geometry;
  const int64_t* stride = geometry + ndim;
  int64_t outputs = 1, elements = 1;
  for (int d = 0; d < ndim; ++d) (d < kept ? outputs : elements) *= size[d];
  dispatch_number(dtype == TALUS_BOOL ? int{TALUS_UINT8} : dtype, "reduce", [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t i = 0; i < outputs; ++i) {
      const T* base = static_cast<const T*>(x) + offset_of(kept, size, stride, i);
      std::vector<T> values;
      for (int64_t j = 0; j < elements; ++j)
        values.push_back(base[offset_of(ndim - kept, size + kept, stride + kept, j)]);
      reduce_one<T>(op, values, p0, i, out, indices);
    }
  });
}

}  // namespace talus::ref
