// The weight's gradient as a product of matrices. Its sums run over all positions of all images, so they are cut into
// more pieces than others.
#include <algorithm>

#include "cuda/conv2d_plan.cuh"
#include "cuda/conv2d_tiles.cuh"
#include "cuda/memory.h"

namespace talus::cuda {

namespace {

constexpr int kMostPieces = 128;

ConvPhase weight_phase(const Conv2dParams& p, int64_t images) {
  const ConvAxis h = forward_axis(p.h, p.out_h(), p.kh, p.stride_h, p.pad_h, p.dilation_h);
  const ConvAxis w = forward_axis(p.w, p.out_w(), p.kw, p.stride_w, p.pad_w, p.dilation_w);
  return ConvPhase(h, w, images, p.group_c());
}

ConvSize size_of(const Conv2dParams& p, const ConvPhase& phase) {
  return {p.group_o(), phase.k, phase.pixels, p.groups};
}

}  // namespace

template <class T>
void product_weight_gradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w) {
  const int64_t in_area = p.h * p.w, area = p.out_h() * p.out_w(), size = p.o * p.group_c() * p.kh * p.kw;
  const int64_t step = conv_images(p), launches = (p.n + step - 1) / step;
  ConvWeightProduct<T> product = {};
  product.phase = weight_phase(p, std::min(step, p.n));
  product.groups = static_cast<int>(p.groups);
  product.channels = static_cast<int>(p.group_c());
  product.rows = static_cast<int>(p.group_o());
  const int pixels = product.phase.pixels, k = product.phase.k;
  const auto multiply = [&](const GemmPlan& plan, auto t) {
    using Tile = decltype(t);
    product.piece_pixels = piece_terms(pixels, plan.pieces, Tile::kDepth);
    const int64_t each = tiles_of(pixels, product.piece_pixels), all = launches * each;
    const Scratch<T> sums(all > 1 ? all * size : 0);
    const int64_t blocks = int64_t{tiles_of(product.rows, Tile::kM)} * tiles_of(k, Tile::kN) * p.groups;
    for (int64_t i = 0; i < launches; ++i) {
      const int64_t images = std::min(step, p.n - i * step);
      product.phase = weight_phase(p, images);
      product.images = {x + i * step * p.c * in_area, static_cast<int>(p.c * in_area), static_cast<int>(in_area)};
      product.grad = grad + i * step * p.o * area;
      product.out = all > 1 ? sums.get() + i * each * size : grad_w;
      launch(conv_weight_tiles<T, Tile>, dim3(static_cast<unsigned>(blocks), 1, static_cast<unsigned>(each)),
             dim3(Tile::kThreads), 0, product);
    }
    if (all > 1) add_conv_pieces<T>(sums.get(), static_cast<int>(all), size, 1, p.o, nullptr, kNoActivation, grad_w);
  };
  const ConvSize shape = size_of(p, product.phase);
  with_conv_tiles<T>(shape, [&](auto tiles) {
    using Tiles = decltype(tiles);
    const GemmPlan plan = plan_conv<Tiles>(shape, kMostPieces);
    with_tile_of<Tiles>(plan.tile, [&](auto t) { multiply(plan, t); });
  });
}

template <class T>
ConvWay way_of_weight_gradient(const Conv2dParams& p) {
  return product_way<T>(size_of(p, weight_phase(p, std::min(conv_images(p), p.n))), kMostPieces);
}

template void product_weight_gradient(const Conv2dParams&, const float*, const float*, float*);
template void product_weight_gradient(const Conv2dParams&, const double*, const double*, double*);
template ConvWay way_of_weight_gradient<float>(const Conv2dParams&);
template ConvWay way_of_weight_gradient<double>(const Conv2dParams&);

}  // namespace talus::cuda
