// Winograd's transforms of squares: F(4, 3) or F(2, 3) in both dimensions.
#include "cpu/isa/winograd_table.h"

#include "cpu/isa/transpose.h"
#include "cpu/isa/winograd_transforms.h"

namespace talus::TALUS_ISA_NS {

constexpr int L = kLanes<float>;

struct LargeTiles {
  static constexpr int kTile = kWinogradTile;
  using In = Input;
  using Out = Output;
  using Kernel = Weights;
};

struct SmallTiles {
  static constexpr int kTile = 2;
  using In = SmallInput;
  using Out = SmallOutput;
  using Kernel = SmallWeights;
};

template <class F, int Step>
static void from_strip(int64_t tiles, const float* strip, int64_t row, float* to, int64_t tile, int64_t product) {
  for (int64_t t = 0; t < tiles; ++t, strip += Step * L, to += tile)
    both_ways<F, F>([&](int i, int j) { return load(strip + i * row + j * L); },
                    [&](int i, int j, V v) { store(to + (i * F::kOut + j) * product, v); });
}

template <class Tiles>
static void input(int64_t tiles, const float* strip, int64_t row, float* to, int64_t tile, int64_t product,
                  int64_t channel, int) {
  from_strip<typename Tiles::In, Tiles::kTile>(tiles, strip, row, to + channel, tile, product);
}

template <class Tiles>
static void output(int64_t tiles, const float* from, int64_t tile, int64_t product, const float* bias,
                   const Activation& activation, float* strip, int64_t row) {
  using F = typename Tiles::Out;
  const V add = load(bias);
  with_activation<float, V>(activation, [&](auto finish) TALUS_INLINE_LAMBDA {
    for (int64_t t = 0; t < tiles; ++t, strip += Tiles::kTile * L, from += tile)
      both_ways<F, F>([&](int i, int j) { return load(from + (i * F::kIn + j) * product); },
                      [&](int i, int j, V v) { store(strip + i * row + j * L, finish(v + add)); });
  });
}

template <class Tiles, bool Turned>
static void weights(int count, const float* taps, float* to, int64_t row, int64_t product, int64_t channel) {
  using F = typename Tiles::Kernel;
  to += channel * row;
  for (int t = 0; t < count; ++t, taps += 9 * L, to += row)
    both_ways<F, F>([&](int i, int j) { return load(taps + (Turned ? 8 - i * 3 - j : i * 3 + j) * L); },
                    [&](int i, int j, V v) { store(to + (i * F::kOut + j) * product, v); });
}

static void sort_taps(int64_t count, int outputs, const float* from, int64_t stride, float* to) {
  constexpr int taps = 9, whole = taps / L * L;
  for (int64_t i = 0; i < count; ++i, from += stride, to += taps * L) {
    V block[L];
    TALUS_UNROLL
    for (int t = 0; t < whole; t += L) {
      TALUS_UNROLL
      for (int q = 0; q < L; ++q) block[q] = q < outputs ? load(from + q * taps + t) : V{};
      transpose<float>(block);
      TALUS_UNROLL
      for (int j = 0; j < L; ++j) store(to + (t + j) * L, block[j]);
    }
    if constexpr (L > taps) {
      TALUS_UNROLL
      for (int q = 0; q < L; ++q) block[q] = q < outputs ? load_partial(from + q * taps, taps) : V{};
      transpose<float>(block);
      TALUS_UNROLL
      for (int j = 0; j < taps; ++j) store(to + j * L, block[j]);
    } else {  // one tap is left
      float last[L];
      TALUS_UNROLL
      for (int q = 0; q < L; ++q) last[q] = q < outputs ? from[q * taps + whole] : 0.0f;
      store(to + whole * L, load(last));
    }
  }
}

static void weight_gradient(int64_t parts, const float* from, int64_t part, int64_t product, int inputs, float* to) {
  constexpr int count = 9, whole = count / L * L;
  V taps[count], block[L];
  both_ways<WeightGradient, WeightGradient>(
      [&](int i, int j) {
        const float* element = from + (i * kWinogradPatch + j) * product;
        V sum = load(element);
        for (int64_t p = 1; p < parts; ++p) sum += load(element + p * part);
        return sum;
      },
      [&](int i, int j, V v) { taps[i * 3 + j] = v; });
  TALUS_UNROLL
  for (int t = 0; t < whole; t += L) {
    TALUS_UNROLL
    for (int j = 0; j < L; ++j) block[j] = taps[t + j];
    transpose<float>(block);
    TALUS_UNROLL
    for (int q = 0; q < L; ++q)
      if (q < inputs) store(to + q * count + t, block[q]);
  }
  if constexpr (L > count) {
    TALUS_UNROLL
    for (int j = 0; j < L; ++j) block[j] = j < count ? taps[j] : V{};
    transpose<float>(block);
    TALUS_UNROLL
    for (int q = 0; q < L; ++q)
      if (q < inputs) store_partial(to + q * count, block[q], count);
  } else {  // one tap is left
    float last[L];
    store(last, taps[whole]);
    for (int q = 0; q < inputs; ++q) to[q * count + whole] = last[q];
  }
}

static void scatter(int64_t pixels, int channels, const float* strip, float* to, int64_t plane) {
  for (int64_t i = 0; i < pixels; i += L, strip += L * L, to += L) {
    const int count = pixels - i < L ? static_cast<int>(pixels - i) : L;
    V block[L];
    TALUS_UNROLL
    for (int q = 0; q < L; ++q) block[q] = q < count ? load(strip + q * L) : V{};
    transpose<float>(block);
    if (count == L && channels == L) {
      TALUS_UNROLL
      for (int c = 0; c < L; ++c) store(to + c * plane, block[c]);
    } else {
      TALUS_UNROLL
      for (int c = 0; c < L; ++c)
        if (c < channels) store_partial(to + c * plane, block[c], count);
    }
  }
}

// Calls f(p, q, place) for pixels p + q in squares of L, of which the last one is moved back until it is full; `place`
// is the pixel's element in rows of a strip.
template <class Load, class Pixel, class Store>
static inline void each_square(int64_t rows, int64_t columns, int64_t row, Load&& load_square, Pixel&& pixel,
                               Store&& store_square) {
  const int64_t pixels = rows * columns, gap = row - columns * L;
  for (int64_t p = 0; p < pixels; p += L) {
    const int64_t at = p + L <= pixels ? p : pixels - L, y = at / columns;
    int64_t left = columns - (at - y * columns), place = y * row + (columns - left) * L;
    V block[L];
    load_square(at, block);
    TALUS_UNROLL
    for (int q = 0; q < L; ++q) {
      pixel(block[q], place);
      place += L;
      if (--left == 0) {
        left = columns;
        place += gap;
      }
    }
    store_square(at, block);
  }
}

static void gather_rows(int64_t rows, int64_t columns, int channels, const float* from, int64_t plane, float* to,
                        int64_t row) {
  each_square(
      rows, columns, row,
      [&](int64_t at, V* block) TALUS_INLINE_LAMBDA {
        TALUS_UNROLL
        for (int c = 0; c < L; ++c) block[c] = c < channels ? load(from + c * plane + at) : V{};
        transpose<float>(block);
      },
      [&](const V& v, int64_t place) TALUS_INLINE_LAMBDA { store(to + place, v); },
      [](int64_t, V*) TALUS_INLINE_LAMBDA {});
}

static void scatter_rows(int64_t rows, int64_t columns, int channels, const float* from, int64_t row, float* to,
                         int64_t plane) {
  each_square(
      rows, columns, row, [](int64_t, V*) TALUS_INLINE_LAMBDA {},
      [&](V& v, int64_t place) TALUS_INLINE_LAMBDA { v = load(from + place); },
      [&](int64_t at, V* block) TALUS_INLINE_LAMBDA {
        transpose<float>(block);
        TALUS_UNROLL
        for (int c = 0; c < L; ++c)
          if (c < channels) store(to + c * plane + at, block[c]);
      });
}

// One phase each, and a product of every matrix of factors.
struct Plain {
  uint8_t phases[kWinogradProducts] = {}, factor[kWinogradProducts] = {};
  constexpr Plain() {
    for (uint8_t i = 0; i < kWinogradProducts; ++i) {
      phases[i] = 1;
      factor[i] = i;
    }
  }
};
static constexpr Plain kPlain;

template <class Tiles, bool Turned>
static constexpr WinogradForm form() {
  constexpr int step = Tiles::kTile, patch = Tiles::In::kOut, products = patch * patch;
  return {step,         step,          patch,         products,     products,
          products,     kPlain.phases, kPlain.factor, input<Tiles>, weights<Tiles, Turned>,
          output<Tiles>};
}

extern const WinogradKernels winograd_table;
constexpr WinogradKernels winograd_table = {
    L,
    form<LargeTiles, false>(),
    form<LargeTiles, true>(),
    form<SmallTiles, false>(),
    form<SmallTiles, true>(),
    sort_taps,
    from_strip<Gradient, kWinogradTile>,
    weight_gradient,
    gather_rows,
    scatter_rows,
    scatter,
};

}  // namespace talus::TALUS_ISA_NS
