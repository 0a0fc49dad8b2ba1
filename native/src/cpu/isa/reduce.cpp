// Inner loops of the reductions.
#include "reduce_table.h"

#include "dtype.h"
#include "lanes.h"
#include "vec_math.h"

namespace talus::TALUS_ISA_NS {

// Additions in the dtype itself go this deep; then the sum moves to the next level, so rounding errors stay small.
constexpr int64_t kDepth = 16;

// The sum of f(vector) over x; f(fill) must be 0. Four sums hide the latency of addition.
template <class T, class F>
static inline double sum_of(const T* x, int64_t n, T fill, F f) {
  constexpr int kL = kLanes<T>;
  Vec<T> grand{}, total{};
  int64_t i = 0;
  for (int64_t group = 1; i + 4 * kL <= n; ++group) {
    Vec<T> sum0{}, sum1{}, sum2{}, sum3{};
    for (int64_t depth = 0; depth < kDepth && i + 4 * kL <= n; ++depth, i += 4 * kL) {
      sum0 += f(load<T>(x + i));
      sum1 += f(load<T>(x + i + kL));
      sum2 += f(load<T>(x + i + 2 * kL));
      sum3 += f(load<T>(x + i + 3 * kL));
    }
    total += (sum0 + sum1) + (sum2 + sum3);
    if (group % kDepth == 0) {
      grand += total;
      total = Vec<T>{};
    }
  }
  for (; i + kL <= n; i += kL) total += f(load<T>(x + i));
  if (i < n) total += f(load_tail<T>(x + i, n - i, fill));
  return sum_lanes<T>(grand + total);
}

// Places that are read side by side: the processor fetches ahead in each of them, and one alone is not enough to keep
// the memory busy.
constexpr int kStreams = 8;
// Of this many bytes on, pieces of one run are worth being read side by side; shorter ones are less than a page each.
constexpr int64_t kLongRun = 32768;

// sums[s] += the elements [0, n) of x + s * stride, lane by lane, for all streams; n is a multiple of 2 kLanes<T>.
template <class T>
static inline void stream_sums(const T* x, int64_t stride, int64_t n, Vec<T>* sums) {
  constexpr int kL = kLanes<T>;
  for (int64_t i = 0; i < n;) {
    Vec<T> total[kStreams] = {};
    for (int64_t group = 0; group < kDepth && i < n; ++group) {
      Vec<T> sum[kStreams] = {};
      for (int64_t depth = 0; depth < kDepth && i < n; depth += 2, i += 2 * kL)
        for (int s = 0; s < kStreams; ++s) {
          sum[s] += load<T>(x + s * stride + i);
          sum[s] += load<T>(x + s * stride + i + kL);
        }
      for (int s = 0; s < kStreams; ++s) total[s] += sum[s];
    }
    for (int s = 0; s < kStreams; ++s) sums[s] += total[s];
  }
}

template <class T>
static inline double plain_sum(const T* x, int64_t n) {
  double sum = 0;
  if (n * int64_t{sizeof(T)} >= kLongRun) {
    // An odd number of lines apart: powers of two would meet in one set of the cache.
    constexpr int64_t kLine = 2 * kLanes<T>;
    const int64_t part = (((n / kStreams / kLine) - 1) | 1) * kLine;
    Vec<T> sums[kStreams] = {};
    stream_sums<T>(x, part, part, sums);
    sum = sum_lanes<T>(((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7])));
    x += kStreams * part;
    n -= kStreams * part;
  }
  return sum + sum_of<T>(x, n, T(0), [](Vec<T> v) { return v; });
}

// The greatest (Sign 1) or least (-1) of x, NaN if there is one.
template <class T, int Sign>
static inline T extreme_of(const T* x, int64_t n) {
  constexpr int kL = kLanes<T>, kChains = 4;
  const auto better = [](auto a, auto b) { return (Sign > 0 ? b > a : b < a) ? b : a; };
  const Vec<T> first = broadcast<T>(x[0]);
  Vec<T> best[kChains] = {first, first, first, first};
  auto nan = first != first;
  const auto update = [&](Vec<T>& b, Vec<T> v) {
    b = better(b, v);
    nan |= v != v;
  };
  int64_t i = 0;
  for (; i + kChains * kL <= n; i += kChains * kL)
    for (int k = 0; k < kChains; ++k) update(best[k], load<T>(x + i + k * kL));
  for (; i + kL <= n; i += kL) update(best[0], load<T>(x + i));
  if (i < n) update(best[1], load_tail<T>(x + i, n - i, x[i]));
  if (any_lane<T>((Codes<T>)nan)) return T(__builtin_nan(""));
  return fold_lanes<T>(better(better(best[0], best[1]), better(best[2], best[3])), better);
}

// ---------------------------------------------------------------- one loop per operation

template <class T>
struct Sum {
  static void run(const void* x_bytes, int64_t n, bool, Partial* out) {
    const T* x = static_cast<const T*>(x_bytes);
    if constexpr (T(0.5) != T(0)) {
      out->value = plain_sum<T>(x, n);
      out->extra = 0;
    } else {
      uint64_t sum = 0;
      for (int64_t i = 0; i < n; ++i) sum += uint64_t(x[i]);
      out->integer = int64_t(sum);
    }
  }
};

// In double, because a product of floats soon leaves float's range.
template <class T>
static inline double product_of(const T* x, int64_t n) {
  constexpr int kFactors = 16;
  double product[kFactors];
  for (double& p : product) p = 1;
  int64_t i = 0;
  for (; i + kFactors <= n; i += kFactors)
    for (int k = 0; k < kFactors; ++k) product[k] *= double(x[i + k]);
  for (int k = 0; i < n; ++i, ++k) product[k] *= double(x[i]);
  for (int width = kFactors / 2; width > 0; width /= 2)
    for (int k = 0; k < width; ++k) product[k] *= product[k + width];
  return product[0];
}

template <class T>
struct Prod {
  static void run(const void* x_bytes, int64_t n, bool, Partial* out) {
    const T* x = static_cast<const T*>(x_bytes);
    if constexpr (T(0.5) != T(0)) {
      out->value = product_of<T>(x, n);
    } else {
      uint64_t product = 1;
      for (int64_t i = 0; i < n; ++i) product *= uint64_t(x[i]);
      out->integer = int64_t(product);
    }
  }
};

template <class T, int Sign>
static void extreme_run(const void* x_bytes, int64_t n, bool want_index, Partial* out) {
  const T* x = static_cast<const T*>(x_bytes);
  T best;
  if constexpr (T(0.5) != T(0)) {
    best = extreme_of<T, Sign>(x, n);
    out->value = double(best);
  } else {
    best = x[0];
    for (int64_t i = 1; i < n; ++i) best = (Sign > 0 ? x[i] > best : x[i] < best) ? x[i] : best;
    out->integer = int64_t(best);
  }
  if (!want_index) return;
  int64_t i = 0;
  if (best == best) {
    while (x[i] != best) ++i;
  } else {
    while (x[i] == x[i]) ++i;
  }
  out->index = i;
}

template <class T>
struct Max {
  static void run(const void* x, int64_t n, bool want_index, Partial* out) { extreme_run<T, 1>(x, n, want_index, out); }
};

template <class T>
struct Min {
  static void run(const void* x, int64_t n, bool want_index, Partial* out) {
    extreme_run<T, -1>(x, n, want_index, out);
  }
};

// Twice over the chunk, which is in the L1 cache; the sum of deviations corrects for the rounding of the mean.
template <class T>
struct Variance {
  static void run(const void* x_bytes, int64_t n, bool, Partial* out) {
    const T* x = static_cast<const T*>(x_bytes);
    const T mean = T(plain_sum<T>(x, n) / double(n));
    const double deviation = sum_of<T>(x, n, mean, [mean](Vec<T> v) { return v - mean; });
    const double squares = sum_of<T>(x, n, mean, [mean](Vec<T> v) { return (v - mean) * (v - mean); });
    out->value = double(mean) + deviation / double(n);
    out->extra = squares - deviation * deviation / double(n);
    out->integer = n;
  }
};

template <class T>
struct SumSquares {
  static void run(const void* x_bytes, int64_t n, bool, Partial* out) {
    const T* x = static_cast<const T*>(x_bytes);
    if constexpr (sizeof(T) == 8) {
      out->value = sum_of<T>(x, n, T(0), [](Vec<T> v) { return v * v; });
    } else {
      // Squares of large or tiny floats need double's range.
      double sum[8] = {};
      int64_t i = 0;
      for (; i + 8 <= n; i += 8)
        for (int l = 0; l < 8; ++l) sum[l] += double(x[i + l]) * double(x[i + l]);
      for (; i < n; ++i) sum[0] += double(x[i]) * double(x[i]);
      out->value = ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
    }
  }
};

template <class T>
struct LogSumExp {
  static void run(const void* x_bytes, int64_t n, bool, Partial* out) {
    const T* x = static_cast<const T*>(x_bytes);
    const T best = extreme_of<T, 1>(x, n);
    // An infinite maximum would make inf - inf; unshifted, exp gives 0 or infinity as it should.
    const T shift = best - best == T(0) ? best : T(0);
    out->value = double(shift);
    out->extra = sum_of<T>(x, n, T(-__builtin_inf()), [shift](Vec<T> v) { return math::exp<T>(v - shift); });
  }
};

template <class T>
struct All {
  static void run(const void* x_bytes, int64_t n, bool, Partial* out) {
    const T* x = static_cast<const T*>(x_bytes);
    uint8_t all = 1;
    for (int64_t i = 0; i < n; ++i) all &= x[i] != 0;
    out->integer = all;
  }
};

template <class T>
struct Any {
  static void run(const void* x_bytes, int64_t n, bool, Partial* out) {
    const T* x = static_cast<const T*>(x_bytes);
    uint8_t any = 0;
    for (int64_t i = 0; i < n; ++i) any |= x[i] != 0;
    out->integer = any;
  }
};

// ---------------------------------------------------------------- two operands or two dimensions

template <class T>
static double squared_difference_run(const void* x_bytes, const void* y_bytes, int64_t n) {
  const T* x = static_cast<const T*>(x_bytes);
  const T* y = static_cast<const T*>(y_bytes);
  Vec<T> sum0{}, sum1{};
  constexpr int kL = kLanes<T>;
  int64_t i = 0;
  for (; i + 2 * kL <= n; i += 2 * kL) {
    const Vec<T> d0 = load<T>(x + i) - load<T>(y + i), d1 = load<T>(x + i + kL) - load<T>(y + i + kL);
    sum0 += d0 * d0;
    sum1 += d1 * d1;
  }
  if (i + kL <= n) {
    const Vec<T> d = load<T>(x + i) - load<T>(y + i);
    sum0 += d * d;
    i += kL;
  }
  if (i < n) {
    const Vec<T> d = load_tail<T>(x + i, n - i, T(0)) - load_tail<T>(y + i, n - i, T(0));
    sum1 += d * d;
  }
  return sum_lanes<T>(sum0 + sum1);
}

// Columns side by side in SIMD lanes: adds the sums over at most kDepth rows to `sums`, or begins them.
template <class T, int Vectors>
static inline void column_group(const T* x, int64_t row_stride, int64_t rows, int64_t cols, bool first, T* sums) {
  constexpr int kL = kLanes<T>;
  Vec<T> sum[Vectors] = {};
  for (int64_t row = 0; row < rows; ++row) {
    const T* from = x + row * row_stride;
    // Rows far apart are in no pattern that the processor would fetch ahead by itself.
    for (int v = 0; v < Vectors; ++v) __builtin_prefetch(from + kDepth * row_stride + v * kL);
    for (int v = 0; v < Vectors; ++v) sum[v] += load_part<T>(from + v * kL, cols < kL ? cols : kL, T(0));
  }
  for (int v = 0; v < Vectors; ++v) store<T>(sums + v * kL, first ? sum[v] : load<T>(sums + v * kL) + sum[v]);
}

// All columns of kDepth rows, then the next rows: memory is read nearly in the order it lies in.
template <class T>
static void column_sum_run(const void* x_bytes, int64_t row_stride, int64_t rows, int64_t cols, double* sums) {
  constexpr int kL = kLanes<T>;
  for (int64_t c = 0; c < cols; ++c) sums[c] = 0;
  alignas(kVectorBytes) T totals[kColumns + kL];
  for (int64_t row = 0; row < rows; row += kDepth) {
    const T* x = static_cast<const T*>(x_bytes) + row * row_stride;
    const int64_t n = rows - row < kDepth ? rows - row : kDepth;
    const bool first = row % (kDepth * kDepth) == 0, last = row + n == rows || (row + n) % (kDepth * kDepth) == 0;
    int64_t c = 0;
    for (; c + 4 * kL <= cols; c += 4 * kL) column_group<T, 4>(x + c, row_stride, n, 4 * kL, first, totals + c);
    for (; c < cols; c += kL) column_group<T, 1>(x + c, row_stride, n, cols - c, first, totals + c);
    if (last)
      for (c = 0; c < cols; ++c) sums[c] += double(totals[c]);
  }
}

// The greatest (Sign 1) or least (-1) of each column; NaN where there is one.
template <class T, int Vectors, int Sign>
static inline void column_extremes(const T* x, int64_t row_stride, int64_t rows, int64_t cols, double* values) {
  constexpr int kL = kLanes<T>;
  Vec<T> best[Vectors];
  for (int v = 0; v < Vectors; ++v) best[v] = cols < kL ? load_tail<T>(x, cols, T(0)) : load<T>(x + v * kL);
  for (int64_t row = 1; row < rows; ++row) {
    const T* from = x + row * row_stride;
    for (int v = 0; v < Vectors; ++v) __builtin_prefetch(from + kDepth * row_stride + v * kL);
    for (int v = 0; v < Vectors; ++v) {
      const Vec<T> value = cols < kL ? load_tail<T>(from, cols, T(0)) : load<T>(from + v * kL);
      best[v] = ((Sign > 0 ? value > best[v] : value < best[v]) | (value != value)) ? value : best[v];
    }
  }
  T lanes[Vectors * kL];
  __builtin_memcpy(lanes, best, sizeof lanes);
  for (int c = 0; c < cols; ++c) values[c] = double(lanes[c]);
}

template <class T, int Sign>
static void column_extreme_run(const void* x_bytes, int64_t row_stride, int64_t rows, int64_t cols, double* values) {
  constexpr int kL = kLanes<T>;
  const T* x = static_cast<const T*>(x_bytes);
  int64_t c = 0;
  for (; c + 4 * kL <= cols; c += 4 * kL) column_extremes<T, 4, Sign>(x + c, row_stride, rows, 4 * kL, values + c);
  for (; c + kL <= cols; c += kL) column_extremes<T, 1, Sign>(x + c, row_stride, rows, kL, values + c);
  if (c < cols) column_extremes<T, 1, Sign>(x + c, row_stride, rows, cols - c, values + c);
}

// Rows of few registers are summed together, as many as a register has lanes; longer ones are read side by side.
template <class T>
static void row_sum_run(const void* x_bytes, int64_t row_stride, int64_t rows, int64_t n, double* sums) {
  constexpr int kL = kLanes<T>;
  const T* x = static_cast<const T*>(x_bytes);
  int64_t row = 0;
  if (n <= kDepth * kL) {
    for (; row + kL <= rows; row += kL) {
      T lanes[kL];
      store<T>(lanes, row_sums<T, kL>(x + row * row_stride, row_stride, n));
      for (int l = 0; l < kL; ++l) sums[row + l] = double(lanes[l]);
    }
  } else if (n * int64_t{sizeof(T)} < kLongRun) {
    const int64_t whole = n / (2 * kL) * (2 * kL);
    for (; row + kStreams <= rows; row += kStreams) {
      const T* from = x + row * row_stride;
      Vec<T> lanes[kStreams];
      for (int s = 0; s < kStreams; ++s) lanes[s] = lane_sums<T>(from + s * row_stride + whole, n - whole);
      stream_sums<T>(from, row_stride, whole, lanes);
      for (int s = 0; s < kStreams; ++s) sums[row + s] = sum_lanes<T>(lanes[s]);
    }
  }
  for (; row < rows; ++row) sums[row] = plain_sum<T>(x + row * row_stride, n);
}

template <class T, int Sign>
static void row_extreme_run(const void* x, int64_t row_stride, int64_t rows, int64_t n, double* values) {
  for (int64_t row = 0; row < rows; ++row)
    values[row] = double(extreme_of<T, Sign>(static_cast<const T*>(x) + row * row_stride, n));
}

template <class T>
static void row_product_run(const void* x, int64_t row_stride, int64_t rows, int64_t n, double* values) {
  for (int64_t row = 0; row < rows; ++row) values[row] = product_of<T>(static_cast<const T*>(x) + row * row_stride, n);
}

// ---------------------------------------------------------------- table

template <template <class> class Op>
static ReduceLoop find_float(int dtype) {
  return dtype == TALUS_FLOAT32 ? Op<float>::run : dtype == TALUS_FLOAT64 ? Op<double>::run : nullptr;
}

template <template <class> class Op>
static ReduceLoop find_any(int dtype) {
  switch (dtype) {
    case TALUS_INT64:
      return Op<int64_t>::run;
    case TALUS_INT32:
      return Op<int32_t>::run;
    case TALUS_UINT8:
    case TALUS_BOOL:
      return Op<uint8_t>::run;
    default:
      return find_float<Op>(dtype);
  }
}

static ReduceLoop find_reduce(int op, int dtype) {
  switch (op) {
    case TALUS_SUM:
      return find_any<Sum>(dtype);
    case TALUS_MEAN:
      return find_float<Sum>(dtype);
    case TALUS_PROD:
      return find_any<Prod>(dtype);
    case TALUS_MAX:
      return find_any<Max>(dtype);
    case TALUS_MIN:
      return find_any<Min>(dtype);
    case TALUS_VAR:
      return find_float<Variance>(dtype);
    case TALUS_NORM2:
      return find_float<SumSquares>(dtype);
    case TALUS_ALL:
      return find_any<All>(dtype);
    case TALUS_ANY:
      return find_any<Any>(dtype);
    case TALUS_LOGSUMEXP:
      return find_float<LogSumExp>(dtype);
    default:
      return nullptr;
  }
}

template <class T>
static ColumnLoop find_column_of(int op) {
  switch (op) {
    case TALUS_SUM:
    case TALUS_MEAN:
      return column_sum_run<T>;
    case TALUS_MAX:
      return column_extreme_run<T, 1>;
    case TALUS_MIN:
      return column_extreme_run<T, -1>;
    default:
      return nullptr;
  }
}

static ColumnLoop find_column(int op, int dtype) {
  return dtype == TALUS_FLOAT32   ? find_column_of<float>(op)
         : dtype == TALUS_FLOAT64 ? find_column_of<double>(op)
                                  : nullptr;
}

template <class T>
static RowLoop find_row_of(int op) {
  switch (op) {
    case TALUS_SUM:
    case TALUS_MEAN:
      return row_sum_run<T>;
    case TALUS_PROD:
      return row_product_run<T>;
    case TALUS_MAX:
      return row_extreme_run<T, 1>;
    case TALUS_MIN:
      return row_extreme_run<T, -1>;
    default:
      return nullptr;
  }
}

static RowLoop find_row(int op, int dtype) {
  return dtype == TALUS_FLOAT32 ? find_row_of<float>(op) : dtype == TALUS_FLOAT64 ? find_row_of<double>(op) : nullptr;
}

static SquaredDifferenceLoop find_squared_difference(int dtype) {
  return dtype == TALUS_FLOAT32   ? squared_difference_run<float>
         : dtype == TALUS_FLOAT64 ? squared_difference_run<double>
                                  : nullptr;
}

extern const ReduceTable reduce_table;
const ReduceTable reduce_table = {find_reduce, find_column, find_row, find_squared_difference};

}  // namespace talus::TALUS_ISA_NS
