// Winograd's transforms F(4, 3) of columns.
#include "cpu/isa/winograd1d_table.h"

#include "cpu/isa/gemm_partial.h"
#include "cpu/isa/winograd_transforms.h"

namespace talus::TALUS_ISA_NS {

constexpr int L = kLanes<float>;

static inline V load_some(const float* from, int64_t n) {
  return n >= L ? load(from) : load_partial(from, static_cast<int>(n));
}

static inline void store_some(float* to, V v, int64_t n) {
  if (n >= L) {
    store(to, v);
  } else {
    store_partial(to, v, static_cast<int>(n));
  }
}

alignas(64) constexpr float kZeros[L] = {};

static void input(const ColumnRows& c) {
  float* to = c.to;
  for (int64_t tile = 0, first = c.first; tile < c.tiles; ++tile, first += kColumnTile, to += c.row) {
    for (int64_t column = 0; column < c.columns; column += L) {
      V d[Input::kIn], y[Input::kOut];
      TALUS_UNROLL
      for (int i = 0; i < Input::kIn; ++i) {
        const int64_t row = first + i;
        const float* from = row >= 0 && row < c.height ? c.from + row * c.columns + column : kZeros;
        d[i] = load_some(from, c.columns - column);
      }
      Input::apply(d, y);
      TALUS_UNROLL
      for (int i = 0; i < Input::kOut; ++i) store(to + i * c.product + column, y[i]);
    }
  }
}

static void output(const ColumnOutput& c) {
  const int64_t channel = int64_t{c.pieces} * L, product = c.rows * channel;
  for (int i = 0; i < c.rows; ++i) {
    const V bias = broadcast(c.bias == nullptr ? 0.0f : c.bias[i]);
    for (int v = 0; v < c.pieces; ++v) {
      const float* from = c.m + i * channel + v * L;
      V m[Output::kIn], y[Output::kOut];
      TALUS_UNROLL
      for (int j = 0; j < Output::kIn; ++j) m[j] = load(from + j * product);
      Output::apply(m, y);
      float* to = c.out[v] + i * c.out_channel;
      if (c.bias != nullptr) {
        TALUS_UNROLL
        for (int r = 0; r < Output::kOut; ++r) y[r] += bias;
      }
      if (c.activation.clamps) {
        const V least = broadcast(c.activation.least), most = broadcast(c.activation.most);
        TALUS_UNROLL
        for (int r = 0; r < Output::kOut; ++r) y[r] = clamped(y[r], least, most);
      }
      TALUS_UNROLL
      for (int r = 0; r < Output::kOut; ++r) {
        if (r >= c.height[v]) break;
        store_some(to + r * c.out_row, y[r], c.count[v]);
      }
    }
  }
}

static void weights(int64_t count, int64_t run, const float* w, bool turned, float* to, int64_t product) {
  for (int64_t k = 0; k < count; ++k, w += 3 * run, to += run)
    for (int64_t i = 0; i < run; i += L) {
      V d[Weights::kIn], y[Weights::kOut];
      TALUS_UNROLL
      for (int r = 0; r < Weights::kIn; ++r) d[r] = load_some(w + (turned ? 2 - r : r) * run + i, run - i);
      Weights::apply(d, y);
      TALUS_UNROLL
      for (int j = 0; j < Weights::kOut; ++j) store_some(to + j * product + i, y[j], run - i);
    }
}

extern const Winograd1dKernels winograd1d_table;
constexpr Winograd1dKernels winograd1d_table = {input, output, weights};

}  // namespace talus::TALUS_ISA_NS
