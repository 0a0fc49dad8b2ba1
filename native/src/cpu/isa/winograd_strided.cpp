// Winograd's transforms for 3x3 kernels at stride 2: F(4, 2) in both dimensions, at the points +-a, +-b and infinity,
// a = 1/2, b = 5/4: a third of the rounding error of 0, +-1, 2. Phase 0 has the rows or columns 0, 2, 4, ... of a patch
// and two taps of the kernel, phase 1 the others and one tap, whose polynomial vanishes at infinity.
#include "cpu/isa/winograd_table.h"
#include "cpu/isa/winograd_transforms.h"

namespace talus::TALUS_ISA_NS {

constexpr int L = kLanes<float>;
constexpr int kPoints = 5, kSquare = kPoints * kPoints, kWeights = 81;
constexpr float kSmall = 0.5f, kLarge = 1.25f, kSmall2 = kSmall * kSmall, kLarge2 = kLarge * kLarge;

// One dimension of each transform, of a phase. The last point is infinity.
template <int Phase>
struct PhaseInput {  // B'
  static constexpr int kIn = kPoints - Phase, kOut = kIn;
  static inline void apply(const V* d, V* y) {
    const V even_a = d[2] - kLarge2 * d[0], odd_a = (1 / kSmall) * (d[3] - kLarge2 * d[1]);
    const V even_b = d[2] - kSmall2 * d[0], odd_b = (1 / kLarge) * (d[3] - kSmall2 * d[1]);
    y[0] = even_a + odd_a;
    y[1] = even_a - odd_a;
    y[2] = even_b + odd_b;
    y[3] = even_b - odd_b;
    if constexpr (Phase == 0) y[4] = d[4] - (kSmall2 + kLarge2) * d[2] + (kSmall2 * kLarge2) * d[0];
  }
};

template <int Phase>
struct PhaseWeights {  // G
  static constexpr int kIn = 2 - Phase, kOut = kPoints - Phase;
  static inline void apply(const V* w, V* y) {
    constexpr float scale = 0.5f / (kLarge2 - kSmall2);
    const V even = scale * w[0];
    if constexpr (Phase == 0) {
      const V odd_a = (scale * kSmall) * w[1], odd_b = (scale * kLarge) * w[1];
      y[0] = -even - odd_a;
      y[1] = odd_a - even;
      y[2] = even + odd_b;
      y[3] = even - odd_b;
      y[4] = w[1];
    } else {
      y[0] = y[1] = -even;
      y[2] = y[3] = even;
    }
  }
};

template <int Phase>
struct PhaseOutput {  // A'
  static constexpr int kIn = kPoints - Phase, kOut = 4;
  static inline void apply(const V* m, V* y) {
    const V even_a = m[0] + m[1], odd_a = kSmall * (m[0] - m[1]);
    const V even_b = m[2] + m[3], odd_b = kLarge * (m[2] - m[3]);
    y[0] = even_a + even_b;
    y[1] = odd_a + odd_b;
    y[2] = kSmall2 * even_a + kLarge2 * even_b;
    y[3] = kSmall2 * odd_a + kLarge2 * odd_b;
    if constexpr (Phase == 0) y[3] += m[4];
  }
};

// Calls f(down, along), both integral constants, for each phase of the image.
template <class F>
static inline void each_phase(F&& f) {
  using Zero = std::integral_constant<int, 0>;
  using One = std::integral_constant<int, 1>;
  f(Zero{}, Zero{});
  f(Zero{}, One{});
  f(One{}, Zero{});
  f(One{}, One{});
}

// The phases that reach point (i, j), the place of one of them among these, and how many reach the points before.
static constexpr int phases_at(int i, int j) { return (i < 4 ? 2 : 1) * (j < 4 ? 2 : 1); }
static constexpr int place_at(int down, int along, int j) { return down * (j < 4 ? 2 : 1) + along; }
static constexpr int phases_before(int i, int j) { return i < 4 ? 18 * i + 4 * j : 72 + 2 * j; }

// Taps of a phase: the kernel's rows and columns 0 and 2, or 1. Turned: 2 and 0.
template <bool Turned>
static constexpr int tap(int phase, int i) {
  return phase == 1 ? 1 : Turned ? 2 - 2 * i : 2 * i;
}

// Forward, all phases of a point are summed by one product.

static void input(int64_t tiles, const float* strip, int64_t row, float* to, int64_t tile, int64_t product,
                  int64_t channel, int count) {
  for (int64_t t = 0; t < tiles; ++t, strip += 8 * L, to += tile)
    each_phase([&](auto down, auto along) TALUS_INLINE_LAMBDA {
      both_ways<PhaseInput<down>, PhaseInput<along>>(
          [&](int i, int j) { return load(strip + (2 * i + down) * row + (2 * j + along) * L); },
          // Lanes beyond the last channel are overwritten by the next phase.
          [&](int i, int j, V v) {
            store(to + (i * kPoints + j) * product + channel * phases_at(i, j) + place_at(down, along, j) * count, v);
          });
    });
}

static void weights(int count, const float* taps, float* to, int64_t row, int64_t product, int64_t channel) {
  for (int t = 0; t < count; ++t, taps += 9 * L)
    each_phase([&](auto down, auto along) TALUS_INLINE_LAMBDA {
      both_ways<PhaseWeights<down>, PhaseWeights<along>>(
          [&](int i, int j) { return load(taps + (tap<false>(down, i) * 3 + tap<false>(along, j)) * L); },
          [&](int i, int j, V v) {
            const int64_t to_row = channel * phases_at(i, j) + place_at(down, along, j) * count + t;
            store(to + (i * kPoints + j) * product + to_row * row, v);
          });
    });
}

static void output(int64_t tiles, const float* from, int64_t tile, int64_t product, const float* bias,
                   const Activation& activation, float* strip, int64_t row) {
  const V add = load(bias);
  with_activation<float, V>(activation, [&](auto finish) TALUS_INLINE_LAMBDA {
    for (int64_t t = 0; t < tiles; ++t, strip += 4 * L, from += tile)
      both_ways<PhaseOutput<0>, PhaseOutput<0>>(
          [&](int i, int j) { return load(from + (i * kPoints + j) * product); },
          [&](int i, int j, V v) { store(strip + i * row + j * L, finish(v + add)); });
  });
}

// Backward, each phase of the input's gradient has its products, with factors that all phases share. A tile is 8x8: its
// even rows and columns are of phase 1, the odd ones of phase 0.

static void input_backward(int64_t tiles, const float* strip, int64_t row, float* to, int64_t tile, int64_t product,
                           int64_t channel, int) {
  to += channel;
  for (int64_t t = 0; t < tiles; ++t, strip += 4 * L, to += tile)
    both_ways<PhaseInput<0>, PhaseInput<0>>([&](int i, int j) { return load(strip + i * row + j * L); },
                                            [&](int i, int j, V v) { store(to + (i * kPoints + j) * product, v); });
}

static void weights_backward(int count, const float* taps, float* to, int64_t row, int64_t product, int64_t channel) {
  to += channel * row;
  for (int t = 0; t < count; ++t, taps += 9 * L, to += row)
    each_phase([&](auto down, auto along) TALUS_INLINE_LAMBDA {
      both_ways<PhaseWeights<down>, PhaseWeights<along>>(
          [&](int i, int j) { return load(taps + (tap<true>(down, i) * 3 + tap<true>(along, j)) * L); },
          [&](int i, int j, V v) { store(to + (phases_before(i, j) + place_at(down, along, j)) * product, v); });
    });
}

static void output_backward(int64_t tiles, const float* from, int64_t tile, int64_t product, const float* bias,
                            const Activation& activation, float* strip, int64_t row) {
  const V add = load(bias);
  with_activation<float, V>(activation, [&](auto finish) TALUS_INLINE_LAMBDA {
    for (int64_t t = 0; t < tiles; ++t, strip += 8 * L, from += tile)
      each_phase([&](auto down, auto along) TALUS_INLINE_LAMBDA {
        both_ways<PhaseOutput<down>, PhaseOutput<along>>(
            [&](int i, int j) { return load(from + (phases_before(i, j) + place_at(down, along, j)) * product); },
            [&](int i, int j, V v) {
              store(strip + (2 * i + 1 - down) * row + (2 * j + 1 - along) * L, finish(v + add));
            });
      });
  });
}

struct Points {
  uint8_t each[kSquare] = {}, phases[kSquare] = {}, one[kSquare] = {}, of_weights[kWeights] = {};
  constexpr Points() {
    for (int i = 0; i < kPoints; ++i)
      for (int j = 0; j < kPoints; ++j) {
        const int point = i * kPoints + j;
        each[point] = static_cast<uint8_t>(point);
        phases[point] = static_cast<uint8_t>(phases_at(i, j));
        one[point] = 1;
        for (int p = 0; p < phases_at(i, j); ++p) of_weights[phases_before(i, j) + p] = static_cast<uint8_t>(point);
      }
  }
};
static constexpr Points kAt;

extern const WinogradStrided winograd_strided_table;
constexpr WinogradStrided winograd_strided_table = {
    {4, 8, 9, kSquare, kSquare, kWeights, kAt.phases, kAt.each, input, weights, output},
    {8, 4, 5, kSquare, kWeights, kWeights, kAt.one, kAt.of_weights, input_backward, weights_backward, output_backward},
};

}  // namespace talus::TALUS_ISA_NS
