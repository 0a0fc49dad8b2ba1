// GEMM micro-kernels: register tiles of C, packing, matrix times vector.
#include "cpu/isa/gemm_partial.h"
#include "cpu/isa/gemm_table.h"

namespace talus::TALUS_ISA_NS {

// Rows of the largest tile: its accumulators, the vectors of one row of B and one element of A fill the registers.
#if defined(__AVX512F__)
constexpr int kRows = 14;
#elif defined(__aarch64__)
constexpr int kRows = 12;
#else
constexpr int kRows = 6;
#endif
static_assert(kRows <= kMaxTileRows, "the table has no room for this tile");

// A tile of `Vectors` vectors fills all but the last.
template <class T, int Vectors>
static inline void store_row(const GemmTile<T>& t, T* c, const Vec<T>* sums) {
  constexpr int L = kLanes<T>, last = (Vectors - 1) * L;
  TALUS_UNROLL
  for (int v = 0; v < Vectors - 1; ++v) store(c + v * L, sums[v]);
  if (t.n == Vectors * L) {
    store(c + last, sums[Vectors - 1]);
  } else {
    store_partial(c + last, sums[Vectors - 1], t.n - last);
  }
}

template <class T>
static inline Vec<T> load_up_to(const T* from, int n) {
  return n >= kLanes<T> ? load(from) : load_partial(from, n);
}

// Out of line: every tile shape rounds alike, and the loop over its rows stays rolled.
template <class T, int Vectors>
__attribute__((noinline)) static void finish(const GemmTile<T>& t, const Vec<T>* acc, int rows) {
  constexpr int L = kLanes<T>;
  Vec<T> bias[Vectors] = {};
  if (t.bias != nullptr) {
    for (int v = 0; v < Vectors; ++v) bias[v] = load_up_to(t.bias + v * L, t.n - v * L);
  }
  for (int i = 0; i < rows; ++i, acc += Vectors) {
    T* c = t.c + i * t.ldc;
    Vec<T> sum[Vectors];
    for (int v = 0; v < Vectors; ++v) {
      sum[v] = t.alpha * acc[v];
      if (t.beta != T{0}) sum[v] += t.beta * load_up_to(c + v * L, t.n - v * L);
      if (t.bias != nullptr) sum[v] += bias[v];
      if (t.relu) sum[v] = relu<T>(sum[v]);
    }
    store_row<T, Vectors>(t, c, sum);
  }
}

template <class T, int Rows, int Vectors, bool ReadRows>
static void tile(const GemmTile<T>& t) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[Rows][Vectors] = {};
  const T* a = t.a;
  const T* b = t.b;
  const int64_t a_stride = t.a_stride, b_stride = t.b_stride;
  // A long sum leaves time to fetch the tile of C meanwhile.
  if (t.k >= 64) {
    for (int i = 0; i < Rows; ++i)
      for (int v = 0; v < Vectors * kVectorBytes; v += 64)
        __builtin_prefetch(reinterpret_cast<const char*>(t.c + i * t.ldc) + v, 1);
  }
  for (int64_t p = t.k; p > 0; --p) {
    Vec<T> row[Vectors];
    TALUS_UNROLL
    for (int v = 0; v < Vectors; ++v) row[v] = load(b + v * L);
    TALUS_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const T x = ReadRows ? a[i * a_stride] : a[i];
      TALUS_UNROLL
      for (int v = 0; v < Vectors; ++v) acc[i][v] += x * row[v];
    }
    a += ReadRows ? 1 : a_stride;
    b += b_stride;
  }
  // Most products are this plain, and short sums need their registers stored without a detour.
  if (t.beta == T{0} && t.bias == nullptr && !t.relu) {
    T* c = t.c;
    const T alpha = t.alpha;
    TALUS_UNROLL
    for (int i = 0; i < Rows; ++i, c += t.ldc) {
      TALUS_UNROLL
      for (int v = 0; v < Vectors; ++v) acc[i][v] *= alpha;
      store_row<T, Vectors>(t, c, acc[i]);
    }
    return;
  }
  finish<T, Vectors>(t, &acc[0][0], Rows);
}

// In-register transpose by exchanging off-diagonal blocks of 1, 2, 4, ... lanes.
template <int Distance, class T, int... Lane>
static inline void exchange(Vec<T>& x, Vec<T>& y, std::integer_sequence<int, Lane...>) {
  constexpr int count = kLanes<T>;
  const Vec<T> first = __builtin_shufflevector(x, y, ((Lane & Distance) == 0 ? Lane : Lane - Distance + count)...);
  y = __builtin_shufflevector(x, y, ((Lane & Distance) == 0 ? Lane + Distance : Lane + count)...);
  x = first;
}

template <int Distance, class T>
static inline void exchange_all(Vec<T>* v) {
  TALUS_UNROLL
  for (int i = 0; i < kLanes<T>; ++i)
    if ((i & Distance) == 0) exchange<Distance, T>(v[i], v[i + Distance], LaneNumbers<T>{});
}

template <class T>
static inline void transpose(Vec<T>* v) {
  if constexpr (kLanes < T >> 1) exchange_all<1, T>(v);
  if constexpr (kLanes < T >> 2) exchange_all<2, T>(v);
  if constexpr (kLanes < T >> 4) exchange_all<4, T>(v);
  if constexpr (kLanes < T >> 8) exchange_all<8, T>(v);
}

template <class T>
static void pack_rows(int64_t k, int count, const T* from, int64_t stride, int width, T* to) {
  constexpr int L = kLanes<T>;
  for (int64_t p = 0; p < k; p += L) {
    const int depth = k - p < L ? static_cast<int>(k - p) : L;
    for (int i = 0; i < width; i += L) {
      Vec<T> block[L];
      TALUS_UNROLL
      for (int r = 0; r < L; ++r) {
        const T* row = from + (i + r) * stride + p;
        block[r] = i + r >= count ? Vec<T>{} : depth == L ? load(row) : load_partial(row, depth);
      }
      transpose<T>(block);
      T* out = to + p * width + i;
      if (depth == L && width - i >= L) {
        TALUS_UNROLL
        for (int q = 0; q < L; ++q) store(out + q * width, block[q]);
      } else {
        const int lanes = width - i < L ? width - i : L;
        TALUS_UNROLL
        for (int q = 0; q < L; ++q)
          if (q < depth) store_partial(out + q * width, block[q], lanes);
      }
    }
  }
}

template <class T>
static void pack_columns(int64_t k, int count, const T* from, int64_t stride, int width, T* to) {
  constexpr int L = kLanes<T>;
  for (int64_t p = 0; p < k; ++p, from += stride, to += width) {
    for (int i = 0; i < width; i += L) {
      const int have = count - i < L ? count - i : L;
      const int lanes = width - i < L ? width - i : L;
      const Vec<T> v = have == L ? load(from + i) : have > 0 ? load_partial(from + i, have) : Vec<T>{};
      if (lanes == L) {
        store(to + i, v);
      } else {
        store_partial(to + i, v, lanes);
      }
    }
  }
}

template <class T, int Rows>
static void dot_block(int64_t k, const T* m, int64_t stride, const T* x, T* y) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[Rows][2] = {};
  int64_t p = 0;
  for (; p + 2 * L <= k; p += 2 * L) {
    const Vec<T> x0 = load(x + p), x1 = load(x + p + L);
    TALUS_UNROLL
    for (int i = 0; i < Rows; ++i) {
      acc[i][0] += load(m + i * stride + p) * x0;
      acc[i][1] += load(m + i * stride + p + L) * x1;
    }
  }
  for (; p < k; p += L) {
    const int n = k - p < L ? static_cast<int>(k - p) : L;
    const Vec<T> x0 = load_partial(x + p, n);
    TALUS_UNROLL
    for (int i = 0; i < Rows; ++i) acc[i][0] += load_partial(m + i * stride + p, n) * x0;
  }
  TALUS_UNROLL
  for (int i = 0; i < Rows; ++i) y[i] = sum_lanes<T>(acc[i][0] + acc[i][1]);
}

template <class T>
static void dot_rows(int64_t count, int64_t k, const T* m, int64_t stride, const T* x, T* y) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) dot_block<T, 4>(k, m + i * stride, stride, x, y + i);
  for (; i < count; ++i) dot_block<T, 1>(k, m + i * stride, stride, x, y + i);
}

// n columns that fill all of `Vectors` vectors but, perhaps, the last.
template <class T, int Vectors>
static void add_block(int64_t k, int n, const T* m, int64_t stride, const T* x, T* y) {
  constexpr int L = kLanes<T>, last = (Vectors - 1) * L;
  Vec<T> acc[Vectors] = {};
  for (int64_t p = 0; p < k; ++p, m += stride) {
    TALUS_UNROLL
    for (int v = 0; v < Vectors - 1; ++v) acc[v] += x[p] * load(m + v * L);
    acc[Vectors - 1] += x[p] * load_up_to(m + last, n - last);
  }
  TALUS_UNROLL
  for (int v = 0; v < Vectors - 1; ++v) store(y + v * L, acc[v]);
  if (n == Vectors * L) {
    store(y + last, acc[Vectors - 1]);
  } else {
    store_partial(y + last, acc[Vectors - 1], n - last);
  }
}

// The last columns, at most `Vectors` vectors of them, in one pass over the rows.
template <class T, int Vectors>
static void add_rest(int64_t k, int n, const T* m, int64_t stride, const T* x, T* y) {
  if constexpr (Vectors > 1) {
    if (n <= (Vectors - 1) * kLanes<T>) return add_rest<T, Vectors - 1>(k, n, m, stride, x, y);
  }
  add_block<T, Vectors>(k, n, m, stride, x, y);
}

template <class T>
static void add_rows(int64_t count, int64_t k, const T* m, int64_t stride, const T* x, T* y) {
  constexpr int all = 8 * kLanes<T>;
  int64_t j = 0;
  for (; count - j > all; j += all) add_block<T, 8>(k, all, m + j, stride, x, y + j);
  if (j < count) add_rest<T, 8>(k, static_cast<int>(count - j), m + j, stride, x, y + j);
}

template <class T, bool ReadRows, int Vectors, int Rows>
static constexpr void fill_tiles(GemmKernels<T>& kernels) {
  kernels.tile[ReadRows][Vectors - 1][Rows - 1] = tile<T, Rows, Vectors, ReadRows>;
  if constexpr (Rows > 1) fill_tiles<T, ReadRows, Vectors, Rows - 1>(kernels);
}

template <class T>
static constexpr GemmKernels<T> kernels() {
  GemmKernels<T> k = {kRows, kLanes<T>, {}, pack_rows<T>, pack_columns<T>, dot_rows<T>, add_rows<T>};
  fill_tiles<T, false, 1, kRows>(k);
  fill_tiles<T, false, 2, kRows>(k);
  fill_tiles<T, true, 1, kRows>(k);
  fill_tiles<T, true, 2, kRows>(k);
  return k;
}

extern const GemmTable gemm_table;
constexpr GemmTable gemm_table = {kernels<float>(), kernels<double>()};

}  // namespace talus::TALUS_ISA_NS
