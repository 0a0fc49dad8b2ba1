// Rows of softmax and log-softmax, their gradients, and what cross entropy needs of them. Several rows go through each
// step together: the steps of one row wait for each other, those of several do not. Sums over long rows move on to
// double every kDepth elements.
#include "softmax_table.h"

#include "talus/talus.h"
#include "lanes.h"
#include "transpose.h"

namespace talus::TALUS_ISA_NS {

constexpr int64_t kDepth = 2048;

// exp of x <= 80, and NaN of NaN. Results that would be subnormal are 0. Largest error 0.9 ulp in float.
template <class T>
static inline Vec<T> falling_exp(Vec<T> x) {
  using F = math::Ieee<T>;
  constexpr bool kIsFloat = sizeof(T) == 4;
  constexpr T kLog2e = T(1.44269504088896340736), kLeast = T(kIsFloat ? -87.336544 : -708.39641853226408);
  const Vec<T> shifted = x * kLog2e + F::kRounder;
  const Vec<T> whole = shifted - F::kRounder;
  const Vec<T> r = (x - whole * F::kLn2High) - whole * F::kLn2Low;
  Vec<T> p;
  if constexpr (kIsFloat) {
    // (exp(r) - 1 - r) / r^2, interpolated such that the largest error of exp(r) is the least: 3e-9.
    constexpr float kPolynomial[] = {0.499999934f, 0.166665204f, 0.0416683908f, 0.00836874512f, 0.001381454f};
    p = broadcast<T>(kPolynomial[4]);
    for (int i = 3; i >= 0; --i) p = p * r + kPolynomial[i];
    p = (p * r + 1.0f) * r + 1.0f;
  } else {
    p = broadcast<T>(T(math::kInverseFactorial[F::kExpDegree]));
    for (int i = F::kExpDegree - 1; i >= 0; --i) p = p * r + T(math::kInverseFactorial[i]);
  }
  // The low bits of `shifted` are the exponent.
  const Vec<T> scale = (Vec<T>)(((math::Bits<T>)shifted + F::kBias) << F::kMantissa);
  return x < kLeast ? Vec<T>{} : p * scale;
}

// The sum over a row of f(i, n): n is how many lanes of the register at i count; the others must be 0.
template <class T, class F>
static inline double sum_row(int64_t cols, F f) {
  constexpr int kL = kLanes<T>, kChains = 4;
  double total = 0;
  for (int64_t block = 0; block < cols; block += kDepth) {
    const int64_t end = block + kDepth < cols ? block + kDepth : cols;
    Vec<T> sum[kChains] = {};
    int64_t i = block;
    for (; i + kChains * kL <= end; i += kChains * kL)
      for (int k = 0; k < kChains; ++k) sum[k] += f(i + k * kL, int64_t{kL});
    for (; i + kL <= end; i += kL) sum[0] += f(i, int64_t{kL});
    if (i < end) sum[1] += f(i, end - i);
    total += fold_lanes<T>((sum[0] + sum[1]) + (sum[2] + sum[3]), [](auto a, auto b) { return a + b; });
  }
  return total;
}

// Of a row with a NaN it may or may not be NaN, which then comes back through exp.
template <class T>
static inline T max_row(const T* x, int64_t cols) {
  constexpr int kL = kLanes<T>, kChains = 4;
  const auto greater = [](auto a, auto b) { return b > a ? b : a; };
  const Vec<T> first = broadcast<T>(x[0]);
  Vec<T> best[kChains] = {first, first, first, first};
  int64_t i = 0;
  for (; i + kChains * kL <= cols; i += kChains * kL)
    for (int k = 0; k < kChains; ++k) best[k] = greater(best[k], load<T>(x + i + k * kL));
  for (; i + kL <= cols; i += kL) best[0] = greater(best[0], load<T>(x + i));
  if (i < cols) best[1] = greater(best[1], load_tail<T>(x + i, cols - i, x[0]));
  return fold_lanes<T>(greater(greater(best[0], best[1]), greater(best[2], best[3])), greater);
}

// How far the next group of rows lies behind one: its lines are asked for while this one is computed, because nothing
// is read from memory then. 0 where rows are so long that this would drive out what is in use.
template <class T>
static inline int64_t ahead_of(int64_t rows, int64_t cols) {
  return rows * cols * int64_t{sizeof(T)} <= 8192 ? rows * cols : 0;
}

// At most kSoftmaxRows rows: greatest[row], and sums[row] of exp(x - greatest[row]), which `out` gets if it is given.
template <class T>
static inline void exponentials(int64_t rows, int64_t cols, const T* x, T* out, T* greatest, T* sums) {
  const int64_t ahead = ahead_of<T>(rows, cols);
  for (int64_t row = 0; row < rows; ++row) greatest[row] = max_row<T>(x + row * cols, cols);
  for (int64_t row = 0; row < rows; ++row) {
    const T* from = x + row * cols;
    T* to = out + row * cols;
    const T shift = greatest[row];
    const auto shifted = [&](int64_t i, int64_t n) {
      __builtin_prefetch(from + ahead + i);
      return falling_exp<T>(load_part<T>(from + i, n, T(-__builtin_inf())) - shift);
    };
    if (out == nullptr) {
      sums[row] = T(sum_row<T>(cols, shifted));
      continue;
    }
    sums[row] = T(sum_row<T>(cols, [&](int64_t i, int64_t n) {
      const Vec<T> e = shifted(i, n);
      store_part<T>(to + i, e, n);
      return e;
    }));
  }
}

// Rows of at most one register are turned, kLanes of them at a time: a lane is a row then, v[c] all rows' column c.
template <class T>
static inline void load_turned(int64_t rows, int64_t cols, const T* x, Vec<T>* v) {
  for (int r = 0; r < kLanes<T>; ++r) v[r] = r < rows ? load_part<T>(x + r * cols, cols, T(0)) : Vec<T>{};
  transpose<T>(v);
}

template <class T>
static inline void store_turned(int64_t rows, int64_t cols, Vec<T>* v, T* out) {
  transpose<T>(v);
  for (int r = 0; r < kLanes<T>; ++r)
    if (r < rows) store_part<T>(out + r * cols, v[r], cols);
}

// v becomes v - greatest, or exp of that.
template <class T, bool Log>
static inline void turned_exponentials(int64_t cols, Vec<T>* v, Vec<T>& greatest, Vec<T>& sum) {
  greatest = v[0];
  for (int64_t c = 1; c < cols; ++c) greatest = v[c] > greatest ? v[c] : greatest;
  sum = Vec<T>{};
  for (int64_t c = 0; c < cols; ++c) {
    const Vec<T> shifted = v[c] - greatest, e = falling_exp<T>(shifted);
    sum += e;
    v[c] = Log ? shifted : e;
  }
}

template <class T, bool Log>
static void forward_short_rows(int64_t rows, int64_t cols, const T* x, T* out) {
  constexpr int kL = kLanes<T>;
  for (; rows > 0; rows -= kL, x += kL * cols, out += kL * cols) {
    Vec<T> v[kL], greatest, sum;
    load_turned<T>(rows, cols, x, v);
    turned_exponentials<T, Log>(cols, v, greatest, sum);
    const Vec<T> with = Log ? math::log<T>(sum) : T(1) / sum;
    for (int64_t c = 0; c < cols; ++c) v[c] = Log ? v[c] - with : v[c] * with;
    store_turned<T>(rows, cols, v, out);
  }
}

// Of kSoftmaxRows numbers.
template <class T>
static inline void log_all(const T* x, T* out) {
  for (int i = 0; i < kSoftmaxRows; i += kLanes<T>) store<T>(out + i, math::log<T>(load<T>(x + i)));
}

// f(first, rows) for groups of rows that stay in the first-level cache.
template <class T, class F>
static inline void for_groups(int64_t rows, int64_t cols, F f) {
  const int64_t group = rows_together<T>(cols, kSoftmaxRows);
  for (int64_t row = 0; row < rows; row += group) f(row, rows - row < group ? rows - row : group);
}

template <class T, bool Log>
static void forward_rows(int64_t rows, int64_t cols, const void* x_bytes, void* out_bytes) {
  if (cols <= kLanes<T>)
    return forward_short_rows<T, Log>(rows, cols, static_cast<const T*>(x_bytes), static_cast<T*>(out_bytes));
  T greatest[kSoftmaxRows], sums[kSoftmaxRows] = {}, logs[kSoftmaxRows];
  for_groups<T>(rows, cols, [&](int64_t first, int64_t count) {
    const T* x = static_cast<const T*>(x_bytes) + first * cols;
    T* out = static_cast<T*>(out_bytes) + first * cols;
    exponentials<T>(count, cols, x, Log ? nullptr : out, greatest, sums);
    if (Log) log_all<T>(sums, logs);
    const int64_t ahead = ahead_of<T>(count, cols);
    for (int64_t row = 0; row < count; ++row, x += cols, out += cols) {
      const T shift = greatest[row], log_sum = logs[row], scale = 1 / sums[row];
      for_row<T>(cols, [&](int64_t i, int64_t n) {
        __builtin_prefetch(out + ahead + i, 1);
        const Vec<T> y =
            Log ? (load_part<T>(x + i, n, T(0)) - shift) - log_sum : load_part<T>(out + i, n, T(0)) * scale;
        store_part<T>(out + i, y, n);
      });
    }
  });
}

// softmax: y * (g - sum(g * y)); log-softmax: g - exp(y) * sum(g).
template <class T, bool Log>
static void backward_rows(int64_t rows, int64_t cols, const void* grad_bytes, const void* y_bytes, void* grad_x_bytes) {
  T sums[kSoftmaxRows];
  for_groups<T>(rows, cols, [&](int64_t first, int64_t count) {
    const T* grad = static_cast<const T*>(grad_bytes) + first * cols;
    const T* y = static_cast<const T*>(y_bytes) + first * cols;
    T* grad_x = static_cast<T*>(grad_x_bytes) + first * cols;
    for (int64_t row = 0; row < count; ++row)
      sums[row] = T(sum_row<T>(cols, [&](int64_t i, int64_t n) {
        const Vec<T> g = load_part<T>(grad + row * cols + i, n, T(0));
        return Log ? g : g * load_part<T>(y + row * cols + i, n, T(0));
      }));
    const int64_t ahead = ahead_of<T>(count, cols);
    for (int64_t row = 0; row < count; ++row, grad += cols, y += cols, grad_x += cols) {
      const T sum = sums[row];
      for_row<T>(cols, [&](int64_t i, int64_t n) {
        __builtin_prefetch(grad + ahead + i);
        __builtin_prefetch(y + ahead + i);
        __builtin_prefetch(grad_x + ahead + i, 1);
        const Vec<T> g = load_part<T>(grad + i, n, T(0)), v = load_part<T>(y + i, n, T(0));
        store_part<T>(grad_x + i, Log ? g - falling_exp<T>(v) * sum : v * (g - sum), n);
      });
    }
  });
}

template <class T>
static void statistics_of_rows(int64_t rows, int64_t cols, const void* x_bytes, void* exps_bytes, void* greatest_bytes,
                               void* sums_bytes, void* logs_bytes) {
  constexpr int kL = kLanes<T>;
  const T* x = static_cast<const T*>(x_bytes);
  T *exps = static_cast<T*>(exps_bytes), *greatest = static_cast<T*>(greatest_bytes);
  T *sums = static_cast<T*>(sums_bytes), *logs = static_cast<T*>(logs_bytes);
  if (cols <= kL) {
    for (int64_t row = 0; row < rows; row += kL) {
      const int64_t count = rows - row < kL ? rows - row : kL;
      Vec<T> v[kL], greatest_of, sum_of;
      load_turned<T>(count, cols, x + row * cols, v);
      turned_exponentials<T, false>(cols, v, greatest_of, sum_of);
      store_part<T>(greatest + row, greatest_of, count);
      store_part<T>(sums + row, sum_of, count);
      store_part<T>(logs + row, math::log<T>(sum_of), count);
      if (exps != nullptr) store_turned<T>(count, cols, v, exps + row * cols);
    }
    return;
  }
  for_groups<T>(rows, cols, [&](int64_t first, int64_t count) {
    exponentials<T>(count, cols, x + first * cols, exps == nullptr ? exps : exps + first * cols, greatest + first,
                    sums + first);
  });
  for_row<T>(rows,
             [&](int64_t i, int64_t n) { store_part<T>(logs + i, math::log<T>(load_part<T>(sums + i, n, T(1))), n); });
}

template <class T>
static void scale_rows(int64_t rows, int64_t cols, const void* x_bytes, const void* factors, void* out_bytes) {
  const T* x = static_cast<const T*>(x_bytes);
  T* out = static_cast<T*>(out_bytes);
  for (int64_t row = 0; row < rows; ++row, x += cols, out += cols) {
    const T factor = static_cast<const T*>(factors)[row];
    for_row<T>(cols, [&](int64_t i, int64_t n) { store_part<T>(out + i, load_part<T>(x + i, n, T(0)) * factor, n); });
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

static SoftmaxStatisticsLoop find_statistics(int dtype) {
  return dtype == TALUS_FLOAT32 ? statistics_of_rows<float> : statistics_of_rows<double>;
}

static ScaleRowsLoop find_scale(int dtype) { return dtype == TALUS_FLOAT32 ? scale_rows<float> : scale_rows<double>; }

extern const SoftmaxTable softmax_table;
const SoftmaxTable softmax_table = {find_forward, find_backward, find_statistics, find_scale};

}  // namespace talus::TALUS_ISA_NS
