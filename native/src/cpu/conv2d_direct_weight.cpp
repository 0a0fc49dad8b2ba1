// The weight's gradient without patches: dot products of the output's gradient with shifted rows of the image.
#include "cpu/conv2d_direct.h"
#include "cpu/isa/conv2d_table.h"
#include "cpu/parts.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// The weight gradient sums over the images in at most this many pieces, combined in order; larger weights are instead
// cut by output channel only, so that the partial sums stay small.
constexpr int64_t kPieces = 8;
constexpr int64_t kLargeWeight = 64 << 10;
// Registers of each row of output that a piece sums before it adds up their lanes, which takes a tenth of that time.
constexpr int64_t kPieceSteps = 64;
// Images that are passed over together stay close, and their sums of lanes are added up once.
constexpr int64_t kImageBytes = 48 << 10;
// Of a large image, all tiles pass over a band of rows, of which one tile's gradients take about this much of L1.
constexpr int64_t kBandBytes = 12 << 10;

// A power of two, so that pieces times parts of the channels make as many ranges for threads.
int64_t pieces(const DirectShape& s, int64_t lanes) {
  const int64_t steps = s.n * s.oh * ceil_div(s.ow, lanes);
  if (s.o * s.taps() > kLargeWeight) return 1;
  int64_t count = kPieces;
  while (count > 1 && (count * kPieceSteps > steps || count > s.n)) count /= 2;
  return count;
}

template <class T>
class WeightGradient {
 public:
  WeightGradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w)
      : s_(DirectShape::forward(p)),
        kernels_(conv2d_table().of<T>()),
        layout_(s_),
        offsets_(layout_.offsets()),
        size_(s_.o * s_.taps()),
        pieces_(pieces(s_, kernels_.lanes)),
        band_(band(s_, kernels_)),
        block_(std::max<int64_t>(1, kImageBytes / (int64_t{sizeof(T)} * layout_.image()))),
        whole_(s_.ow < kernels_.lanes ? s_.n - 1 - kernels_.lanes / std::min(s_.o * s_.oh * s_.ow, layout_.image())
                                      : 0),
        tiles_((s_.group_o() + kernels_.dot_rows - 1) / kernels_.dot_rows),
        tap_tiles_((s_.taps() + kernels_.dot_taps - 1) / kernels_.dot_taps),
        grad_(grad),
        x_(x),
        grad_w_(grad_w) {}

  void run() const {
    const int64_t all_tiles = s_.groups * tiles_, parts = std::min(all_tiles, kPieces / pieces_);
    const Scratch<T> partial(pieces_ > 1 ? pieces_ * size_ : 0);
    T* sums = pieces_ > 1 ? partial.get() : grad_w_;
    const int64_t work = s_.work() * s_.n / (pieces_ * parts) + 1;
    if (pieces_ == 1 && s_.groups == 1 && layout_.copied()) return run_together(num_threads() > 1 ? parts : 1);
    parallel_for(pieces_ * parts, kConvParallelWork / work + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t piece = i / parts, part = i % parts;
        add_images(piece * s_.n / pieces_, (piece + 1) * s_.n / pieces_, part * all_tiles / parts,
                   (part + 1) * all_tiles / parts, sums + piece * size_);
      }
    });
    if (pieces_ == 1) return;
    std::copy_n(partial.get(), size_, grad_w_);
    for (int64_t piece = 1; piece < pieces_; ++piece) {
      const T* from = partial.get() + piece * size_;
      for (int64_t i = 0; i < size_; ++i) grad_w_[i] += from[i];
    }
  }

 private:
  static int64_t band(const DirectShape& s, const ConvKernels<T>& kernels) {
    const int64_t rows = kBandBytes / (kernels.dot_rows * s.ow * int64_t{sizeof(T)});
    return std::clamp(rows, std::min(s.oh, ceil_div(kPieceSteps, ceil_div(s.ow, kernels.lanes))), s.oh);
  }

  int64_t channel(int64_t tile) const { return tile / tiles_ * s_.group_o() + tile % tiles_ * s_.group_o() / tiles_; }

  // All parts of the channels read one copy of some images.
  void run_together(int64_t parts) const {
    std::fill_n(grad_w_, size_, T{0});
    const int64_t scratch_size = std::min(block_, s_.n) * layout_.image(), plane = s_.h * s_.w;
    const Scratch<T> scratch(scratch_size + kernels_.lanes);
    std::fill_n(scratch.get(), scratch_size + kernels_.lanes, T{0});
    for (int64_t n = 0, count; n < s_.n; n += count) {
      count = at_once(n, s_.n);
      parallel_for(count * s_.c, kConvParallelWork / 8 / plane + 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          layout_.copy(kernels_, x_ + (n * s_.c + i) * plane, 1, scratch.get() + i * layout_.plane());
      });
      parallel_for(parts, kConvParallelWork / (s_.work() * count / parts + 1) + 1, [&](int64_t begin, int64_t end) {
        add_bands(n, count, scratch.get(), begin * tiles_ / parts, end * tiles_ / parts, grad_w_);
      });
    }
  }

  // Images from n on that are passed over together.
  int64_t at_once(int64_t n, int64_t end) const {
    return std::min(block_, (n < whole_ ? std::min(whole_, end) : end) - n);
  }

  // The tiles of output channels [first_tile, last_tile) over the images [begin, end).
  void add_images(int64_t begin, int64_t end, int64_t first_tile, int64_t last_tile, T* sums) const {
    const int64_t image = s_.c * s_.h * s_.w;
    std::fill(sums + channel(first_tile) * s_.taps(), sums + channel(last_tile) * s_.taps(), T{0});
    const int64_t scratch_size = layout_.copied() ? std::min(block_, end - begin) * layout_.image() : 0;
    const Scratch<T> scratch(scratch_size + kernels_.lanes);
    std::fill_n(scratch.get(), scratch_size + kernels_.lanes, T{0});
    for (int64_t n = begin, count; n < end; n += count) {
      count = at_once(n, end);
      const T* x = x_ + n * image;
      if (layout_.copied()) {
        // Other groups are other threads' work.
        const int64_t first = first_tile / tiles_ * s_.group_c(), last = ceil_div(last_tile, tiles_) * s_.group_c();
        for (int64_t i = 0; i < count; ++i)
          layout_.copy(kernels_, x + i * image + first * s_.h * s_.w, last - first,
                       scratch.get() + i * layout_.image() + first * layout_.plane());
        x = scratch.get();
      }
      add_bands(n, count, x, first_tile, last_tile, sums);
    }
  }

  // Of `count` images from n on, which x holds as the layout has them.
  void add_bands(int64_t n, int64_t count, const T* x, int64_t first_tile, int64_t last_tile, T* sums) const {
    // Several images are small.
    const int64_t rows = count > 1 ? s_.oh : band_;
    for (int64_t row = 0; row < s_.oh; row += rows)
      for (int64_t tile = first_tile; tile < last_tile; ++tile)
        add_tile(n, count, x, tile, row, std::min(rows, s_.oh - row), n < whole_, sums);
  }

  // Rows [row, row + height) of `count` images from n on.
  void add_tile(int64_t n, int64_t count, const T* x, int64_t tile, int64_t row, int64_t height, bool whole,
                T* sums) const {
    const int64_t o = channel(tile), rows = channel(tile + 1) - o, area = s_.oh * s_.ow, taps = s_.taps();
    ConvDots<T> d;
    d.images = count;
    d.rows = height;
    d.columns = s_.ow;
    d.g = grad_ + (n * s_.o + o) * area + row * s_.ow;
    d.g_image = s_.o * area;
    d.g_row = s_.ow;
    d.g_channel = area;
    d.x = x + tile / tiles_ * s_.group_c() * layout_.plane() + row * layout_.row();
    d.x_image = layout_.image();
    d.x_row = layout_.row();
    d.sums_stride = taps;
    for (int64_t i = 0; i < tap_tiles_; ++i) {
      const int64_t tap = i * taps / tap_tiles_, next = (i + 1) * taps / tap_tiles_;
      d.offset = offsets_.data() + tap;
      d.sums = sums + o * taps + tap;
      kernels_.dots[whole][rows - 1][next - tap - 1](d);
    }
  }

  const DirectShape s_;
  const ConvKernels<T>& kernels_;
  const ImageLayout layout_;
  const std::vector<int64_t> offsets_;
  const int64_t size_, pieces_, band_, block_;
  // Images before this one have short rows and enough behind them that whole registers can be read.
  const int64_t whole_;
  const int64_t tiles_, tap_tiles_;
  const T* grad_;
  const T* x_;
  T* grad_w_;
};

}  // namespace

template <class T>
void direct_weight_gradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w) {
  WeightGradient<T>(p, grad, x, grad_w).run();
}

template void direct_weight_gradient(const Conv2dParams&, const float*, const float*, float*);
template void direct_weight_gradient(const Conv2dParams&, const double*, const double*, double*);

}  // namespace talus::cpu
