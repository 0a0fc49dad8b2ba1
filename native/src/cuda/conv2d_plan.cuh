// Which tile computes a convolution's product, and on which cores.
#pragma once

#include "cuda/conv2d.h"
#include "cuda/conv2d_tensor.cuh"
#include "cuda/gemm_plan.cuh"
#include "precision.h"

namespace talus::cuda {

// On tensor cores. The largest tile of matrices would leave no shared memory for where taps lie.
struct TensorConvTiles {
  using Large = TensorTile<128, 64, 64>;
  using Medium = TensorTile<64, 64, 32>;
  using Small = TensorTile<32, 32, 32>;
};

// Rows, columns and terms that a product must have to be rounded: with fewer, most of what tensor cores multiply would
// be zeros, and memory the limit anyway.
constexpr int64_t kLeastTensorSize = 16;

// The products of one launch: `entries` of groups and phases, the largest of which has these sizes.
struct ConvSize {
  int64_t rows, columns, terms, entries;
};

// What such products may lose.
inline int conv_precision(const ConvSize& s) {
  return std::min({s.rows, s.columns, s.terms}) >= kLeastTensorSize ? conv_fp32_precision() : TALUS_PRECISION_HIGHEST;
}

template <class T>
bool on_tensor_cores(const ConvSize& s) {
  return sizeof(T) == 4 && tensor_cores_allowed(conv_precision(s));
}

// f(tiles) with those that compute such products of T.
template <class T, class F>
void with_conv_tiles([[maybe_unused]] const ConvSize& s, F&& f) {
  if constexpr (sizeof(T) == 4)
    if (on_tensor_cores<T>(s)) return f(TensorConvTiles{});
  f(GemmTiles<T>{});
}

template <class Tiles>
GemmPlan plan_conv(const ConvSize& s, int most_pieces) {
  return plan_tiles<Tiles>(static_cast<int>(s.rows), static_cast<int>(s.columns), static_cast<int>(s.terms), s.entries,
                           most_pieces);
}

template <class T>
ConvWay product_way(const ConvSize& s, int most_pieces) {
  ConvWay way = {ConvKernel::Product, on_tensor_cores<T>(s), 0};
  with_conv_tiles<T>(s, [&](auto tiles) { way.tile = plan_conv<decltype(tiles)>(s, most_pieces).tile; });
  return way;
}

}  // namespace talus::cuda
