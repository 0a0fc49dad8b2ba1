// Convolution with channels as lanes.
#include "cpu/isa/channels_table.h"

#include "cpu/isa/window.h"

namespace talus::TALUS_ISA_NS {

// The accumulators, three weights and an element fill the registers. Loads are what binds: Ice Lake loads little more
// than one register of 64 bytes a cycle and multiplies two, and with AVX2 a broadcast is a load of its own. So taps of
// a row share elements, and pairs of registers halve the loads where channels fill them (1.25 to 1.55 times on Ice
// Lake, groups of 32). Tiles are low under sanitizers, as those of products.
#if defined(TALUS_LOW_TILES)
constexpr int kPixels = 4, kRows = 2, kRegisters = 32;
constexpr int kPoints = 2, kPairRows[2] = {2, 2};
#elif defined(__AVX512F__) || defined(__aarch64__)
constexpr int kPixels = 14, kRows = 9, kRegisters = 32;
constexpr int kPoints = 8, kPairRows[2] = {9, 4};
#else
constexpr int kPixels = 12, kRows = 4, kRegisters = 16;
constexpr int kPoints = 6, kPairRows[2] = {6, 2};
#endif
static_assert(kPixels <= kMaxChannelPixels && kPoints <= kMaxChannelPoints && kRows <= kMaxChannelRows &&
                  kPairRows[0] <= kMaxChannelRows,
              "the table has no room for these kernels");

// acc += taps times pixels, `Run` taps at a time, which share the elements they read.
template <int Run, int Step, class T, int L, int Rows, int Columns>
static TALUS_INLINE void add_taps(const ChannelTile<T>& t, Lanes<T, L> (&acc)[Rows][Columns]) {
  using V = Lanes<T, L>;
  const T* w = t.w;
  const int64_t* offset = t.offset;
  const int64_t x_row = t.x_row;
  for (int64_t k = t.taps; k > 0; k -= Run, w += Run * L, offset += Run) {
    const T* row = t.x + *offset;
    V weight[Run];
    unroll<Run>([&](auto j) TALUS_INLINE_LAMBDA { weight[j] = load_lanes<T, L>(w + j * L); });
    unroll<Rows>([&](auto r) TALUS_INLINE_LAMBDA {
      unroll<(Columns - 1) * Step + Run>([&](auto e) TALUS_INLINE_LAMBDA {
        const T element = row[e];
        unroll<Run>([&](auto j) TALUS_INLINE_LAMBDA {
          constexpr int place = e - j;
          if constexpr (place >= 0 && place % Step == 0 && place / Step < Columns)
            acc[r][place / Step] += weight[j] * element;
        });
      });
      row += x_row;
    });
  }
}

template <class T, int L, int Step, int Rows, int Columns>
static void tile(const ChannelTile<T>& t) {
  using V = Lanes<T, L>;
  V acc[Rows][Columns] = {};
  if (t.run == 3) {
    add_taps<3, Step, T, L>(t, acc);
  } else if (t.run == 2) {
    add_taps<2, Step, T, L>(t, acc);
  } else {
    add_taps<1, Step, T, L>(t, acc);
  }
  const V bias = load_lanes<T, L>(t.bias);
  const int64_t pixel = t.strip_pixel, strip_row = t.strip_row;
  T* strip = t.strip;
  with_activation<T, V>(t.activation, [&](auto finish) TALUS_INLINE_LAMBDA {
    TALUS_UNROLL
    for (int r = 0; r < Rows; ++r, strip += strip_row) {
      TALUS_UNROLL
      for (int q = 0; q < Columns; ++q) {
        const V sum = finish(acc[r][q] + bias);
        std::memcpy(strip + q * pixel, &sum, sizeof sum);
      }
    }
  });
}

template <class T, int L, int Points>
static void tile_of_points(const ChannelPoints<T>& t) {
  using V = Lanes<T, L>;
  V acc[Points][2] = {};
  const T* x[Points];
  TALUS_UNROLL
  for (int q = 0; q < Points; ++q) x[q] = t.x[q];
  const T* w = t.w;
  const int64_t* offset = t.offset;
  for (int64_t k = t.taps; k > 0; --k, w += 2 * L) {
    const int64_t shift = *offset++;
    const V low = load_lanes<T, L>(w), high = load_lanes<T, L>(w + L);
    TALUS_UNROLL
    for (int q = 0; q < Points; ++q) {
      const T element = x[q][shift];
      acc[q][0] += low * element;
      acc[q][1] += high * element;
    }
  }
  with_activation<T, V>(t.activation, [&](auto finish) TALUS_INLINE_LAMBDA {
    TALUS_UNROLL
    for (int half = 0; half < 2; ++half) {
      const V bias = load_lanes<T, L>(t.bias + half * L);
      TALUS_UNROLL
      for (int q = 0; q < Points; ++q) {
        const V sum = finish(acc[q][half] + bias);
        std::memcpy(t.strip[q] + half * L, &sum, sizeof sum);
      }
    }
  });
}

// Some registers of a strip.
template <class T, int L, int Registers>
struct Strip {
  using V = Lanes<T, L>;
  V at[Registers];

  explicit Strip(const T* from) {
    unroll<Registers>([&](auto r) TALUS_INLINE_LAMBDA { at[r] = load_lanes<T, L>(from + r * L); });
  }
  TALUS_INLINE void add(V (&acc)[Registers], T element) const {
    unroll<Registers>([&](auto r) TALUS_INLINE_LAMBDA { acc[r] += at[r] * element; });
  }
};

// The products of one row of pixels with kernel rows of three, which share elements: of pixels side by side, element e
// is the first of pixel e, the second of the one before it and the third of that before this; at a step of two, the
// first of one pixel is the third of the one before. d.columns > 1.
template <class T, int L, int Registers, int Rows, int Step>
static TALUS_INLINE void add_row_of_threes(Lanes<T, L> (&acc)[Rows][3][Registers], const T* strip, const T* (&x)[Rows],
                                           int64_t columns) {
  using G = Strip<T, L, Registers>;
  constexpr int kPixel = Registers * L;
  const auto each = [&](auto&& f) TALUS_INLINE_LAMBDA { unroll<Rows>([&](auto i) TALUS_INLINE_LAMBDA { f(i); }); };
  if constexpr (Step == 1) {
    G before(strip), last(strip + kPixel);
    each([&](auto i) TALUS_INLINE_LAMBDA {
      before.add(acc[i][0], x[i][0]);
      const T element = x[i][1];
      last.add(acc[i][0], element);
      before.add(acc[i][1], element);
    });
    for (int64_t q = 2; q < columns; ++q) {
      const G now(strip + q * kPixel);
      each([&](auto i) TALUS_INLINE_LAMBDA {
        const T element = x[i][q];
        now.add(acc[i][0], element);
        last.add(acc[i][1], element);
        before.add(acc[i][2], element);
      });
      before = last;
      last = now;
    }
    each([&](auto i) TALUS_INLINE_LAMBDA {
      const T element = x[i][columns];
      last.add(acc[i][1], element);
      before.add(acc[i][2], element);
      last.add(acc[i][2], x[i][columns + 1]);
    });
  } else {
    G last(strip);
    each([&](auto i) TALUS_INLINE_LAMBDA {
      last.add(acc[i][0], x[i][0]);
      last.add(acc[i][1], x[i][1]);
    });
    for (int64_t q = 1; q < columns; ++q) {
      const G now(strip + q * kPixel);
      each([&](auto i) TALUS_INLINE_LAMBDA {
        const T element = x[i][2 * q];
        last.add(acc[i][2], element);
        now.add(acc[i][0], element);
        now.add(acc[i][1], x[i][2 * q + 1]);
      });
      last = now;
    }
    each([&](auto i) TALUS_INLINE_LAMBDA { last.add(acc[i][2], x[i][2 * columns]); });
  }
}

template <class T, int L, int Registers, int Width, int Rows>
static void dots(const ChannelDots<T>& d) {
  using V = Lanes<T, L>;
  V acc[Rows][Width][Registers] = {};
  const T* strip = d.strip;
  const T* row = d.x;
  const int64_t step = d.step;
  for (int64_t y = d.rows; y > 0; --y, row += d.x_row) {
    // A pointer for each kernel row, which the optimizer would otherwise turn into more than there are registers.
    const T* x[Rows];
    TALUS_UNROLL
    for (int i = 0; i < Rows; ++i) x[i] = row + d.offset[i];
    if constexpr (Width == 3 && (3 * Rows + 3) * Registers < kRegisters) {
      if (step <= 2 && d.columns > 1) {
        if (step == 1) {
          add_row_of_threes<T, L, Registers, Rows, 1>(acc, strip, x, d.columns);
        } else {
          add_row_of_threes<T, L, Registers, Rows, 2>(acc, strip, x, d.columns);
        }
        strip += d.columns * Registers * L;
        continue;
      }
    }
    for (int64_t q = d.columns; q > 0; --q, strip += Registers * L) {
      V g[Registers];
      TALUS_UNROLL
      for (int r = 0; r < Registers; ++r) g[r] = load_lanes<T, L>(strip + r * L);
      TALUS_UNROLL
      for (int i = 0; i < Rows; ++i) {
        TALUS_UNROLL
        for (int j = 0; j < Width; ++j) {
          const T element = x[i][j];
          TALUS_UNROLL
          for (int r = 0; r < Registers; ++r) acc[i][j][r] += g[r] * element;
        }
        x[i] += step;
      }
    }
  }
  T* sums = d.sums;
  TALUS_UNROLL
  for (int i = 0; i < Rows; ++i) {
    TALUS_UNROLL
    for (int j = 0; j < Width; ++j) {
      TALUS_UNROLL
      for (int r = 0; r < Registers; ++r, sums += L) {
        const V sum = load_lanes<T, L>(sums) + acc[i][j][r];
        std::memcpy(sums, &sum, sizeof sum);
      }
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

template <class T, int L, int Registers>
static void pack(int64_t taps, const T* from, int64_t stride, const T* end, const int64_t* place, T* to) {
  for (int r = 0; r < Registers; ++r, from += L * stride, to += L) {
    for (int64_t t = 0; t < taps; t += L) {
      Lanes<T, L> block[L];
      TALUS_UNROLL
      for (int i = 0; i < L; ++i) {
        const T* row = from + i * stride + t;
        block[i] = end - row >= L ? load_lanes<T, L>(row) : load_between<T, L>(row, 0, static_cast<int>(end - row));
      }
      transpose_square<1, T, L>(block);
      TALUS_UNROLL
      for (int q = 0; q < L; ++q)
        if (q < taps - t) std::memcpy(to + place[t + q] * Registers * L, &block[q], sizeof block[q]);
    }
  }
}

// Squares of L x L. The last one is moved back until it is full.
template <class T, int L, class Square>
static inline bool each_square(int64_t pixels, Square&& square) {
  if (pixels < L) return false;
  for (int64_t p = 0; p < pixels; p += L) square(p + L <= pixels ? p : pixels - L);
  return true;
}

template <class T, int L, int Registers>
static void gather(int64_t pixels, const T* from, int64_t plane, T* to) {
  constexpr int kPixel = Registers * L;
  for (int r = 0; r < Registers; ++r, from += L * plane, to += L) {
    const bool done = each_square<T, L>(pixels, [&](int64_t p) TALUS_INLINE_LAMBDA {
      Lanes<T, L> block[L];
      TALUS_UNROLL
      for (int i = 0; i < L; ++i) block[i] = load_lanes<T, L>(from + i * plane + p);
      transpose_square<1, T, L>(block);
      TALUS_UNROLL
      for (int i = 0; i < L; ++i) std::memcpy(to + (p + i) * kPixel, &block[i], sizeof block[i]);
    });
    if (done) continue;
    for (int64_t p = 0; p < pixels; ++p)
      for (int i = 0; i < L; ++i) to[p * kPixel + i] = from[i * plane + p];
  }
}

template <class T, int L, int Registers>
static void scatter(int64_t pixels, const T* from, T* to, int64_t plane) {
  constexpr int kPixel = Registers * L;
  for (int r = 0; r < Registers; ++r, from += L, to += L * plane) {
    const bool done = each_square<T, L>(pixels, [&](int64_t p) TALUS_INLINE_LAMBDA {
      Lanes<T, L> block[L];
      TALUS_UNROLL
      for (int i = 0; i < L; ++i) block[i] = load_lanes<T, L>(from + (p + i) * kPixel);
      transpose_square<1, T, L>(block);
      TALUS_UNROLL
      for (int i = 0; i < L; ++i) std::memcpy(to + i * plane + p, &block[i], sizeof block[i]);
    });
    if (done) continue;
    for (int64_t p = 0; p < pixels; ++p)
      for (int i = 0; i < L; ++i) to[i * plane + p] = from[p * kPixel + i];
  }
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

template <class T, int L, int Points>
static constexpr void fill_points(ChannelKernels<T>& k) {
  k.tile_of_points[Points - 1] = tile_of_points<T, L, Points>;
  if constexpr (Points > 1) fill_points<T, L, Points - 1>(k);
}

template <class T, int L, int Registers, int Width, int Rows>
static constexpr void fill_dots(ChannelKernels<T>& k) {
  k.dots[Width == 3][Rows - 1] = dots<T, L, Registers, Width, Rows>;
  if constexpr (Rows > 1) fill_dots<T, L, Registers, Width, Rows - 1>(k);
}

template <class T, int L, int Registers>
static constexpr ChannelKernels<T> kernels() {
  ChannelKernels<T> k = {};
  if constexpr (Registers == 2 || L >= 4 || L == kLanes<T>) {
    k.lanes = Registers * L;
    k.pack = pack<T, L, Registers>;
    k.gather = gather<T, L, Registers>;
    k.scatter = scatter<T, L, Registers>;
    if constexpr (Registers == 2) {
      k.pixels = k.points = kPoints;
      fill_points<T, L, kPoints>(k);
    } else {
      k.pixels = kPixels;
      fill_tiles<T, L, 1, 1, kPixels>(k);
    }
    constexpr int rows[2] = {Registers == 2 ? kPairRows[0] : kRows, Registers == 2 ? kPairRows[1] : kRows};
    k.rows[0] = rows[0];
    k.rows[1] = rows[1];
    fill_dots<T, L, Registers, 1, rows[0]>(k);
    fill_dots<T, L, Registers, 3, rows[1]>(k);
  }
  return k;
}

extern const ChannelTable channel_table;
constexpr ChannelTable channel_table = {
    {kernels<float, kLanes<float>, 2>(), kernels<float, kLanes<float>, 1>(), kernels<float, kLanes<float> / 2, 1>()},
    {kernels<double, kLanes<double>, 2>(), kernels<double, kLanes<double>, 1>(),
     kernels<double, kLanes<double> / 2, 1>()}};

}  // namespace talus::TALUS_ISA_NS
