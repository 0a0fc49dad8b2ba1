// The gradients of convolutions as products of matrices. For the weight's, the patches of one image, or of a few small
// ones, for some channels, form a matrix [channels * KH * KW, images * OH * OW]; the gradient is the output's times its
// transpose. Only the patches are packed: rows of the output's gradient are read where they are. The input's is a
// convolution with turned weights, or adds patches up (conv2d_implicit_gradient.cpp). What is summed in which order
// depends on the shape only.
#include "cpu/conv2d_im2col.h"

#include "caches.h"
#include "cpu/conv2d_direct.h"
#include "cpu/gemm.h"
#include "cpu/isa/conv2d_table.h"
#include "cpu/parts.h"
#include "dtype.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Small images are joined until a matrix has about this many columns; the product then wastes few lanes and packs each
// weight once for all of them.
constexpr int64_t kColumns = 512;
// From so many on, the input's gradient repays turning the weights.
constexpr int64_t kPixelsToTurn = 192;
// Pixels that are summed at a time. Their packed patches take up to half of the L2 cache, and patches that are laid out
// first about this many bytes; but products of fewer than kFewTaps would not reuse what they read.
constexpr int64_t kDepth = 448;
constexpr int64_t kFewTaps = 32;
constexpr int64_t kEvenPieces = 2;
constexpr int64_t kPatchBytes = 1 << 20;
constexpr int64_t kPiecesPerThread = 2;
// Rows so many bytes apart share few sets of the L1 cache.
constexpr int64_t kSharedSets = 2048;

template <class T>
class WeightGradient {
 public:
  explicit WeightGradient(const DirectShape& s)
      : s_(s),
        kernels_(conv2d_table().of<T>()),
        gemm_(gemm_table().of<T>()),
        layout_(s_),
        offsets_(layout_.offsets()),
        area_(s_.oh * s_.ow),
        kernel_(s_.kh * s_.kw),
        images_(even_part(s_.n, kColumns / area_)),
        depth_(even_part(images_ * area_, kDepth)),
        channels_(whole_lines(even_part(s_.group_c(), ceil_div(taps_at_once(), kernel_)))),
        shape_(tile_shape(gemm_, channels_ * kernel_)),
        width_(shape_.width) {}

  // Pieces of the weights, each summed by one thread, image after image. Where they are too few, threads also share the
  // output channels of each.
  void run(const T* grad, const T* x, T* grad_w) const {
    const int64_t channels = channels_of_a_piece(), pieces = ceil_div(s_.group_c(), channels);
    const int64_t wanted = std::min(kPiecesPerThread * num_threads(), s_.work() * s_.n / kConvParallelWork + 1);
    const int64_t parts =
        num_threads() == 1 ? 1 : std::min(ceil_div(s_.group_o(), shape_.rows), ceil_div(wanted, s_.groups * pieces));
    const int64_t all = s_.groups * pieces * parts;
    parallel_for(all, kConvParallelWork / (s_.work() * s_.n / all + 1) + 1, [&](int64_t begin, int64_t end) {
      const Space space(*this, block(0), channels * kernel_);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t g = i / (pieces * parts), c = i / parts % pieces * channels, part = i % parts;
        const int64_t count = std::min(channels, s_.group_c() - c);
        const int64_t o = part * s_.group_o() / parts, last = (part + 1) * s_.group_o() / parts;
        for (int64_t n = 0; n < s_.n; n += images_) {
          const Block b = block(n);
          const T* patches = gather(x, b, g * s_.group_c() + c, count, space);
          multiply(join(grad, b, g * s_.group_o() + o, last - o, space), last - o, patches, count * kernel_, b.columns,
                   n > 0, grad_w + (g * s_.group_o() + o) * s_.taps() + c * kernel_, space);
        }
      }
    });
  }

 private:
  struct Block {
    int64_t n, images, columns;
  };

  // One thread's scratch memory.
  struct Space {
    const Scratch<T> padded, patches, joined, packed, rows;

    Space(const WeightGradient& m, const Block& b, int64_t taps)
        : padded(m.layout_.copied() ? m.layout_.plane() : 0),
          patches(m.in_place(b) ? 0 : taps * b.columns),
          joined(b.images > 1 ? m.s_.group_o() * b.columns : 0),
          packed(ceil_div(taps, m.width_) * m.width_ * m.depth_),
          rows(m.shape_.rows * m.row_pitch()) {
      if (m.layout_.copied()) std::fill_n(padded.get(), m.layout_.plane(), T{0});
    }
  };

  int64_t taps_at_once() const {
    const int64_t packed = caches().l2 / 2 / (depth_ * int64_t{sizeof(T)});
    const int64_t laid_out = kPatchBytes / (int64_t{sizeof(T)} * images_ * area_);
    return std::max(kFewTaps, in_place(block(0)) ? packed : std::min(packed, laid_out));
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
    if (s_.groups >= kEvenPieces) return channels_;
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

  // Rows an odd number of lines apart.
  int64_t row_pitch() const {
    constexpr int64_t kLine = 64 / sizeof(T);
    return (ceil_div(depth_, kLine) | 1) * kLine;
  }

  // to [height, taps] = or += grad [height, columns] times patches [taps, columns], transposed.
  void multiply(const T* grad, int64_t height, const T* patches, int64_t taps, int64_t columns, bool add, T* to,
                const Space& space) const {
    const int64_t panels = ceil_div(height, shape_.rows);
    GemmTile<T> t;
    t.b_stride = width_;
    t.ldc = s_.taps();
    t.alpha = T{1};
    t.bias = nullptr;
    t.activation = kNoActivation;
    for (int64_t first = 0; first < columns; first += depth_) {
      t.k = std::min(depth_, columns - first);
      t.beta = add || first > 0 ? T{1} : T{0};
      for (int64_t j = 0; j < taps; j += width_)
        gemm_.pack_rows(t.k, static_cast<int>(std::min(width_, taps - j)), patches + j * columns + first, columns,
                        static_cast<int>(width_), space.packed.get() + j * depth_);
      for (int64_t panel = 0; panel < panels; ++panel) {
        const int64_t row = panel * height / panels, rows = (panel + 1) * height / panels - row;
        t.a = grad + row * columns + first;
        t.a_stride = columns;
        if (columns * int64_t{sizeof(T)} % kSharedSets == 0) {
          kernels_.copy_rows(rows, t.k, t.a, columns, space.rows.get(), row_pitch());
          t.a = space.rows.get();
          t.a_stride = row_pitch();
        }
        for (int64_t j = 0; j < taps; j += width_) {
          t.n = static_cast<int>(std::min(width_, taps - j));
          t.b = space.packed.get() + j * depth_;
          t.c = to + row * s_.taps() + j;
          gemm_.tile_of(true, t.n, rows)(t);
        }
      }
    }
  }

  // The patches of channels [c, c + count) of x.
  const T* gather(const T* x, const Block& b, int64_t c, int64_t count, const Space& space) const {
    const T* planes = x + (b.n * s_.c + c) * s_.h * s_.w;
    if (in_place(b)) return planes;
    const int64_t size = s_.h * s_.w;
    for (int64_t i = 0; i < b.images; ++i, planes += s_.c * size)
      for (int64_t channel = 0; channel < count; ++channel) {
        const T* from = planes + channel * size;
        if (layout_.copied()) {
          layout_.copy(kernels_, from, 1, space.padded.get());
          from = space.padded.get();
        }
        for (int64_t t = 0; t < kernel_; ++t)
          kernels_.copy_rows(s_.oh, s_.ow, from + offsets_[static_cast<size_t>(t)], layout_.row(),
                             space.patches.get() + (channel * kernel_ + t) * b.columns + i * area_, s_.ow);
      }
    return space.patches.get();
  }

  // The gradient of some output channels as a matrix [channels, columns].
  const T* join(const T* grad, const Block& b, int64_t o, int64_t channels, const Space& space) const {
    const T* from = grad + (b.n * s_.o + o) * area_;
    if (b.images == 1) return from;
    for (int64_t i = 0; i < b.images; ++i)
      kernels_.copy_rows(channels, area_, from + i * s_.o * area_, area_, space.joined.get() + i * area_, b.columns);
    return space.joined.get();
  }

  const DirectShape s_;
  const ConvKernels<T>& kernels_;
  const GemmKernels<T>& gemm_;
  const ImageLayout layout_;
  const std::vector<int64_t> offsets_;
  const int64_t area_, kernel_, images_, depth_, channels_;
  const TileShape shape_;
  const int64_t width_;
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
  implicit_convolution(DirectShape::backward_input(p), grad, turned.get(), static_cast<const T*>(nullptr),
                       kNoActivation, grad_x);
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
