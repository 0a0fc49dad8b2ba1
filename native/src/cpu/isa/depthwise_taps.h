// What depthwise kernels read of an image's rows, and the sums of a few rows of one register's columns.
#pragma once

#include "cpu/isa/depthwise_table.h"
#include "cpu/isa/window.h"

namespace talus::TALUS_ISA_NS {

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr bool kManyRegisters = true;
#else
constexpr bool kManyRegisters = false;
#endif

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// Every second element of two registers. With AVX2 one shuffle takes them out of each half of the registers and leaves
// them in an order that in_turn() exchanges for the right one; sums of such registers are put in order once.
#if defined(__AVX2__) && !defined(__AVX512F__)
template <int Odd, class V, int... I>
static inline V take_second(V a, V b, std::integer_sequence<int, I...>) {
  constexpr int L = sizeof...(I), kHalf = L / 2, kPart = L / 4;
  return __builtin_shufflevector(a, b, (I % kHalf / kPart * L + I / kHalf * kHalf + I % kHalf % kPart * 2 + Odd)...);
}
template <class V, int... I>
static inline V in_turn(V v, std::integer_sequence<int, I...>) {
  constexpr int kPart = sizeof...(I) / 4;
  return __builtin_shufflevector(v, v, ((I / kPart % 2 * 2 + I / kPart / 2) * kPart + I % kPart)...);
}
#else
template <int Odd, class V, int... I>
static inline V take_second(V a, V b, std::integer_sequence<int, I...> numbers) {
  return every_second<Odd>(a, b, numbers);
}
template <class V, int... I>
static inline V in_turn(V v, std::integer_sequence<int, I...>) {
  return v;
}
#endif

// What the K kernel columns see of an input row: at stride 2 every second element, sorted out of two registers.
template <class T, int L, int K, int S, Reach Known>
struct Taps {
  using Numbers = std::make_integer_sequence<int, L>;
  static constexpr int kLoads = S == 1 ? K : K + 1;
  Window<T, L> window[kLoads];
  int64_t start;

  Taps() = default;

  // Output columns [column, column + n) of a row of w elements.
  Taps(int64_t column, int64_t n, int64_t pad, int64_t w) : start(column * S - pad) {
    for (int i = 0; i < kLoads; ++i) {
      // At stride 2 loads 2i and 2i + 1 are the two halves of what taps 2i and 2i + 1 need.
      const int64_t at = start + (S == 1 ? i : i / 2 * 2 + i % 2 * L);
      const int64_t used = S == 1 ? n : n * S - i % 2 * L;
      window[i] = Window<T, L>(-at, smaller(used, w - at));
    }
  }

  // Where nothing need be masked.
  Taps(int64_t column, int64_t pad) : start(column * S - pad) { static_assert(Known == Reach::Inside, "masks"); }

  // Whether output columns [column, column + L) see the inside of a row only.
  static bool inside(int64_t column, int64_t pad, int64_t w) {
    return column * S - pad >= 0 && column * S - pad + (S == 1 ? K - 1 + L : (K - 1) / 2 * 2 + 2 * L) <= w;
  }

  void load(const T* row, Lanes<T, L>* taps) const {
    const T* from = row + start;
    if constexpr (S == 1) {
      TALUS_UNROLL
      for (int j = 0; j < K; ++j) taps[j] = window[j].template load<Known>(from + j);
    } else {
      TALUS_UNROLL
      for (int j = 0; j < K; j += 2) {
        const auto low = window[j].template load<Known>(from + j);
        const auto high = window[j + 1].template load<Known>(from + j + L);
        taps[j] = take_second<0>(low, high, Numbers{});
        if (j + 1 < K) taps[j + 1] = take_second<1>(low, high, Numbers{});
      }
    }
  }

  // From the order of columns to that of the taps, or back.
  static Lanes<T, L> reorder(Lanes<T, L> v) {
    if constexpr (S == 1) return v;
    return in_turn(v, Numbers{});
  }
};

template <class T>
static inline const T* row_or_zeros(const T* x, int64_t row, int64_t h, int64_t w, const T* zeros) {
  return row >= 0 && row < h ? x + row * w : zeros;
}

template <int K>
constexpr int kForwardRows = !kManyRegisters || K > 3 ? 2 : 4;

// Rows from y on, but none from `end` on, of the columns that the taps belong to; put(to, sum) stores a register.
template <class T, int L, int K, int S, Reach Known, class Put>
static inline void forward_rows(const DepthwisePlane<T>& p, const T (&weight)[K * K],
                                const Taps<T, L, K, S, Known>& taps, int64_t y, int64_t end, int64_t column,
                                Put&& put) {
  using V = Lanes<T, L>;
  constexpr int R = kForwardRows<K>;
  V acc[R] = {};
  TALUS_UNROLL
  for (int t = 0; t < (R - 1) * S + K; ++t) {
    V x[K];
    taps.load(row_or_zeros(p.x, y * S - p.pad_h + t, p.h, p.w, p.zeros), x);
    TALUS_UNROLL
    for (int r = 0; r < R; ++r) {
      const int i = t - r * S;
      if (i < 0 || i >= K) continue;
      TALUS_UNROLL
      for (int j = 0; j < K; ++j) acc[r] += weight[i * K + j] * x[j];
    }
  }
  TALUS_UNROLL
  for (int r = 0; r < R; ++r) acc[r] = Taps<T, L, K, S, Known>::reorder(acc[r]) + p.bias;
  T* const out = p.out + y * p.out_w + column;
  if (p.add) {
    const Window<T, L> target(0, p.out_w - column);
    TALUS_UNROLL
    for (int r = 0; r < R; ++r)
      if (y + r < end) acc[r] += target.template load<Reach::Guarded>(out + r * p.out_w);
  }
  if (p.activation.clamps) {
    const V least = V{} + static_cast<T>(p.activation.least), most = V{} + static_cast<T>(p.activation.most);
    TALUS_UNROLL
    for (int r = 0; r < R; ++r) acc[r] = clamped(acc[r], least, most);
  }
  TALUS_UNROLL
  for (int r = 0; r < R; ++r) {
    if (y + r >= end) break;
    put(out + r * p.out_w, acc[r]);
  }
}

// R rows of the output's gradient from row y on, for the kernel rows [first, first + Rows).
template <class T, int L, int K, int S, Reach Known, int Rows, int R>
static inline void add_rows(const DepthwiseDots<T>& d, const T* x, const T* g, int64_t y, int first,
                            const Taps<T, L, K, S, Known>& taps, const Window<T, L>& window,
                            Lanes<T, L> (&acc)[Rows][K]) {
  using V = Lanes<T, L>;
  V grad[R];
  TALUS_UNROLL
  for (int r = 0; r < R; ++r)
    grad[r] = Taps<T, L, K, S, Known>::reorder(window.template load<Known>(g + (y + r) * d.out_w));
  TALUS_UNROLL
  for (int t = 0; t < (R - 1) * S + Rows; ++t) {
    V value[K];
    taps.load(row_or_zeros(x, y * S - d.pad_h + first + t, d.h, d.w, d.zeros), value);
    TALUS_UNROLL
    for (int r = 0; r < R; ++r) {
      const int i = t - r * S;
      if (i < 0 || i >= Rows) continue;
      TALUS_UNROLL
      for (int j = 0; j < K; ++j) acc[i][j] += grad[r] * value[j];
    }
  }
}

}  // namespace talus::TALUS_ISA_NS
