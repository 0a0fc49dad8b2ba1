// GEMM micro-kernels: register tiles of C, matrix times vector.
#include "cpu/isa/gemm_dots.h"
#include "cpu/isa/gemm_pack.h"
#include "cpu/isa/gemm_partial.h"
#include "cpu/isa/gemm_table.h"

namespace talus::TALUS_ISA_NS {

// The largest tile: its accumulators, the vectors of one row of B and one element of A fill the registers. Of shapes
// that do, the one that loads least is best: Ice Lake, which can load two registers a cycle, was seen to load 1.1, so
// that tiles of 14 rows and two vectors (16 loads for 28 multiply-adds) reach 91% of its peak, of 8 and three (11 for
// 24) 98%. Under sanitizers every access of an unrolled tile is a check to compile, and tiles of a few rows are the
// same code.
#if defined(TALUS_LOW_TILES)
constexpr int kRows = 4, kWideRows = 3;
#elif defined(__AVX512F__)
constexpr int kRows = 14, kWideRows = 8;
#elif defined(__aarch64__)
constexpr int kRows = 12, kWideRows = 0;
#else
constexpr int kRows = 6, kWideRows = 0;
#endif
static_assert(kRows <= kMaxTileRows && kWideRows <= kRows, "the table has no room for this tile");

// Rows of packed B that a turn of a low tile's loop takes: of a step of twelve multiply-adds, counting and moving two
// addresses is worth saving.
#if defined(TALUS_LOW_TILES)
constexpr int kPackedSteps = 2;
#else
constexpr int kPackedSteps = kRows > 6 ? 1 : 8;
#endif

// Element (i, p) of a tile's A at row<i>() + p. Seven rows are reached from one address with three strides, so that a
// loop over p keeps all of it in a handful of registers; the compiler, left alone, keeps one stride a row.
template <class T>
struct Rows7 {
  const T *low, *high;
  int64_t once, thrice, five_times;

  Rows7(const T* a, int64_t stride)
      : low(a), high(a + 7 * stride), once(stride), thrice(3 * stride), five_times(5 * stride) {
    __asm__("" : "+r"(high), "+r"(once), "+r"(thrice), "+r"(five_times));
  }

  template <int I>
  TALUS_INLINE const T* row() const {
    const T* from = I < 7 ? low : high;
    constexpr int i = I % 7;
    if constexpr (i == 3 || i == 6) return from + i / 3 * thrice;
    if constexpr (i == 5) return from + five_times;
    return from + i * once;
  }

  TALUS_INLINE void advance() {
    ++low;
    ++high;
  }
};

// Rows x Vectors registers of C. All loops over them are unrolled by templates: a loop that the optimizer unrolls later
// leaves them in memory before and after the sum.
template <class T, int Rows, int Vectors>
struct Accumulators {
  static constexpr int L = kLanes<T>, kLast = Vectors - 1;
  Vec<T> at[Rows][Vectors];

  // f(accumulator, row, vector), both numbers as types.
  template <class F>
  TALUS_INLINE void each(F&& f) {
    unroll<Rows>([&](auto i)
                     TALUS_INLINE_LAMBDA { unroll<Vectors>([&](auto v) TALUS_INLINE_LAMBDA { f(at[i][v], i, v); }); });
  }

  // One row of B, times the element of A that belongs to each row of C.
  template <class Last, class F>
  TALUS_INLINE void add_row(const T* b, const Last& last, F&& element) {
    Vec<T> row[Vectors];
    unroll<kLast>([&](auto v) TALUS_INLINE_LAMBDA { row[v] = load(b + v * L); });
    row[kLast] = last.load_b(b + kLast * L);
    unroll<Rows>([&](auto i) TALUS_INLINE_LAMBDA {
      const T x = element(i);
      unroll<Vectors>([&](auto v) TALUS_INLINE_LAMBDA { at[i][v] += x * row[v]; });
    });
  }

  // The epilogue. Its steps are apart so that every tile shape rounds alike.
  TALUS_INLINE void finish(const GemmTile<T>& t, const LastVector<T>& last) {
    const auto load_from = [&](const T* from, auto v) TALUS_INLINE_LAMBDA {
      return v < kLast ? load(from + v * L) : last.load_valid(from + v * L);
    };
    const int64_t ldc = t.ldc;
    if (t.alpha != T{1}) {
      const T alpha = t.alpha;
      each([&](auto& sum, auto, auto) TALUS_INLINE_LAMBDA { sum *= alpha; });
    }
    if (t.beta != T{0}) {
      const T beta = t.beta;
      const T* c = t.c;
      each([&](auto& sum, auto, auto v) TALUS_INLINE_LAMBDA {
        sum += beta * load_from(c, v);
        if (v == kLast) c += ldc;
      });
    }
    if (t.bias != nullptr) {
      Vec<T> bias[Vectors];
      unroll<Vectors>([&](auto v) TALUS_INLINE_LAMBDA { bias[v] = load_from(t.bias, v); });
      each([&](auto& sum, auto, auto v) TALUS_INLINE_LAMBDA { sum += bias[v]; });
    }
    if (t.row_bias != nullptr) {
      const T* bias = t.row_bias;
      each([&](auto& sum, auto i, auto) TALUS_INLINE_LAMBDA { sum += bias[i]; });
    }
    if (t.activation.clamps) {
      const Vec<T> least = broadcast(static_cast<T>(t.activation.least));
      const Vec<T> most = broadcast(static_cast<T>(t.activation.most));
      each([&](auto& sum, auto, auto) TALUS_INLINE_LAMBDA { sum = clamped(sum, least, most); });
    }
    T* c = t.c;
    each([&](auto& sum, auto, auto v) TALUS_INLINE_LAMBDA {
      if constexpr (v < kLast) {
        store(c + v * L, sum);
      } else {
        last.store_valid(c + v * L, sum);
        c += ldc;
      }
    });
  }
};

// acc += A B, where `last` loads the last vectors of B's rows.
template <bool ReadRows, class T, int Rows, int Vectors, class Last>
static TALUS_INLINE void add_product(const GemmTile<T>& t, const Last& last, Accumulators<T, Rows, Vectors>& acc) {
  constexpr int L = kLanes<T>;
  const T* b = t.b;
  const int64_t a_stride = t.a_stride, b_stride = t.b_stride;
  const auto step = [&](auto&& element) TALUS_INLINE_LAMBDA {
    acc.add_row(b, last, element);
    b += b_stride;
  };
  if constexpr (ReadRows) {
    Rows7<T> a(t.a, a_stride);
    for (int64_t p = t.k; p > 0; --p) {
      step([&](auto i) TALUS_INLINE_LAMBDA { return *a.template row<i>(); });
      a.advance();
    }
  } else {
    const T* a = t.a;
    int64_t p = t.k;
    if constexpr (kPackedSteps > 1 && Rows >= kRows - 1 && Vectors == kTileVectors) {
      if (a_stride == Rows && b_stride == Vectors * L) {
        for (; p >= kPackedSteps; p -= kPackedSteps) {
          unroll<kPackedSteps>([&](auto) TALUS_INLINE_LAMBDA {
            acc.add_row(b, last, [&](auto i) TALUS_INLINE_LAMBDA { return a[i]; });
            a += Rows;
            b += Vectors * L;
          });
        }
      }
    }
    for (; p > 0; --p) {
      step([&](auto i) TALUS_INLINE_LAMBDA { return a[i]; });
      a += a_stride;
    }
  }
}

template <class T, int Rows, int Vectors, bool ReadRows>
static void tile(const GemmTile<T>& t) {
  constexpr int L = kLanes<T>;
  const LastVector<T> last(t.n - (Vectors - 1) * L);
  Accumulators<T, Rows, Vectors> acc;
  acc.each([](auto& sum, auto, auto) TALUS_INLINE_LAMBDA { sum = Vec<T>{}; });
  // A long sum leaves time to fetch the tile of C meanwhile.
  if (t.k >= 64) {
    const char* c = reinterpret_cast<const char*>(t.c);
    for (int i = 0; i < Rows; ++i, c += t.ldc * int64_t{sizeof(T)})
      for (int v = 0; v < Vectors * kVectorBytes; v += 64) __builtin_prefetch(c + v, 1);
  }
  if (kMaskedLoads && t.n == Vectors * L) {
    add_product<ReadRows>(t, WholeVector<T>{}, acc);
  } else {
    add_product<ReadRows>(t, last, acc);
  }
  acc.finish(t, last);
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
    acc[Vectors - 1] += x[p] * (n == Vectors * L ? load(m + last) : load_partial(m + last, n - last));
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

// `Rows` more rows added to n columns of y, a multiple of a register.
template <class T, int Rows, bool First>
static void add_to(int64_t n, const T* m, int64_t stride, const T* x, T* y) {
  constexpr int L = kLanes<T>;
  for (int64_t j = 0; j < n; j += L) {
    Vec<T> sum = First ? Vec<T>{} : load(y + j);
    unroll<Rows>([&](auto i) TALUS_INLINE_LAMBDA { sum += x[i] * load(m + i * stride + j); });
    store(y + j, sum);
  }
}

// Registers of y that a pass down the rows fills: the longer a piece of a row, the better hardware fetches ahead.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kAcross = 16;
#else
constexpr int kAcross = 8;
#endif

// Of a matrix with a page or more to a row some rows are read side by side along a stretch of y that stays in L1: down
// the rows, every step would be on another page. So are, with AVX-512, matrices that a core's caches do not hold: on
// Ice Lake, a piece of a row is too short for hardware to fetch ahead. The order of each sum is the same.
constexpr int64_t kSideBySide = 8, kPageBytes = 4096;
template <class T>
static bool adds_side_by_side(int64_t k, int64_t stride) {
  constexpr int64_t held = kVectorBytes == 64 ? (1 << 20) / sizeof(T) : INT64_MAX;
  return k >= kSideBySide && (stride * int64_t{sizeof(T)} >= kPageBytes || k * stride > held);
}

template <class T>
static void add_rows(int64_t count, int64_t k, const T* m, int64_t stride, const T* x, T* y) {
  constexpr int L = kLanes<T>, all = kAcross * L, group = kSideBySide;
  int64_t j = 0;
  constexpr int64_t stretch = 2 * kPageBytes / sizeof(T);
  if (adds_side_by_side<T>(k, stride)) {
    while (count - j >= L) {
      const int64_t n = (count - j < stretch ? count - j : stretch) / L * L;
      add_to<T, group, true>(n, m + j, stride, x, y + j);
      int64_t p = group;
      for (; p + group <= k; p += group) add_to<T, group, false>(n, m + p * stride + j, stride, x + p, y + j);
      for (; p < k; ++p) add_to<T, 1, false>(n, m + p * stride + j, stride, x + p, y + j);
      j += n;
    }
  }
  for (; count - j > all; j += all) add_block<T, kAcross>(k, all, m + j, stride, x, y + j);
  if (j < count) add_rest<T, kAcross>(k, static_cast<int>(count - j), m + j, stride, x, y + j);
}

template <class T, int Vectors, int Rows>
static constexpr void fill_tiles(GemmKernels<T>& kernels) {
  kernels.tile[0][Vectors - 1][Rows - 1] = tile<T, Rows, Vectors, false>;
  kernels.tile[1][Vectors - 1][Rows - 1] = tile<T, Rows, Vectors, true>;
  if constexpr (Rows > 1) fill_tiles<T, Vectors, Rows - 1>(kernels);
}

template <class T>
static constexpr GemmKernels<T> kernels() {
  GemmKernels<T> k = {
      kRows,           kWideRows,   kLanes<T>,   kMaskedLoads,        {}, kDotRows, kDotColumns, {}, pack_rows<T>,
      pack_columns<T>, dot_rows<T>, add_rows<T>, adds_side_by_side<T>};
  fill_dots<T, kDotRows, kDotColumns>(k);
  fill_tiles<T, 1, kRows>(k);
  fill_tiles<T, kTileVectors, kRows>(k);
  if constexpr (kWideRows > 0) fill_tiles<T, kWideTileVectors, kWideRows>(k);
  return k;
}

extern const GemmTable gemm_table;
constexpr GemmTable gemm_table = {kernels<float>(), kernels<double>()};

}  // namespace talus::TALUS_ISA_NS
