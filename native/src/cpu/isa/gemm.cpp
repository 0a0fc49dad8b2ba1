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

// Out of line: every tile shape rounds alike, and the loop over its rows stays rolled.
template <class T, int Vectors>
__attribute__((noinline)) static void finish(const GemmTile<T>& t, const Vec<T>* acc, int rows) {
  constexpr int L = kLanes<T>;
  if (t.n == Vectors * L && t.beta == T{0} && t.bias == nullptr && !t.relu) {
    for (int i = 0; i < rows; ++i) {
      TALUS_UNROLL
      for (int v = 0; v < Vectors; ++v) store(t.c + i * t.ldc + v * L, t.alpha * acc[i * Vectors + v]);
    }
    return;
  }
  for (int i = 0; i < rows; ++i, acc += Vectors) {
    T* c = t.c + i * t.ldc;
    for (int v = 0; v < Vectors; ++v) {
      const int n = t.n - v * L;
      if (n <= 0) break;
      Vec<T> sum = t.alpha * acc[v];
      if (n >= L) {
        if (t.beta != T{0}) sum += t.beta * load(c + v * L);
        if (t.bias != nullptr) sum += load(t.bias + v * L);
        store(c + v * L, t.relu ? relu<T>(sum) : sum);
      } else {
        if (t.beta != T{0}) sum += t.beta * load_partial(c + v * L, n);
        if (t.bias != nullptr) sum += load_partial(t.bias + v * L, n);
        store_partial(c + v * L, t.relu ? relu<T>(sum) : sum, n);
      }
    }
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
  finish<T, Vectors>(t, &acc[0][0], Rows);
}

// In-register transpose by exchanging off-diagonal blocks of 1, 2, 4, ... lanes.
template <int Distance, class V, class Index>
static inline void exchange(V& x, V& y, Index lane, int lanes) {
  const Index upper = lane & Distance;
  const V first = __builtin_shuffle(x, y, upper == 0 ? lane : lane - Distance + lanes);
  y = __builtin_shuffle(x, y, upper == 0 ? lane + Distance : lane + lanes);
  x = first;
}

template <int Distance, class T>
static inline void exchange_all(Vec<T>* v) {
  const auto lane = lane_numbers<T>();
  TALUS_UNROLL
  for (int i = 0; i < kLanes<T>; ++i)
    if ((i & Distance) == 0) exchange<Distance>(v[i], v[i + Distance], lane, kLanes<T>);
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

template <class T, int Vectors>
static void add_block(int64_t k, int n, const T* m, int64_t stride, const T* x, T* y) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[Vectors] = {};
  if (n == Vectors * L) {
    for (int64_t p = 0; p < k; ++p) TALUS_UNROLL
    for (int v = 0; v < Vectors; ++v) acc[v] += x[p] * load(m + p * stride + v * L);
    TALUS_UNROLL
    for (int v = 0; v < Vectors; ++v) store(y + v * L, acc[v]);
  } else {
    for (int64_t p = 0; p < k; ++p) acc[0] += x[p] * load_partial(m + p * stride, n);
    store_partial(y, acc[0], n);
  }
}

template <class T>
static void add_rows(int64_t count, int64_t k, const T* m, int64_t stride, const T* x, T* y) {
  constexpr int L = kLanes<T>;
  int64_t j = 0;
  for (; j + 8 * L <= count; j += 8 * L) add_block<T, 8>(k, 8 * L, m + j, stride, x, y + j);
  for (; j < count; j += L)
    add_block<T, 1>(k, count - j < L ? static_cast<int>(count - j) : L, m + j, stride, x, y + j);
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
