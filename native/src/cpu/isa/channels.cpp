// Convolution with channels as lanes.
#include "cpu/isa/channels_table.h"

#include <limits>

#include "cpu/isa/window.h"

namespace talus::TALUS_ISA_NS {

// The accumulators, a weight and, where multiplications cannot broadcast from memory, an element fill the registers.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kPixels = 14, kRows = 9;
#else
constexpr int kPixels = 12, kRows = 4;
#endif
static_assert(kPixels <= kMaxChannelPixels && kRows <= kMaxChannelRows, "the table has no room for these kernels");

template <class T, int L, int Step, int Rows, int Columns>
static void tile(const ChannelTile<T>& t) {
  using V = Lanes<T, L>;
  V acc[Rows][Columns] = {};
  const T* w = t.w;
  const int64_t* offset = t.offset;
  const int64_t x_row = t.x_row;
  for (int64_t k = t.taps; k > 0; --k, w += L) {
    const T* row = t.x + *offset++;
    const V weight = load_lanes<T, L>(w);
    TALUS_UNROLL
    for (int r = 0; r < Rows; ++r, row += x_row) {
      TALUS_UNROLL
      for (int q = 0; q < Columns; ++q) acc[r][q] += weight * row[q * Step];
    }
  }
  const V bias = load_lanes<T, L>(t.bias);
  const V least = t.relu ? V{} : V{} - std::numeric_limits<T>::infinity();
  const int64_t pixel = t.strip_pixel;
  T* strip = t.strip;
  TALUS_UNROLL
  for (int r = 0; r < Rows; ++r, strip += t.strip_row) {
    TALUS_UNROLL
    for (int q = 0; q < Columns; ++q) {
      V sum = acc[r][q] + bias;
      sum = sum < least ? least : sum;  // NaN stays NaN
      std::memcpy(strip + q * pixel, &sum, sizeof sum);
    }
  }
}

template <class T, int L, int Width, int Rows>
static void dots(const ChannelDots<T>& d) {
  using V = Lanes<T, L>;
  V acc[Rows][Width] = {};
  const T* strip = d.strip;
  const T* row = d.x;
  const int64_t step = d.step;
  for (int64_t y = d.rows; y > 0; --y, row += d.x_row) {
    // A pointer for each kernel row, which the optimizer would otherwise turn into more than there are registers.
    const T* x[Rows];
    TALUS_UNROLL
    for (int i = 0; i < Rows; ++i) x[i] = row + d.offset[i];
    for (int64_t q = d.columns; q > 0; --q, strip += L) {
      const V g = load_lanes<T, L>(strip);
      TALUS_UNROLL
      for (int i = 0; i < Rows; ++i) {
        TALUS_UNROLL
        for (int j = 0; j < Width; ++j) acc[i][j] += g * x[i][j];
        x[i] += step;
      }
    }
  }
  T* sums = d.sums;
  TALUS_UNROLL
  for (int i = 0; i < Rows; ++i) {
    TALUS_UNROLL
    for (int j = 0; j < Width; ++j, sums += L) {
      const V sum = load_lanes<T, L>(sums) + acc[i][j];
      std::memcpy(sums, &sum, sizeof sum);
    }
  }
}

template <int Distance, class V, int... Lane>
static inline void exchange_lanes(V& x, V& y, std::integer_sequence<int, Lane...>) {
  constexpr int count = sizeof...(Lane);
  const V first = __builtin_shufflevector(x, y, ((Lane & Distance) == 0 ? Lane : Lane - Distance + count)...);
  y = __builtin_shufflevector(x, y, ((Lane & Distance) == 0 ? Lane + Distance : Lane + count)...);
  x = first;
}

template <int Distance, class T, int L>
static inline void transpose_square(Lanes<T, L>* v) {
  if constexpr (Distance < L) {
    TALUS_UNROLL
    for (int i = 0; i < L; ++i)
      if ((i & Distance) == 0) exchange_lanes<Distance>(v[i], v[i + Distance], std::make_integer_sequence<int, L>{});
    transpose_square<2 * Distance, T, L>(v);
  }
}

template <class T, int L>
static void pack(int64_t taps, const T* from, int64_t stride, const T* end, const int64_t* place, T* to) {
  for (int64_t t = 0; t < taps; t += L, place += L) {
    Lanes<T, L> block[L];
    TALUS_UNROLL
    for (int i = 0; i < L; ++i) {
      const T* row = from + i * stride + t;
      block[i] = end - row >= L ? load_lanes<T, L>(row) : load_between<T, L>(row, 0, static_cast<int>(end - row));
    }
    transpose_square<1, T, L>(block);
    TALUS_UNROLL
    for (int q = 0; q < L; ++q)
      if (q < taps - t) std::memcpy(to + place[q] * L, &block[q], sizeof block[q]);
  }
}

// Squares of L x L. The last one is moved back until it is full.
template <class T, int L, class Square>
static inline bool each_square(int64_t pixels, Square&& square) {
  if (pixels < L) return false;
  for (int64_t p = 0; p < pixels; p += L) square(p + L <= pixels ? p : pixels - L);
  return true;
}

template <class T, int L>
static void gather(int64_t pixels, const T* from, int64_t plane, T* to) {
  const bool done = each_square<T, L>(pixels, [&](int64_t p) TALUS_INLINE_LAMBDA {
    Lanes<T, L> block[L];
    TALUS_UNROLL
    for (int i = 0; i < L; ++i) block[i] = load_lanes<T, L>(from + i * plane + p);
    transpose_square<1, T, L>(block);
    std::memcpy(to + p * L, block, sizeof block);
  });
  if (done) return;
  for (int64_t p = 0; p < pixels; ++p)
    for (int i = 0; i < L; ++i) to[p * L + i] = from[i * plane + p];
}

template <class T, int L>
static void scatter(int64_t pixels, const T* from, T* to, int64_t plane) {
  const bool done = each_square<T, L>(pixels, [&](int64_t p) TALUS_INLINE_LAMBDA {
    Lanes<T, L> block[L];
    std::memcpy(block, from + p * L, sizeof block);
    transpose_square<1, T, L>(block);
    TALUS_UNROLL
    for (int i = 0; i < L; ++i) std::memcpy(to + i * plane + p, &block[i], sizeof block[i]);
  });
  if (done) return;
  for (int64_t p = 0; p < pixels; ++p)
    for (int i = 0; i < L; ++i) to[i * plane + p] = from[p * L + i];
}

template <class T, int L, int Step, int Rows, int Columns>
static constexpr void fill_tiles(ChannelKernels<T>& k) {
  k.tile[Step - 1][Rows - 1][Columns - 1] = tile<T, L, Step, Rows, Columns>;
  if constexpr (Columns > 1) {
    fill_tiles<T, L, Step, Rows, Columns - 1>(k);
  } else if constexpr (Rows == 1) {
    fill_tiles<T, L, Step, 2, kPixels / 2>(k);
  } else if constexpr (Step == 1) {
    fill_tiles<T, L, 2, 1, kPixels>(k);
  }
}

template <class T, int L, int Rows>
static constexpr void fill_dots(ChannelKernels<T>& k) {
  k.dots[0][Rows - 1] = dots<T, L, 1, Rows>;
  k.dots[1][Rows - 1] = dots<T, L, 3, Rows>;
  if constexpr (Rows > 1) fill_dots<T, L, Rows - 1>(k);
}

template <class T, int L>
static constexpr ChannelKernels<T> kernels() {
  ChannelKernels<T> k = {};
  if constexpr (L >= 4 || L == kLanes<T>) {
    k.lanes = L;
    k.pixels = kPixels;
    k.rows = kRows;
    k.pack = pack<T, L>;
    k.gather = gather<T, L>;
    k.scatter = scatter<T, L>;
    fill_tiles<T, L, 1, 1, kPixels>(k);
    fill_dots<T, L, kRows>(k);
  }
  return k;
}

extern const ChannelTable channel_table;
constexpr ChannelTable channel_table = {{kernels<float, kLanes<float>>(), kernels<float, kLanes<float> / 2>()},
                                        {kernels<double, kLanes<double>>(), kernels<double, kLanes<double> / 2>()}};

}  // namespace talus::TALUS_ISA_NS
