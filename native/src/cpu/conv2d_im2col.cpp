// The gradients of convolutions as products of matrices. For the weight's, the patches of one image, or of a few small
// ones, for as many channels as fit the L2 cache, form a matrix [channels * KH * KW, images * OH * OW]; the gradient is
// the output's times its transpose. The input's is a convolution with turned weights, or adds patches up
// (conv2d_implicit_gradient.cpp). What is summed in which order depends on the shape only.
#include "cpu/conv2d_im2col.h"

#include "cpu/conv2d_direct.h"
#include "cpu/isa/conv2d_table.h"
#include "cpu/parts.h"
#include "dtype.h"
#include "kernels.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Small images are joined until a matrix has about this many columns; the product then wastes few lanes and packs each
// weight once for all of them.
constexpr int64_t kColumns = 512;
// From so many on, the input's gradient repays turning the weights.
constexpr int64_t kPixelsToTurn = 192;
// At most this many taps at a time, the depth of gemm's own blocks, and this many bytes of patches; but a product of
// fewer than kFewTaps would not reuse what it packs.
constexpr int64_t kTaps = 448, kFewTaps = 128;
constexpr int64_t kEvenPieces = 2;
constexpr int64_t kPatchBytes = 1 << 20;

template <class T>
class WeightGradient {
 public:
  explicit WeightGradient(const DirectShape& s)
      : s_(s),
        kernels_(conv2d_table().of<T>()),
        layout_(s_),
        offsets_(layout_.offsets()),
        area_(s_.oh * s_.ow),
        kernel_(s_.kh * s_.kw),
        images_(even_part(s_.n, kColumns / area_)),
        channels_(whole_lines(even_part(s_.group_c(), ceil_div(taps_at_once(), kernel_)))) {}

  // Each piece of the weights is the work of one thread, image after image.
  void run(const T* grad, const T* x, T* grad_w) const {
    const int64_t channels = channels_of_a_piece(), pieces = ceil_div(s_.group_c(), channels), all = s_.groups * pieces;
    parallel_unless_few(all, s_.work() * s_.n / all, [&](int64_t i) {
      const int64_t g = i / pieces, c = i % pieces * channels;
      const int64_t count = std::min(channels, s_.group_c() - c);
      const Space space(*this, block(0));
      for (int64_t n = 0; n < s_.n; n += images_) {
        const Block b = block(n);
        const T* patches = gather(x, b, g * s_.group_c() + c, count, space);
        multiply(false, true, s_.group_o(), count * kernel_, b.columns, join(grad, b, g, space), b.columns, patches,
                 b.columns, n > 0, weights(grad_w, g, c), s_.taps());
      }
    });
  }

 private:
  struct Block {
    int64_t n, images, columns;
  };

  // One thread's scratch memory.
  struct Space {
    const Scratch<T> padded, patches, joined;

    Space(const WeightGradient& m, const Block& b)
        : padded(m.layout_.copied() ? m.channels_ * m.layout_.plane() : 0),
          patches(m.in_place(b) ? 0 : m.channels_ * m.kernel_ * b.columns),
          joined(b.images > 1 ? m.s_.group_o() * b.columns : 0) {
      if (m.layout_.copied()) std::fill_n(padded.get(), m.channels_ * m.layout_.plane(), T{0});
    }
  };

  int64_t taps_at_once() const {
    return std::max(kFewTaps, std::min(kTaps, kPatchBytes / (int64_t{sizeof(T)} * images_ * area_)));
  }

  // Rows of weights start at lines of the cache: of many rows at once each is read whole, before it gives way to
  // others.
  int64_t whole_lines(int64_t channels) const {
    constexpr int64_t kLine = 64 / sizeof(T);
    return std::min(s_.group_c(), channels < kLine ? channels : ceil_div(channels, kLine) * kLine);
  }

  // Pieces of the weights, whose number depends on the shape only: an even one of nearly equal pieces, so that two
  // threads finish together, unless they would be too small.
  int64_t channels_of_a_piece() const {
    // A single product is shared as well within.
    if (s_.groups >= kEvenPieces || channels_ == s_.group_c()) return channels_;
    for (int64_t n = ceil_div(s_.group_c(), channels_); n <= s_.group_c(); ++n) {
      const int64_t channels = whole_lines(ceil_div(s_.group_c(), n)), pieces = ceil_div(s_.group_c(), channels);
      if (channels * kernel_ < kFewTaps) break;
      const int64_t last = s_.group_c() - (pieces - 1) * channels;
      if (pieces % kEvenPieces == 0 && last * 4 >= channels * 3) return channels;
    }
    return channels_;
  }

  Block block(int64_t n) const {
    const int64_t images = std::min(images_, s_.n - n);
    return {n, images, images * area_};
  }

  // The planes of one image are the patches of a 1x1 kernel.
  bool in_place(const Block& b) const { return b.images == 1 && kernel_ == 1 && !layout_.copied(); }

  template <class W>
  W* weights(W* w, int64_t g, int64_t c) const {
    return w + g * s_.group_o() * s_.taps() + c * kernel_;
  }

  // Few items run one after the other, each split by gemm.
  template <class F>
  static void parallel_unless_few(int64_t n, int64_t work, F&& f) {
    const auto range = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) f(i);
    };
    if (n < num_threads()) return range(0, n);
    parallel_for(n, kConvParallelWork / (work + 1) + 1, range);
  }

  static void multiply(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b,
                       int64_t ldb, bool add, T* c, int64_t ldc) {
    gemm(sizeof(T) == sizeof(float) ? TALUS_FLOAT32 : TALUS_FLOAT64,
         {1, trans_a, trans_b, m, n, k, 1, a, lda, 0, b, ldb, 0, add ? 1.0 : 0.0, c, ldc, 0, nullptr,
          TALUS_EPILOGUE_NONE});
  }

  // Ranges of channels, which threads share where blocks of images are too few for them.
  template <class F>
  void each_plane(int64_t count, F&& f) const {
    parallel_for(count, kConvParallelWork / 16 / (kernel_ * area_ + layout_.plane()) + 1, f);
  }

  // The patches of channels [c, c + count) of x.
  const T* gather(const T* x, const Block& b, int64_t c, int64_t count, const Space& space) const {
    const T* planes = x + (b.n * s_.c + c) * s_.h * s_.w;
    if (in_place(b)) return planes;
    for (int64_t i = 0; i < b.images; ++i, planes += s_.c * s_.h * s_.w)
      each_plane(count, [&](int64_t first, int64_t last) {
        const int64_t size = s_.h * s_.w;
        if (layout_.copied())
          layout_.copy(kernels_, planes + first * size, last - first, space.padded.get() + first * layout_.plane());
        const T* from = layout_.copied() ? space.padded.get() : planes;
        for (int64_t t = first * kernel_; t < last * kernel_; ++t)
          kernels_.copy_rows(s_.oh, s_.ow, from + offsets_[t], layout_.row(),
                             space.patches.get() + t * b.columns + i * area_, s_.ow);
      });
    return space.patches.get();
  }

  // The output's gradient of one group as a matrix [O/groups, columns].
  const T* join(const T* grad, const Block& b, int64_t g, const Space& space) const {
    const T* from = grad + (b.n * s_.o + g * s_.group_o()) * area_;
    if (b.images == 1) return from;
    for (int64_t i = 0; i < b.images; ++i)
      kernels_.copy_rows(s_.group_o(), area_, from + i * s_.o * area_, area_, space.joined.get() + i * area_,
                         b.columns);
    return space.joined.get();
  }

  const DirectShape s_;
  const ConvKernels<T>& kernels_;
  const ImageLayout layout_;
  const std::vector<int64_t> offsets_;
  const int64_t area_, kernel_, images_, channels_;
};

// [O, C/groups, KH, KW] -> [C, O/groups, KH, KW], turned by 180 degrees.
template <class T>
void turn_weights(const Conv2dParams& p, const T* w, T* to) {
  constexpr int64_t kBlock = 16;
  const int64_t gc = p.group_c(), go = p.group_o(), area = p.kh * p.kw, blocks = ceil_div(gc, kBlock);
  parallel_for(p.groups * blocks, kConvParallelWork / 8 / (kBlock * go * area) + 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t g = i / blocks, first = i % blocks * kBlock;
      for (int64_t o = 0; o < go; ++o)
        for (int64_t c = first; c < std::min(first + kBlock, gc); ++c) {
          const T* from = w + ((g * go + o) * gc + c) * area;
          std::reverse_copy(from, from + area, to + ((g * gc + c) * go + o) * area);
        }
    }
  });
}

}  // namespace

template <class T>
void im2col_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x) {
  // At stride 1 it is a convolution, too; adding patches up costs more than turning the weights if those of groups are
  // few, or there are enough pixels to use them.
  const bool strided = p.stride_h != 1 || p.stride_w != 1;
  if (strided || p.kh * p.kw == 1 || (p.groups == 1 && p.n * p.h * p.w < kPixelsToTurn))
    return implicit_input_gradient(DirectShape::forward(p), grad, w, grad_x);
  const Scratch<T> turned(p.o * p.group_c() * p.kh * p.kw);
  turn_weights(p, w, turned.get());
  implicit_convolution(DirectShape::backward_input(p), grad, turned.get(), static_cast<const T*>(nullptr), false,
                       grad_x);
}

template <class T>
void im2col_weight_gradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w) {
  WeightGradient<T>(DirectShape::forward(p)).run(grad, x, grad_w);
}

#define INSTANTIATE(T)                                                              \
  template void im2col_input_gradient(const Conv2dParams&, const T*, const T*, T*); \
  template void im2col_weight_gradient(const Conv2dParams&, const T*, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace talus::cpu
