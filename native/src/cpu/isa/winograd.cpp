// Winograd's transforms F(4x4, 3x3) at the points 0, +-a, +-b and infinity, a = sqrt(1/2), b = sqrt(2): a quarter of
// the rounding error of the customary 0, +-1, +-2. Pairs of opposite points share the even and the odd part of their
// polynomials.
#include "cpu/isa/winograd_table.h"

#include "cpu/isa/transpose.h"

namespace talus::TALUS_ISA_NS {

using V = Vec<float>;
constexpr int L = kLanes<float>;
constexpr float kA = 0.707106781186547524f, kB = 1.41421356237309505f;

// One dimension of each transform, as matrices in winograd_table.h's names.
struct Input {  // B': at each point, the product of (x - p) over the other points
  static constexpr int kIn = 6, kOut = 6;
  static inline void apply(const V* d, V* y) {
    const V even_a = d[4] - 2.0f * d[2], odd_a = kA * (d[3] - 2.0f * d[1]);
    const V even_b = d[4] - 0.5f * d[2], odd_b = kB * (d[3] - 0.5f * d[1]);
    y[0] = d[0] + (d[4] - 2.5f * d[2]);
    y[1] = even_a + odd_a;
    y[2] = even_a - odd_a;
    y[3] = even_b + odd_b;
    y[4] = even_b - odd_b;
    y[5] = d[1] + (d[5] - 2.5f * d[3]);
  }
};

struct Gradient {  // A: the polynomial of four coefficients at each point
  static constexpr int kIn = 4, kOut = 6;
  static inline void apply(const V* g, V* y) {
    const V even_a = g[0] + 0.5f * g[2], odd_a = kA * (g[1] + 0.5f * g[3]);
    const V even_b = g[0] + 2.0f * g[2], odd_b = kB * (g[1] + 2.0f * g[3]);
    y[0] = g[0];
    y[1] = even_a + odd_a;
    y[2] = even_a - odd_a;
    y[3] = even_b + odd_b;
    y[4] = even_b - odd_b;
    y[5] = g[3];
  }
};

struct Output {  // A'
  static constexpr int kIn = 6, kOut = 4;
  static inline void apply(const V* m, V* y) {
    const V even_a = m[1] + m[2], odd_a = kA * (m[1] - m[2]);
    const V even_b = m[3] + m[4], odd_b = kB * (m[3] - m[4]);
    y[0] = m[0] + even_a + even_b;
    y[1] = odd_a + odd_b;
    y[2] = 0.5f * even_a + 2.0f * even_b;
    y[3] = m[5] + 0.5f * odd_a + 2.0f * odd_b;
  }
};

struct Weights {  // G: the kernel's polynomial at each point, over the product of (p - q) over the other points q
  static constexpr int kIn = 3, kOut = 6;
  static inline void apply(const V* w, V* y) {
    const V even_a = (-2.0f / 3) * w[0] - (1.0f / 3) * w[2], odd_a = (-2.0f / 3 * kA) * w[1];
    const V even_b = (1.0f / 6) * w[0] + (1.0f / 3) * w[2], odd_b = (1.0f / 6 * kB) * w[1];
    y[0] = w[0];
    y[1] = even_a + odd_a;
    y[2] = even_a - odd_a;
    y[3] = even_b + odd_b;
    y[4] = even_b - odd_b;
    y[5] = w[2];
  }
};

struct WeightGradient {  // G'
  static constexpr int kIn = 6, kOut = 3;
  static inline void apply(const V* s, V* y) {
    const V even_a = s[1] + s[2], odd_a = s[1] - s[2], even_b = s[3] + s[4], odd_b = s[3] - s[4];
    y[0] = s[0] - (2.0f / 3) * even_a + (1.0f / 6) * even_b;
    y[1] = (1.0f / 6 * kB) * odd_b - (2.0f / 3 * kA) * odd_a;
    y[2] = s[5] + (1.0f / 3) * (even_b - even_a);
  }
};

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

extern const WinogradKernels winograd_table;
constexpr WinogradKernels winograd_table = {
    L, from_strip<Input>, from_strip<Gradient>, output, weights, weight_gradient, scatter,
};

}  // namespace talus::TALUS_ISA_NS
