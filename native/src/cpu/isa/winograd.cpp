// Winograd's transforms F(4x4, 3x3) of squares: F(4, 3) in both dimensions.
#include "cpu/isa/winograd_table.h"

#include "cpu/isa/transpose.h"
#include "cpu/isa/winograd_transforms.h"

namespace talus::TALUS_ISA_NS {

constexpr int L = kLanes<float>;

// Down the columns of a square, then along its rows.
template <class F, class Load, class Store>
static inline void both_ways(Load&& load_element, Store&& store_element) {
  V half[F::kOut][F::kIn];
  TALUS_UNROLL
  for (int j = 0; j < F::kIn; ++j) {
    V column[F::kIn], y[F::kOut];
    TALUS_UNROLL
    for (int i = 0; i < F::kIn; ++i) column[i] = load_element(i, j);
    F::apply(column, y);
    TALUS_UNROLL
    for (int i = 0; i < F::kOut; ++i) half[i][j] = y[i];
  }
  TALUS_UNROLL
  for (int i = 0; i < F::kOut; ++i) {
    V y[F::kOut];
    F::apply(half[i], y);
    TALUS_UNROLL
    for (int j = 0; j < F::kOut; ++j) store_element(i, j, y[j]);
  }
}

template <class F>
static void from_strip(int64_t tiles, const float* strip, int64_t row, float* to, int64_t tile, int64_t product) {
  for (int64_t t = 0; t < tiles; ++t, strip += kWinogradTile * L, to += tile)
    both_ways<F>([&](int i, int j) { return load(strip + i * row + j * L); },
                 [&](int i, int j, V v) { store(to + (i * kWinogradPatch + j) * product, v); });
}

static void output(int64_t tiles, const float* from, int64_t tile, int64_t product, const float* bias, bool rectify,
                   float* strip, int64_t row) {
  const V add = load(bias), least = rectify ? V{} : broadcast<float>(-__builtin_inff());
  for (int64_t t = 0; t < tiles; ++t, strip += kWinogradTile * L, from += tile)
    both_ways<Output>([&](int i, int j) { return load(from + (i * kWinogradPatch + j) * product); },
                      [&](int i, int j, V v) {
                        v += add;
                        store(strip + i * row + j * L, v < least ? least : v);  // NaN stays NaN
                      });
}

static void weights(int64_t count, const float* taps, bool turned, float* to, int64_t tile, int64_t product) {
  const int64_t first = turned ? 8 * L : 0, step = turned ? -L : L;
  for (int64_t t = 0; t < count; ++t, taps += 9 * L, to += tile)
    both_ways<Weights>([&](int i, int j) { return load(taps + first + (i * 3 + j) * step); },
                       [&](int i, int j, V v) { store(to + (i * kWinogradPatch + j) * product, v); });
}

static void weight_gradient(int64_t parts, const float* from, int64_t part, int64_t product, float* taps) {
  both_ways<WeightGradient>(
      [&](int i, int j) {
        const float* element = from + (i * kWinogradPatch + j) * product;
        V sum = load(element);
        for (int64_t p = 1; p < parts; ++p) sum += load(element + p * part);
        return sum;
      },
      [&](int i, int j, V v) { store(taps + (i * 3 + j) * L, v); });
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

extern const WinogradKernels winograd_table;
constexpr WinogradKernels winograd_table = {
    L, from_strip<Input>, from_strip<Gradient>, output, weights, weight_gradient, gather_rows, scatter_rows, scatter,
};

}  // namespace talus::TALUS_ISA_NS
