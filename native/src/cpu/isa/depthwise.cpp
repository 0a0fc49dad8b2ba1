// Depthwise convolution: planes vectorised over columns, a few output rows at a time, so that a row that was loaded is
// used by every kernel row.
#include "cpu/isa/depthwise_rows.h"

namespace talus::TALUS_ISA_NS {

// Rows finished before the next columns are begun, so that memory is read nearly in order.
constexpr int64_t kBandRows = 16;

template <class T, int L, int K, int S, Reach Known>
static void forward_columns(const DepthwisePlane<T>& p, int64_t begin, int64_t end, int64_t column, int64_t n) {
  const Taps<T, L, K, S, Known> taps(column, n, p.pad_w, p.w);
  const Window<T, L> target(0, n);
  T weight[K * K];
  for (int t = 0; t < K * K; ++t) weight[t] = p.weights[t];
  for (int64_t y = begin; y < end; y += kForwardRows<K>)
    forward_rows<T, L, K, S, Known>(p, weight, taps, y, end, column, [&](T* to, Lanes<T, L> sum) TALUS_INLINE_LAMBDA {
      if constexpr (Known == Reach::Inside)
        std::memcpy(to, &sum, sizeof sum);
      else
        target.store(to, sum);
    });
}

// Pieces of a row, one register each; a half register where that holds the rest. Where `overlap` allows it the last
// piece is moved back until it is full.
template <class T, class F>
static inline void each_piece(int64_t columns, bool overlap, F&& f) {
  constexpr int L = kLanes<T>;
#if defined(__AVX512F__)
  constexpr int kHalf = L / 2;
#else
  constexpr int kHalf = L;
#endif
  for (int64_t column = 0, lanes; column < columns; column += lanes) {
    const int64_t rest = columns - column;
    lanes = rest <= kHalf || (overlap && columns < L) ? kHalf : L;
    const int64_t back = overlap && rest < lanes && columns >= lanes ? lanes - rest : 0;
    const int64_t n = smaller(lanes, rest + back);
    if (lanes == L) {
      f(std::integral_constant<int, L>{}, column - back, n);
    } else {
      f(std::integral_constant<int, kHalf>{}, column - back, n);
    }
  }
}

// Calls f with what is known of the memory around a piece.
template <class F>
static inline void with_reach(bool inside, bool surrounded, F&& f) {
  if (inside) {
    f(std::integral_constant<Reach, Reach::Inside>{});
  } else if (surrounded) {
    f(std::integral_constant<Reach, Reach::Surrounded>{});
  } else {
    f(std::integral_constant<Reach, Reach::Guarded>{});
  }
}

// Columns are passed one after the other, which hardware prefetchers do not foresee.
template <class T>
static inline void fetch(const T* from, int64_t count) {
  constexpr int64_t line = 64 / sizeof(T);
  for (int64_t i = 0; i < count; i += line) __builtin_prefetch(from + i, 0, 2);
}

template <class T, int K, int S>
static void forward(const DepthwisePlane<T>& p) {
  if (goes_in_rows(p, kLongNearRow) && p.out_w >= kLanes<T>)
    return streams(p) ? forward_in_rows<T, K, S, true>(p) : forward_in_rows<T, K, S, false>(p);
  for (int64_t y = 0; y < p.out_h; y += kBandRows) {
    if (p.ahead) {
      fetch(p.x + (y + kBandRows) * S * p.w, kBandRows * S * p.w);
      fetch(p.out + y * p.out_w, kBandRows * p.out_w);
    }
    each_piece<T>(p.out_w, !p.add, [&](auto lanes, int64_t column, int64_t n) {
      constexpr int L = decltype(lanes)::value;
      const bool inside = n == L && Taps<T, L, K, S, Reach::Inside>::inside(column, p.pad_w, p.w);
      with_reach(inside, p.surrounded, [&](auto known) {
        forward_columns<T, L, K, S, decltype(known)::value>(p, y, smaller(y + kBandRows, p.out_h), column, n);
      });
    });
  }
}

// Columns [2u, 2u + 2n) of the padded output, rows [2v, 2v + 2) for v in [begin, end): kernel elements of one parity
// meet outputs of that parity.
template <class T, int L, int K, Reach Known>
static void spread_columns(const DepthwisePlane<T>& p, int64_t begin, int64_t end, int64_t u, int64_t n) {
  using V = Lanes<T, L>;
  using Numbers = std::make_integer_sequence<int, L>;
  constexpr int M = (K + 1) / 2;
  Window<T, L> window[M], target[2];
  for (int m = 0; m < M; ++m) window[m] = Window<T, L>(m - u, smaller(n, p.w - u + m));
  const int64_t column = 2 * u - p.pad_w;
  for (int half = 0; half < 2; ++half)
    target[half] = Window<T, L>(-column - half * L, smaller(2 * n - half * L, p.out_w - column - half * L));
  T weight[K * K];
  for (int t = 0; t < K * K; ++t) weight[t] = p.weights[t];
  for (int64_t v = begin; v < end; ++v) {
    V acc[2][2] = {};
    TALUS_UNROLL
    for (int a = 0; a < M; ++a) {
      const T* row = row_or_zeros(p.x, v - a, p.h, p.w, p.zeros) + u;
      TALUS_UNROLL
      for (int b = 0; b < M; ++b) {
        const V g = window[b].template load<Known>(row - b);
        TALUS_UNROLL
        for (int t = 0; t < 4; ++t) {
          const int i = 2 * a + t / 2, j = 2 * b + t % 2;
          if (i < K && j < K) acc[t / 2][t % 2] += weight[i * K + j] * g;
        }
      }
    }
    TALUS_UNROLL
    for (int parity = 0; parity < 2; ++parity) {
      const int64_t y = 2 * v + parity - p.pad_h;
      if (y < 0 || y >= p.out_h) continue;
      T* out = p.out + y * p.out_w + column;
      V low = merge<0>(acc[parity][0], acc[parity][1], Numbers{});
      V high = merge<1>(acc[parity][0], acc[parity][1], Numbers{});
      if (p.add) {
        low += target[0].template load<Reach::Guarded>(out);
        high += target[1].template load<Reach::Guarded>(out + L);
      }
      target[0].store(out, low);
      target[1].store(out + L, high);
    }
  }
}

template <class T, int K>
static void spread(const DepthwisePlane<T>& p) {
  if (goes_in_rows(p, kLongRow) && p.out_w >= 2 * kLanes<T> && p.out_w % 2 == 0) {
    if (p.pad_w % 2 == 1) return streams(p) ? spread_in_rows<T, K, 1, true>(p) : spread_in_rows<T, K, 1, false>(p);
    return streams(p) ? spread_in_rows<T, K, 0, true>(p) : spread_in_rows<T, K, 0, false>(p);
  }
  const int64_t first_row = p.pad_h / 2, last_row = (p.out_h + p.pad_h + 1) / 2;
  const int64_t first = p.pad_w / 2, last = (p.out_w + p.pad_w + 1) / 2;
  for (int64_t v = first_row; v < last_row; v += kBandRows / 2) {
    if (p.ahead) {
      fetch(p.x + (v + kBandRows / 2) * p.w, kBandRows / 2 * p.w);
      fetch(p.out + 2 * v * p.out_w, kBandRows * p.out_w);
    }
    each_piece<T>(last - first, !p.add, [&](auto lanes, int64_t column, int64_t n) {
      constexpr int L = decltype(lanes)::value;
      const int64_t u = first + column;
      with_reach(n == L && u >= (K + 1) / 2 - 1 && u + L <= p.w, p.surrounded, [&](auto known) {
        spread_columns<T, L, K, decltype(known)::value>(p, v, smaller(v + kBandRows / 2, last_row), u, n);
      });
    });
  }
}

template <class T, int L, int K, int S, Reach Known, int Rows>
static void dot_columns(const DepthwiseDots<T>& d, int first, int64_t column, int64_t n) {
  using V = Lanes<T, L>;
  constexpr int R = K > 3 ? 1 : 2;
  const Taps<T, L, K, S, Known> taps(column, n, d.pad_w, d.w);
  const Window<T, L> window(0, n);
  V acc[Rows][K] = {};
  for (int64_t image = 0; image < d.images; ++image) {
    const T *x = d.x + image * d.x_image, *g = d.g + image * d.g_image + column;
    int64_t y = 0;
    for (; y + R <= d.out_h; y += R) add_rows<T, L, K, S, Known, Rows, R>(d, x, g, y, first, taps, window, acc);
    for (; y < d.out_h; ++y) add_rows<T, L, K, S, Known, Rows, 1>(d, x, g, y, first, taps, window, acc);
  }
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < K; ++j) d.sums[(first + i) * K + j] += sum_of_lanes<T, L>(acc[i][j]);
}

template <class T, int K, int S>
static void dots(const DepthwiseDots<T>& d) {
  if constexpr (!kManyRegisters && K == 3) {
    if (d.surrounded && d.w >= kLongRow * kLanes<T>) return dots_in_rows<T, K, S>(d);
  }
  // As many kernel rows at a time as their sums fit the registers.
  constexpr int Rows = kManyRegisters || K == 3 ? K : 1;
  each_piece<T>(d.out_w, false, [&](auto lanes, int64_t column, int64_t n) {
    constexpr int L = decltype(lanes)::value;
    const bool inside = n == L && Taps<T, L, K, S, Reach::Inside>::inside(column, d.pad_w, d.w);
    with_reach(inside, d.surrounded, [&](auto known) {
      for (int first = 0; first < K; first += Rows)
        dot_columns<T, L, K, S, decltype(known)::value, Rows>(d, first, column, n);
    });
  });
}

template <class T>
static constexpr DepthwiseKernels<T> kernels() {
  return {{{forward<T, 3, 1>, forward<T, 3, 2>}, {forward<T, 5, 1>, forward<T, 5, 2>}},
          {spread<T, 3>, spread<T, 5>},
          {{dots<T, 3, 1>, dots<T, 3, 2>}, {dots<T, 5, 1>, dots<T, 5, 2>}}};
}

extern const DepthwiseTable depthwise_table;
constexpr DepthwiseTable depthwise_table = {kernels<float>(), kernels<double>()};

}  // namespace talus::TALUS_ISA_NS
