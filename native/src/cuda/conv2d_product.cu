// Convolution and its input's gradient as products of matrices.
#include <algorithm>
#include <numeric>
#include <vector>

#include "cuda/conv2d_plan.cuh"
#include "cuda/conv2d_tiles.cuh"
#include "cuda/memory.h"
#include "dtype.h"

namespace talus::cuda {

namespace {

constexpr int kMostPieces = 16;
// An image of this many positions fills tiles of its own, whose loads are then whole vectors.
constexpr int64_t kPointwiseArea = 512;

// Products without a kernel's window, of whole images.
bool pointwise(const Conv2dParams& p) {
  const bool plain = p.kh == 1 && p.kw == 1 && p.stride_h == 1 && p.stride_w == 1 && p.pad_h == 0 && p.pad_w == 0;
  return plain && p.groups == 1 && (p.n == 1 || p.h * p.w >= kPointwiseArea);
}

ConvSize pointwise_size(const Conv2dParams& p, bool gradient) {
  return {gradient ? p.c : p.o, p.h * p.w, gradient ? p.o : p.c, p.n};
}

template <class T>
constexpr int kDtype = sizeof(T) == 4 ? TALUS_FLOAT32 : TALUS_FLOAT64;

// The positions h of the gradient with (h + pad) % stride == phase, of which tap i sees output (h + pad - i * dilation)
// / stride. Where that is whole, it stays so `step` taps further.
ConvAxis gradient_axis(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation,
                       int64_t phase) {
  const int64_t first = ((phase - pad) % stride + stride) % stride, step = stride / std::gcd(stride, dilation);
  int64_t tap = 0;
  while (tap < step && tap * dilation % stride != phase) ++tap;
  const bool seen = tap < step && tap < kernel;
  const auto narrow = [](int64_t v) { return static_cast<int>(v); };
  return {narrow(out),
          1,
          narrow(seen ? (first + pad - tap * dilation) / stride : 0),
          narrow(-(step * dilation / stride)),
          narrow(first < in ? (in - first + stride - 1) / stride : 0),
          narrow(seen ? (kernel - tap + step - 1) / step : 0),
          narrow(first),
          narrow(stride),
          narrow(tap),
          narrow(step)};
}

std::vector<ConvPhase> forward_phases(const Conv2dParams& p, int64_t images) {
  return {ConvPhase(forward_axis(p.h, p.out_h(), p.kh, p.stride_h, p.pad_h, p.dilation_h),
                    forward_axis(p.w, p.out_w(), p.kw, p.stride_w, p.pad_w, p.dilation_w), images, p.group_c())};
}

std::vector<ConvPhase> gradient_phases(const Conv2dParams& p, int64_t images) {
  std::vector<ConvPhase> phases;
  for (int64_t i = 0; i < p.stride_h; ++i)
    for (int64_t j = 0; j < p.stride_w; ++j) {
      const ConvPhase phase(gradient_axis(p.h, p.out_h(), p.kh, p.stride_h, p.pad_h, p.dilation_h, i),
                            gradient_axis(p.w, p.out_w(), p.kw, p.stride_w, p.pad_w, p.dilation_w, j), images,
                            p.group_o());
      if (phase.pixels > 0) phases.push_back(phase);
    }
  return phases;
}

ConvSize size_of(int64_t rows, int64_t groups, const std::vector<ConvPhase>& phases) {
  ConvSize size = {rows, 0, 0, groups * static_cast<int64_t>(phases.size())};
  for (const ConvPhase& phase : phases) {
    size.columns = std::max<int64_t>(size.columns, phase.pixels);
    size.terms = std::max<int64_t>(size.terms, phase.k);
  }
  return size;
}

// Launches what all phases together write.
template <class Tiles, bool Gradient, class T>
void multiply_by(const ConvSize& size, ConvProduct<T> p, std::vector<ConvPhase> phases, int64_t images) {
  const GemmPlan plan = plan_conv<Tiles>(size, kMostPieces);
  const int pixels = static_cast<int>(size.columns), k = static_cast<int>(size.terms);
  with_tile_of<Tiles>(plan.tile, [&](auto t) {
    using Tile = decltype(t);
    for (ConvPhase& phase : phases) phase.piece_k = piece_terms(phase.k, plan.pieces, Tile::kDepth);
    // As many as have something to add in the longest sum; the others' last ones are 0.
    const int pieces = std::max(tiles_of(k, piece_terms(k, plan.pieces, Tile::kDepth)), 1);
    p.tiles_n = tiles_of(pixels, Tile::kN);
    p.piece_size = images * p.out_image;
    const Scratch<T> sums(pieces > 1 ? pieces * p.piece_size : 0);
    p.pieces = sums.get();
    const int64_t blocks = int64_t{tiles_of(p.rows, Tile::kM)} * p.tiles_n * p.groups;
    for (size_t begin = 0; begin < phases.size(); begin += kConvPhases) {
      const size_t count = std::min<size_t>(kConvPhases, phases.size() - begin);
      std::copy_n(phases.begin() + static_cast<std::ptrdiff_t>(begin), count, p.phases);
      const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(count), static_cast<unsigned>(pieces));
      launch(conv_tiles<T, Tile, Gradient>, grid, dim3(Tile::kThreads), 0, p);
    }
    if (pieces > 1)
      add_conv_pieces<T>(p.pieces, pieces, p.piece_size, p.out_plane, p.groups * p.rows, p.bias, p.activation, p.out);
  });
}

template <bool Gradient, class T>
void multiply(const ConvProduct<T>& p, const std::vector<ConvPhase>& phases, int64_t images) {
  const ConvSize size = size_of(p.rows, p.groups, phases);
  with_conv_tiles<T>(size, [&](auto tiles) { multiply_by<decltype(tiles), Gradient>(size, p, phases, images); });
}

// Sizes that both directions share; `image` is what is gathered.
template <class T>
ConvProduct<T> product_of(const Conv2dParams& p, const T* weight) {
  ConvProduct<T> product = {};
  product.weight = weight;
  product.groups = static_cast<int>(p.groups);
  product.kernel = static_cast<int>(p.kh * p.kw);
  product.kw = static_cast<int>(p.kw);
  return product;
}

template <class T>
bool whole_vectors(const void* data, int64_t line) {
  return reinterpret_cast<uintptr_t>(data) % 16 == 0 && line % kGemmVector<T> == 0;
}

}  // namespace

template <class T>
void product_convolution(const Conv2dParams& p, const T* x, const T* w, const T* bias, const Activation& activation,
                         T* out) {
  const int64_t in_area = p.h * p.w, area = p.out_h() * p.out_w();
  if (pointwise(p)) {
    GemmParams g{p.n, false, false,      p.o, area, p.c,  1,          w,    p.c,       0,
                 x,   area,  p.c * area, 0,   out,  area, p.o * area, bias, activation};
    g.row_bias = true;
    return gemm_at(conv_precision(pointwise_size(p, false)), kDtype<T>, g);
  }
  ConvProduct<T> product = product_of(p, w);
  product.weight_vectors = whole_vectors<T>(w, p.group_c() * p.kh * p.kw);
  product.channels = static_cast<int>(p.group_c());
  product.rows = static_cast<int>(p.group_o());
  product.out_plane = static_cast<int>(area);
  product.out_image = static_cast<int>(p.o * area);
  product.out_w = static_cast<int>(p.out_w());
  product.bias = bias;
  product.activation = activation;
  for (int64_t begin = 0, step = conv_images(p); begin < p.n; begin += step) {
    const int64_t images = std::min(step, p.n - begin);
    product.images = {x + begin * p.c * in_area, static_cast<int>(p.c * in_area), static_cast<int>(in_area)};
    product.out = out + begin * p.o * area;
    product.out_vectors = whole_vectors<T>(product.out, area);
    multiply<false>(product, forward_phases(p, images), images);
  }
}

template <class T>
void product_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x) {
  const int64_t in_area = p.h * p.w, area = p.out_h() * p.out_w();
  if (pointwise(p))
    return gemm_at(conv_precision(pointwise_size(p, true)), kDtype<T>,
                   GemmParams{p.n, true, false, p.c, area, p.o, 1, w, p.c, 0, grad, area, p.o * area, 0, grad_x, area,
                              p.c * area, nullptr, kNoActivation});
  ConvProduct<T> product = product_of(p, w);
  product.channels = static_cast<int>(p.group_o());
  product.rows = static_cast<int>(p.group_c());
  product.out_plane = static_cast<int>(in_area);
  product.out_image = static_cast<int>(p.c * in_area);
  product.out_w = static_cast<int>(p.w);
  for (int64_t begin = 0, step = conv_images(p); begin < p.n; begin += step) {
    const int64_t images = std::min(step, p.n - begin);
    product.images = {grad + begin * p.o * area, static_cast<int>(p.o * area), static_cast<int>(area)};
    product.out = grad_x + begin * p.c * in_area;
    product.out_vectors = p.stride_h == 1 && p.stride_w == 1 && whole_vectors<T>(product.out, in_area);
    multiply<true>(product, gradient_phases(p, images), images);
  }
}

template <class T>
ConvWay way_of_product(const Conv2dParams& p, bool gradient) {
  if (pointwise(p)) return {ConvKernel::Gemm, on_tensor_cores<T>(pointwise_size(p, gradient)), 0};
  const int64_t images = std::min(conv_images(p), p.n);
  const ConvSize size = gradient ? size_of(p.group_c(), p.groups, gradient_phases(p, images))
                                 : size_of(p.group_o(), p.groups, forward_phases(p, images));
  return product_way<T>(size, kMostPieces);
}

#define TALUS_INSTANTIATE(T)                                                                                   \
  template void product_convolution(const Conv2dParams&, const T*, const T*, const T*, const Activation&, T*); \
  template void product_input_gradient(const Conv2dParams&, const T*, const T*, T*);                           \
  template ConvWay way_of_product<T>(const Conv2dParams&, bool);
TALUS_INSTANTIATE(float)
TALUS_INSTANTIATE(double)

}  // namespace talus::cuda
