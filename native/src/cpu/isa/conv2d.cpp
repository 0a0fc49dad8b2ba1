// Direct convolution, vectorised over output columns, and the dot products of its weight gradient.
#include "cpu/isa/conv2d_table.h"
#include "cpu/isa/gemm_partial.h"

namespace talus::TALUS_ISA_NS {

// Tile shapes: the accumulators, one vector for each piece and one weight fill the registers.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRows = 14, kDotRows = 4, kDotTaps = 6;
constexpr int pieces(int rows) { return rows <= 6 ? 4 : 2; }
#else
constexpr int kRows = 6, kDotRows = 3, kDotTaps = 4;
constexpr int pieces(int rows) { return rows <= 2 ? 4 : 2; }
#endif
static_assert(kRows <= kMaxConvRows && pieces(1) <= kMaxConvPieces, "the table has no room for this tile");
static_assert(kDotRows <= kMaxConvDotRows && kDotTaps <= kMaxConvDotTaps, "the table has no room for these dots");

template <class T, int Rows>
static void tile(const ConvTile<T>& t) {
  constexpr int V = pieces(Rows);
  Vec<T> acc[Rows][V] = {};
  const T* x[V];
  for (int v = 0; v < V; ++v) x[v] = t.x[v];
  const T* w = t.w;
  const int64_t* offset = t.offset;
  for (int64_t p = t.taps; p > 0; --p, w += Rows) {
    const int64_t shift = *offset++;
    Vec<T> piece[V];
    TALUS_UNROLL
    for (int v = 0; v < V; ++v) piece[v] = load(x[v] + shift);
    TALUS_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const T weight = w[i];
      TALUS_UNROLL
      for (int v = 0; v < V; ++v) acc[i][v] += weight * piece[v];
    }
  }
  if (t.bias != nullptr) {
    TALUS_UNROLL
    for (int i = 0; i < Rows; ++i) {
      TALUS_UNROLL
      for (int v = 0; v < V; ++v) acc[i][v] += t.bias[i];
    }
  }
  const Vec<T> least = broadcast(static_cast<T>(t.activation.least));
  const Vec<T> most = broadcast(static_cast<T>(t.activation.most));
  TALUS_UNROLL
  for (int v = 0; v < V; ++v) {
    const int n = t.count[v];
    T* out = t.out[v];
    TALUS_UNROLL
    for (int i = 0; i < Rows; ++i, out += t.out_channel) {
      const Vec<T> sum = t.activation.clamps ? clamped(acc[i][v], least, most) : acc[i][v];
      if (n == kLanes<T>) {
        store(out, sum);
      } else if (n > 0) {
        store_partial(out, sum, n);
      }
    }
  }
}

// acc[i][s] += g[i * g_channel...] * x[shift[s]...], the first n lanes.
template <class T, int Rows, int Taps, bool Whole>
static inline void add_products(Vec<T> (&acc)[Rows][Taps], const T* g, int64_t g_channel, const T* x,
                                const int64_t* shift, int n) {
  Vec<T> grad[Rows];
  TALUS_UNROLL
  for (int i = 0; i < Rows; ++i) grad[i] = Whole ? load(g + i * g_channel) : load_partial(g + i * g_channel, n);
  TALUS_UNROLL
  for (int s = 0; s < Taps; ++s) {
    const Vec<T> value = Whole ? load(x + shift[s]) : load_partial(x + shift[s], n);
    TALUS_UNROLL
    for (int i = 0; i < Rows; ++i) acc[i][s] += grad[i] * value;
  }
}

// The lanes below n; the others, whatever they hold, become zero.
template <class T>
static inline Vec<T> first_lanes(Vec<T> v, int n) {
  Vec<T> lane;
  for (int i = 0; i < kLanes<T>; ++i) lane[i] = static_cast<T>(i);
  return lane < static_cast<T>(n) + Vec<T>{} ? v : Vec<T>{};
}

// `Short`: rows that do not fill a register. What lies beyond them is read and summed in lanes of its own, which are
// left out at the end: masked loads would compete with the multiplications for the processor's ports.
template <class T, int Rows, int Taps, bool Short>
static void dots(const ConvDots<T>& d) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[Rows][Taps] = {};
  const int64_t whole = Short ? 0 : d.columns / L * L;
  const int rest = static_cast<int>(d.columns - whole);
  int64_t shift[Taps];
  for (int s = 0; s < Taps; ++s) shift[s] = d.offset[s];
  const int64_t g_channel = d.g_channel;
  for (int64_t image = 0; image < d.images; ++image) {
    const T* g_row = d.g + image * d.g_image;
    const T* x_row = d.x + image * d.x_image;
    for (int64_t row = d.rows; row > 0; --row, g_row += d.g_row, x_row += d.x_row) {
      const T* g = g_row;
      const T* x = x_row;
      if constexpr (!Short) {
        for (const T* end = g + whole; g < end; g += L, x += L)
          add_products<T, Rows, Taps, true>(acc, g, g_channel, x, shift, L);
        if (rest == 0) continue;
      }
      add_products<T, Rows, Taps, Short>(acc, g, g_channel, x, shift, rest);
    }
  }
  // A register full of sums at a time.
  constexpr int count = Rows * Taps, padded = (count + L - 1) / L * L;
  Vec<T> all[padded];
  unroll<padded>([&](auto i) TALUS_INLINE_LAMBDA {
    if constexpr (i < count) {
      const Vec<T> lanes = acc[i / Taps][i % Taps];
      all[i] = Short ? first_lanes<T>(lanes, rest) : lanes;
    } else {
      all[i] = Vec<T>{};
    }
  });
  T sums[padded];
  unroll<padded / L>([&](auto i) TALUS_INLINE_LAMBDA { store(sums + i * L, sum_each<T>(all + i * L)); });
  for (int i = 0; i < Rows; ++i)
    for (int s = 0; s < Taps; ++s) d.sums[i * d.sums_stride + s] += sums[i * Taps + s];
}

template <class T>
static T sum(int64_t n, const T* x) {
  constexpr int L = kLanes<T>;
  Vec<T> acc[4] = {};
  int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
    TALUS_UNROLL
    for (int v = 0; v < 4; ++v) acc[v] += load(x + i + v * L);
  }
  for (; i < n; i += L) acc[0] += load_partial(x + i, n - i < L ? static_cast<int>(n - i) : L);
  return sum_lanes<T>((acc[0] + acc[1]) + (acc[2] + acc[3]));
}

// Rows of a few elements: much shorter than a call of memcpy for each.
template <class T, bool Add>
static void transfer_rows(int64_t rows, int64_t columns, const T* from, int64_t from_row, T* to, int64_t to_row) {
  constexpr int L = kLanes<T>;
  const int64_t whole = columns / L * L;
  const int rest = static_cast<int>(columns - whole);
  for (int64_t r = 0; r < rows; ++r, from += from_row, to += to_row) {
    for (int64_t i = 0; i < whole; i += L) store(to + i, Add ? load(to + i) + load(from + i) : load(from + i));
    if (rest == 0) continue;
    const Vec<T> last = load_partial(from + whole, rest);
    store_partial(to + whole, Add ? load_partial(to + whole, rest) + last : last, rest);
  }
}

template <class T, int... Lane>
static TALUS_INLINE Vec<T> even_lanes(Vec<T> low, Vec<T> high, std::integer_sequence<int, Lane...>) {
  return __builtin_shufflevector(low, high, (2 * Lane)...);
}

template <class T>
static void take_every_second(int64_t rows, int64_t columns, const T* from, int64_t from_row, T* to, int64_t to_row) {
  constexpr int L = kLanes<T>;
  // The element behind the last one may be another's.
  const int64_t whole = (columns - 1) / L * L;
  const int rest = static_cast<int>(columns - whole), elements = 2 * rest - 1;
  for (int64_t r = 0; r < rows; ++r, from += from_row, to += to_row) {
    for (int64_t j = 0; j < whole; j += L)
      store(to + j, even_lanes<T>(load(from + 2 * j), load(from + 2 * j + L), LaneNumbers<T>{}));
    const T* last = from + 2 * whole;
    const Vec<T> low = elements < L ? load_partial(last, elements) : load(last);
    const Vec<T> high = elements > L ? load_partial(last + L, elements - L) : Vec<T>{};
    store_partial(to + whole, even_lanes<T>(low, high, LaneNumbers<T>{}), rest);
  }
}

// One from x, one from y, in turns, from lane First of both on.
template <int First, class T, int... Lane>
static TALUS_INLINE Vec<T> in_turns(Vec<T> x, Vec<T> y, std::integer_sequence<int, Lane...>) {
  return __builtin_shufflevector(x, y, (First + Lane / 2 + Lane % 2 * kLanes<T>)...);
}

template <class T>
static void merge_rows(int64_t rows, int64_t columns, const T* even, const T* odd, int64_t from_row, T* to,
                       int64_t to_row) {
  constexpr int L = kLanes<T>;
  const auto part = [](const T* from, int64_t n) TALUS_INLINE_LAMBDA {
    return from == nullptr || n <= 0 ? Vec<T>{} : n >= L ? load(from) : load_partial(from, static_cast<int>(n));
  };
  const auto put = [](T* out, Vec<T> v, int64_t n) TALUS_INLINE_LAMBDA {
    if (n >= L) {
      store(out, v);
    } else if (n > 0) {
      store_partial(out, v, static_cast<int>(n));
    }
  };
  for (int64_t r = 0; r < rows; ++r, to += to_row) {
    for (int64_t j = 0; j < columns; j += 2 * L) {
      const int64_t left = columns - j;
      const Vec<T> x = part(even == nullptr ? nullptr : even + r * from_row + j / 2, (left + 1) / 2);
      const Vec<T> y = part(odd == nullptr ? nullptr : odd + r * from_row + j / 2, left / 2);
      put(to + j, in_turns<0, T>(x, y, LaneNumbers<T>{}), left);
      put(to + j + L, in_turns<L / 2, T>(x, y, LaneNumbers<T>{}), left - L);
    }
  }
}

template <class T>
static void split_columns(int64_t k, int64_t columns, const T* from, int64_t stride, int width, T* to, int64_t panel) {
  constexpr int L = kLanes<T>, kAhead = 8, kLine = 64 / int{sizeof(T)};
  for (int64_t p = 0; p < k; ++p, from += stride, to += width) {
    // Rows are short and far apart: no hardware prefetcher foresees them.
    if (p + kAhead < k)
      for (int64_t j = 0; j < columns; j += kLine) __builtin_prefetch(from + kAhead * stride + j);
    T* row = to;
    for (int64_t i = 0; i < columns; i += width, row += panel) {
      const int count = columns - i < width ? static_cast<int>(columns - i) : width;
      int j = 0;
      for (; j + L <= count; j += L) store(row + j, load(from + i + j));
      if (j < count) store_partial(row + j, load_partial(from + i + j, count - j), count - j);
    }
  }
}

template <class T>
static void gather(int64_t taps, const int64_t* offset, const T* from, int columns, T* to, int64_t to_row) {
  constexpr int L = kLanes<T>;
  const int rest = columns % L, whole = columns - rest;
  if (whole == 0) {
    for (int64_t p = 0; p < taps; ++p, to += to_row) store_partial(to, load_partial(from + offset[p], rest), rest);
    return;
  }
  for (int64_t p = 0; p < taps; ++p, to += to_row) {
    const T* row = from + offset[p];
    for (int j = 0; j < whole; j += L) store(to + j, load(row + j));
    if (rest > 0) store_partial(to + whole, load_partial(row + whole, rest), rest);
  }
}

template <class T, int Rows>
static constexpr void fill_tiles(ConvKernels<T>& kernels) {
  kernels.tile[Rows - 1] = tile<T, Rows>;
  kernels.pieces[Rows - 1] = pieces(Rows);
  if constexpr (Rows > 1) fill_tiles<T, Rows - 1>(kernels);
}

template <class T, int Rows, int Taps>
static constexpr void fill_dots(ConvKernels<T>& kernels) {
  kernels.dots[0][Rows - 1][Taps - 1] = dots<T, Rows, Taps, false>;
  kernels.dots[1][Rows - 1][Taps - 1] = dots<T, Rows, Taps, true>;
  if constexpr (Taps > 1) {
    fill_dots<T, Rows, Taps - 1>(kernels);
  } else if constexpr (Rows > 1) {
    fill_dots<T, Rows - 1, kDotTaps>(kernels);
  }
}

template <class T>
static constexpr ConvKernels<T> kernels() {
  ConvKernels<T> k = {kLanes<T>,
                      kRows,
                      {},
                      {},
                      kDotRows,
                      kDotTaps,
                      !kMaskedLoads,
                      {},
                      sum<T>,
                      transfer_rows<T, false>,
                      transfer_rows<T, true>,
                      take_every_second<T>,
                      merge_rows<T>,
                      split_columns<T>,
                      gather<T>};
  fill_tiles<T, kRows>(k);
  fill_dots<T, kDotRows, kDotTaps>(k);
  return k;
}

extern const ConvTable conv2d_table;
constexpr ConvTable conv2d_table = {kernels<float>(), kernels<double>()};

}  // namespace talus::TALUS_ISA_NS
