// Winograd's transforms. F(4, 3) at the points 0, +-a, +-b and infinity, a = sqrt(1/2), b = sqrt(2): a quarter of the
// rounding error of the customary 0, +-1, +-2. Pairs of opposite points share the even and the odd part of their
// polynomials.
#pragma once

#include "cpu/isa/gemm_partial.h"

namespace talus::TALUS_ISA_NS {

using V = Vec<float>;
constexpr float kA = 0.707106781186547524f, kB = 1.41421356237309505f;

// Down the columns of a square, then along its rows.
template <class Down, class Along, class Load, class Store>
static inline void both_ways(Load&& load_element, Store&& store_element) {
  V half[Down::kOut][Along::kIn];
  TALUS_UNROLL
  for (int j = 0; j < Along::kIn; ++j) {
    V column[Down::kIn], y[Down::kOut];
    TALUS_UNROLL
    for (int i = 0; i < Down::kIn; ++i) column[i] = load_element(i, j);
    Down::apply(column, y);
    TALUS_UNROLL
    for (int i = 0; i < Down::kOut; ++i) half[i][j] = y[i];
  }
  TALUS_UNROLL
  for (int i = 0; i < Down::kOut; ++i) {
    V y[Along::kOut];
    Along::apply(half[i], y);
    TALUS_UNROLL
    for (int j = 0; j < Along::kOut; ++j) store_element(i, j, y[j]);
  }
}

// One dimension of each transform. The matrices have their usual names.
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

// F(2, 3), at the points 0, +-1 and infinity.
struct SmallInput {
  static constexpr int kIn = 4, kOut = 4;
  static inline void apply(const V* d, V* y) {
    y[0] = d[0] - d[2];
    y[1] = d[1] + d[2];
    y[2] = d[2] - d[1];
    y[3] = d[3] - d[1];
  }
};

struct SmallOutput {
  static constexpr int kIn = 4, kOut = 2;
  static inline void apply(const V* m, V* y) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = m[3] + (m[1] - m[2]);
  }
};

struct SmallWeights {
  static constexpr int kIn = 3, kOut = 4;
  static inline void apply(const V* w, V* y) {
    const V even = 0.5f * (w[0] + w[2]), odd = 0.5f * w[1];
    y[0] = w[0];
    y[1] = even + odd;
    y[2] = even - odd;
    y[3] = w[2];
  }
};

}  // namespace talus::TALUS_ISA_NS
