// Rows of softmax and log-softmax and their gradients. Sums over long rows move on to double every kBlock elements.
#include "softmax_table.h"

#include "talus/talus.h"
#include "lanes.h"

namespace talus::TALUS_ISA_NS {

constexpr int64_t kBlock = 2048;

// The sum over a row of f(i, n): n is how many lanes of the register at i count; the others must be 0.
template <class T, class F>
static inline double sum_row(int64_t cols, F f) {
  double total = 0;
  for (int64_t block = 0; block < cols; block += kBlock) {
    const int64_t end = block + kBlock < cols ? block + kBlock : cols;
    Vec<T> sum{};
    int64_t i = block;
    for (; i + kLanes<T> <= end; i += kLanes<T>) sum += f(i, kLanes<T>);
    if (i < end) sum += f(i, end - i);
    total += sum_lanes<T>(sum);
  }
  return total;
}

// NaN may or may not be the result; it then comes back through exp.
template <class T>
static inline T max_row(const T* x, int64_t cols) {
  Vec<T> best = broadcast<T>(x[0]);
  for_row<T>(cols, [&](int64_t i, int64_t n) {
    const Vec<T> v = load_part<T>(x + i, n, x[0]);
    best = v > best ? v : best;
  });
  return max_lanes<T>(best);
}

// A row of at most one register: it stays there from the first load to the store.
template <class T, bool Log>
static inline void forward_short_row(int64_t cols, const T* x, T* out) {
  const Vec<T> v = load_part<T>(x, cols, T(-__builtin_inf()));
  const T shift = max_lanes<T>(v);
  const Vec<T> shifted = v - shift, e = math::exp<T>(shifted);
  const double sum = sum_lanes<T>(e);
  store_part<T>(out, Log ? shifted - T(__builtin_log(sum)) : e * T(1 / sum), cols);
}

template <class T, bool Log>
static inline void forward_long_row(int64_t cols, const T* x, T* out) {
  constexpr T kNothing = T(-__builtin_inf());
  const T shift = max_row<T>(x, cols);
  const double sum = sum_row<T>(cols, [&](int64_t i, int64_t n) {
    const Vec<T> e = math::exp<T>(load_part<T>(x + i, n, kNothing) - shift);
    if (!Log) store_part<T>(out + i, e, n);
    return e;
  });
  const T scale = T(1 / sum), log_sum = T(__builtin_log(sum));
  for_row<T>(cols, [&](int64_t i, int64_t n) {
    const Vec<T> y = Log ? (load_part<T>(x + i, n, T(0)) - shift) - log_sum : load_part<T>(out + i, n, T(0)) * scale;
    store_part<T>(out + i, y, n);
  });
}

template <class T, bool Log>
static void forward_rows(int64_t rows, int64_t cols, const void* x_bytes, void* out_bytes) {
  const T* x = static_cast<const T*>(x_bytes);
  T* out = static_cast<T*>(out_bytes);
  for (int64_t row = 0; row < rows; ++row, x += cols, out += cols) {
    if (cols <= kLanes<T>)
      forward_short_row<T, Log>(cols, x, out);
    else
      forward_long_row<T, Log>(cols, x, out);
  }
}

// softmax: y * (g - sum(g * y)); log-softmax: g - exp(y) * sum(g).
template <class T, bool Log>
static void backward_rows(int64_t rows, int64_t cols, const void* grad_bytes, const void* y_bytes, void* grad_x_bytes) {
  const T* grad = static_cast<const T*>(grad_bytes);
  const T* y = static_cast<const T*>(y_bytes);
  T* grad_x = static_cast<T*>(grad_x_bytes);
  for (int64_t row = 0; row < rows; ++row, grad += cols, y += cols, grad_x += cols) {
    const T sum = T(sum_row<T>(cols, [&](int64_t i, int64_t n) {
      const Vec<T> g = load_part<T>(grad + i, n, T(0));
      return Log ? g : g * load_part<T>(y + i, n, T(0));
    }));
    for_row<T>(cols, [&](int64_t i, int64_t n) {
      const Vec<T> g = load_part<T>(grad + i, n, T(0)), v = load_part<T>(y + i, n, T(0));
      store_part<T>(grad_x + i, Log ? g - math::exp<T>(v) * sum : v * (g - sum), n);
    });
  }
}

static SoftmaxLoop find_forward(bool log, int dtype) {
  if (dtype == TALUS_FLOAT32) return log ? forward_rows<float, true> : forward_rows<float, false>;
  if (dtype == TALUS_FLOAT64) return log ? forward_rows<double, true> : forward_rows<double, false>;
  return nullptr;
}

static SoftmaxBackwardLoop find_backward(bool log, int dtype) {
  if (dtype == TALUS_FLOAT32) return log ? backward_rows<float, true> : backward_rows<float, false>;
  if (dtype == TALUS_FLOAT64) return log ? backward_rows<double, true> : backward_rows<double, false>;
  return nullptr;
}

extern const SoftmaxTable softmax_table;
const SoftmaxTable softmax_table = {find_forward, find_backward};

}  // namespace talus::TALUS_ISA_NS
