// Depthwise kernels that walk row after row, of whole registers, through a plane that is surrounded: hardware
// prefetchers foresee what they read, and what they write may pass the caches.
#pragma once

#include "cpu/isa/depthwise_taps.h"
#include "cpu/isa/stream.h"

namespace talus::TALUS_ISA_NS {

// Registers of the longer row, of the image or the output, that is walked along rather than down its columns; forward,
// and in the caches, more.
constexpr int64_t kLongRow = 4, kLongNearRow = 8;

// Whether a plane is walked row by row, those in the caches if rows have at least `near` registers.
template <class T>
static inline bool goes_in_rows(const DepthwisePlane<T>& p, int64_t near) {
  const int64_t longer = p.w > p.out_w ? p.w : p.out_w;
  return !kManyRegisters && p.surrounded && !p.add && longer >= (p.far ? kLongRow : near) * kLanes<T>;
}

// Whether its results pass the caches.
template <class T>
static inline bool streams(const DepthwisePlane<T>& p) {
  return kStreams && p.far && p.out_w % kLanes<T> == 0 && reinterpret_cast<uintptr_t>(p.out) % sizeof(Vec<T>) == 0;
}

// Row after row, of whole registers, of a plane that is surrounded: hardware prefetchers foresee what it reads, and
// what it writes may pass the caches.
template <class T, int K, int S, bool Stream>
static void forward_in_rows(const DepthwisePlane<T>& p) {
  constexpr int L = kLanes<T>;
  constexpr auto kEdge = Reach::Surrounded, kInside = Reach::Inside;
  using Inner = Taps<T, L, K, S, kInside>;
  const auto put = [](T* to, Vec<T> sum) TALUS_INLINE_LAMBDA { Stream ? stream(to, sum) : store(to, sum); };
  int64_t first = 0;
  while (first < p.out_w && !Inner::inside(first, p.pad_w, p.w)) first += L;
  int64_t last = first;
  while (last + L <= p.out_w && Inner::inside(last, p.pad_w, p.w)) last += L;
  T weight[K * K];
  for (int t = 0; t < K * K; ++t) weight[t] = p.weights[t];
  for (int64_t y = 0; y < p.out_h; y += kForwardRows<K>) {
    const auto edges = [&](int64_t from, int64_t to) {
      for (int64_t column = from; column < to; column += L) {
        const int64_t whole = smaller(column, p.out_w - L);
        const Taps<T, L, K, S, kEdge> taps(whole, L, p.pad_w, p.w);
        forward_rows<T, L, K, S, kEdge>(p, weight, taps, y, p.out_h, whole, put);
      }
    };
    edges(0, first);
    for (int64_t column = first; column < last; column += L)
      forward_rows<T, L, K, S, kInside>(p, weight, Inner(column, p.pad_w), y, p.out_h, column, put);
    edges(last, p.out_w);
  }
  if (Stream) end_streams();
}

// The same row after row, of whole registers, of a plane that is surrounded. Registers of the output begin at even
// columns: `Odd` where kernel elements of odd columns meet those.
template <class T, int K, int Odd, Reach Known, class Put>
static inline void spread_registers(const DepthwisePlane<T>& p, const T (&weight)[K * K], int64_t v, int64_t column,
                                    Put&& put) {
  constexpr int L = kLanes<T>, M = (K + 1) / 2;
  using Numbers = std::make_integer_sequence<int, L>;
  const int64_t u = column / 2 + p.pad_w / 2 + Odd;
  Window<T, L> window[M];
  if constexpr (Known != Reach::Inside)
    for (int m = 0; m < M; ++m) window[m] = Window<T, L>(m - u, p.w - u + m);
  Vec<T> acc[2][2] = {};
  TALUS_UNROLL
  for (int a = 0; a < M; ++a) {
    const T* row = row_or_zeros(p.x, v - a, p.h, p.w, p.zeros) + u;
    Vec<T> g[M];
    TALUS_UNROLL
    for (int m = 0; m < M; ++m) g[m] = window[m].template load<Known>(row - m);
    TALUS_UNROLL
    for (int t = 0; t < 2; ++t) {
      const int i = 2 * a + t;
      if (i >= K) continue;
      TALUS_UNROLL
      for (int j = 0; j < K; ++j) acc[t][j % 2] += weight[i * K + j] * g[j / 2 + j % 2 * Odd];
    }
  }
  TALUS_UNROLL
  for (int t = 0; t < 2; ++t) {
    const int64_t y = 2 * v + t - p.pad_h;
    if (y < 0 || y >= p.out_h) continue;
    T* out = p.out + y * p.out_w + column;
    put(out, merge<0>(acc[t][Odd], acc[t][1 - Odd], Numbers{}));
    put(out + L, merge<1>(acc[t][Odd], acc[t][1 - Odd], Numbers{}));
  }
}

template <class T, int K, int Odd, bool Stream>
static void spread_in_rows(const DepthwisePlane<T>& p) {
  constexpr int L = kLanes<T>, M = (K + 1) / 2;
  const auto put = [](T* to, Vec<T> sum) TALUS_INLINE_LAMBDA { Stream ? stream(to, sum) : store(to, sum); };
  const auto inside = [&](int64_t column) {
    const int64_t u = column / 2 + p.pad_w / 2 + Odd;
    return u - (M - 1) >= 0 && u + L <= p.w;
  };
  int64_t first = 0;
  while (first < p.out_w && !inside(first)) first += 2 * L;
  int64_t last = first;
  while (last + 2 * L <= p.out_w && inside(last)) last += 2 * L;
  T weight[K * K];
  for (int t = 0; t < K * K; ++t) weight[t] = p.weights[t];
  for (int64_t v = p.pad_h / 2; v < (p.out_h + p.pad_h + 1) / 2; ++v) {
    const auto edges = [&](int64_t from, int64_t to) {
      for (int64_t column = from; column < to; column += 2 * L)
        spread_registers<T, K, Odd, Reach::Surrounded>(p, weight, v, smaller(column, p.out_w - 2 * L), put);
    };
    edges(0, first);
    for (int64_t column = first; column < last; column += 2 * L)
      spread_registers<T, K, Odd, Reach::Inside>(p, weight, v, column, put);
    edges(last, p.out_w);
  }
  if (Stream) end_streams();
}

// Row after row, of a plane that is surrounded.
template <class T, int K, int S>
static void dots_in_rows(const DepthwiseDots<T>& d) {
  constexpr int L = kLanes<T>, R = 2, kMostEdges = 12;  // 9 have 8 columns of padding
  constexpr auto kEdge = Reach::Surrounded, kInside = Reach::Inside;
  using Inner = Taps<T, L, K, S, kInside>;
  using Outer = Taps<T, L, K, S, kEdge>;
  int64_t first = 0;
  while (first < d.out_w && !Inner::inside(first, d.pad_w, d.w)) first += L;
  int64_t last = first;
  while (last + L <= d.out_w && Inner::inside(last, d.pad_w, d.w)) last += L;
  const Window<T, L> whole(0, L);
  Outer edge[kMostEdges];
  Window<T, L> window[kMostEdges];
  int64_t at[kMostEdges];
  int edges = 0;
  for (int64_t column = 0; column < d.out_w; column += L) {
    if (column >= first && column < last) continue;
    const int64_t n = smaller(L, d.out_w - column);
    edge[edges] = Outer(column, n, d.pad_w, d.w);
    window[edges] = Window<T, L>(0, n);
    at[edges++] = column;
  }
  Vec<T> acc[K][K] = {};
  for (int64_t image = 0; image < d.images; ++image) {
    const T *x = d.x + image * d.x_image, *g = d.g + image * d.g_image;
    const auto rows = [&](auto count, int64_t y) TALUS_INLINE_LAMBDA {
      constexpr int N = decltype(count)::value;
      for (int64_t column = first; column < last; column += L)
        add_rows<T, L, K, S, kInside, K, N>(d, x, g + column, y, 0, Inner(column, d.pad_w), whole, acc);
      for (int i = 0; i < edges; ++i) add_rows<T, L, K, S, kEdge, K, N>(d, x, g + at[i], y, 0, edge[i], window[i], acc);
    };
    int64_t y = 0;
    for (; y + R <= d.out_h; y += R) rows(std::integral_constant<int, R>{}, y);
    for (; y < d.out_h; ++y) rows(std::integral_constant<int, 1>{}, y);
  }
  for (int i = 0; i < K; ++i)
    for (int j = 0; j < K; ++j) d.sums[i * K + j] += sum_of_lanes<T, L>(acc[i][j]);
}

}  // namespace talus::TALUS_ISA_NS
