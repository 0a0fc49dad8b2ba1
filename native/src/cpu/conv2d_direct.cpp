// Direct convolution: output rows are cut into pieces one register wide, a tile of output channels is computed for a
// few pieces at a time, and nothing is summed across threads.
#include "cpu/conv2d_direct.h"

#include <memory>
#include <optional>

#include "cpu/isa/conv2d_table.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Weights as the tiles read them: for each group and tile of channels [tap][channel].
template <class T>
void pack_weights(const DirectShape& s, const T* w, bool turned, int64_t tiles, T* to) {
  const int64_t area = s.kh * s.kw, go = s.group_o(), gc = s.group_c();
  for (int64_t g = 0; g < s.groups; ++g)
    for (int64_t tile = 0; tile < tiles; ++tile)
      for (int64_t c = 0; c < gc; ++c)
        for (int64_t t = 0; t < area; ++t)
          for (int64_t o = tile * go / tiles; o < (tile + 1) * go / tiles; ++o)
            *to++ = turned ? w[((g * gc + c) * go + o) * area + area - 1 - t] : w[((g * go + o) * gc + c) * area + t];
}

template <class T>
class Direct {
 public:
  Direct(const DirectShape& s, const T* w, bool turned, const T* bias, bool relu)
      : s_(s),
        kernels_(conv2d_table().of<T>()),
        layout_(s),
        offsets_(layout_.offsets()),
        tiles_((s.group_o() + kernels_.rows - 1) / kernels_.rows),
        pieces_per_row_((s.ow + kernels_.lanes - 1) / kernels_.lanes),
        weights_(s.o * s.taps()),
        bias_(bias),
        relu_(relu) {
    pack_weights(s, w, turned, tiles_, weights_.get());
  }

  void run(const T* images, T* out) const {
    // A few images are split by rows, so that every thread has work.
    const int64_t wanted = std::min<int64_t>(num_threads(), s_.work() * s_.n / kConvParallelWork + 1);
    const int64_t bands = std::min(s_.oh * pieces_per_row_, (wanted + s_.n - 1) / s_.n);
    const int64_t work = s_.work() / bands + 1;
    parallel_for(s_.n * bands, kConvParallelWork / work + 1, [&](int64_t begin, int64_t end) {
      const Scratch<T> scratch(layout_.image() + kernels_.lanes);
      std::fill_n(scratch.get(), layout_.image() + kernels_.lanes, T{0});
      int64_t copied = -1;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t image = i / bands, band = i % bands, pieces = s_.oh * pieces_per_row_;
        const T* x = images + image * s_.c * s_.h * s_.w;
        if (in_scratch(image)) {
          if (image != copied) layout_.copy(kernels_, x, s_.c, scratch.get());
          copied = image;
          x = scratch.get();
        }
        convolve(x, out + image * s_.o * s_.oh * s_.ow, band * pieces / bands, (band + 1) * pieces / bands);
      }
    });
  }

 private:
  // Also an image so close to the end of x that reading whole registers would leave it.
  bool in_scratch(int64_t image) const {
    return layout_.copied() || (s_.n - 1 - image) * layout_.image() < kernels_.lanes;
  }

  // Pieces [begin, end) of every output channel, in runs whose image rows stay in the L1 cache while every tile of
  // channels passes over them.
  void convolve(const T* x, T* out, int64_t begin, int64_t end) const {
    for (int64_t run = begin; run < end; run += kMaxConvPieces) {
      Piece pieces[kMaxConvPieces];
      const int64_t count = locate(run, end, pieces);
      for (int64_t g = 0; g < s_.groups; ++g)
        for (int64_t tile = 0; tile < tiles_; ++tile)
          convolve_tile(x + g * s_.group_c() * layout_.plane(), g * s_.group_o() + tile * s_.group_o() / tiles_,
                        g * s_.group_o() + (tile + 1) * s_.group_o() / tiles_, pieces, count, out);
    }
  }

  struct Piece {
    int64_t x, out;
    int count;
  };

  // Where a run's pieces are. Those beyond the end repeat the first one's input and write nothing.
  int64_t locate(int64_t run, int64_t end, Piece* pieces) const {
    int64_t row = run / pieces_per_row_, column = run % pieces_per_row_ * kernels_.lanes;
    for (int v = 0; v < kMaxConvPieces; ++v) {
      if (run + v >= end) {
        pieces[v] = {pieces[0].x, pieces[0].out, 0};
        continue;
      }
      const int count = static_cast<int>(std::min<int64_t>(kernels_.lanes, s_.ow - column));
      pieces[v] = {row * layout_.output_row() + column, row * s_.ow + column, count};
      column += kernels_.lanes;
      if (column >= s_.ow) {
        column = 0;
        ++row;
      }
    }
    return std::min<int64_t>(kMaxConvPieces, end - run);
  }

  // Output channels [o, next).
  void convolve_tile(const T* x, int64_t o, int64_t next, const Piece* pieces, int64_t count, T* out) const {
    const int64_t rows = next - o, area = s_.oh * s_.ow;
    ConvTile<T> t;
    t.taps = s_.taps();
    t.offset = offsets_.data();
    t.w = weights_.get() + o * s_.taps();
    t.out_channel = area;
    t.bias = bias_ == nullptr ? nullptr : bias_ + o;
    t.relu = relu_;
    const int width = kernels_.pieces[rows - 1];
    for (int64_t first = 0; first < count; first += width) {
      for (int v = 0; v < width; ++v) {
        const Piece& piece = pieces[first + v];
        t.x[v] = x + piece.x;
        t.out[v] = out + o * area + piece.out;
        t.count[v] = piece.count;
      }
      kernels_.tile[rows - 1](t);
    }
  }

  const DirectShape s_;
  const ConvKernels<T>& kernels_;
  const ImageLayout layout_;
  const std::vector<int64_t> offsets_;
  const int64_t tiles_, pieces_per_row_;
  const Scratch<T> weights_;
  const T* bias_;
  const bool relu_;
};

// Of the input's gradient at a stride: what the kernel elements of one phase give the pixels of one phase. Pixel
// first + q * stride of a side receives, through kernel element phase + m * stride, from output start + q - m.
struct Phase {
  int64_t phase, start, taps, pixels;

  Phase(int64_t first, int64_t stride, int64_t pad, int64_t kernel, int64_t size)
      : phase((first + pad) % stride),
        start((first + pad) / stride),
        taps(phase < kernel ? (kernel - phase + stride - 1) / stride : 0),
        pixels(first < size ? (size - first + stride - 1) / stride : 0) {}
};

// One phase of rows and columns: a dense convolution of its own.
template <class T>
class PhaseGradient {
 public:
  PhaseGradient(const Conv2dParams& p, const T* w, const Phase& rows, const Phase& columns)
      : rows_(rows), columns_(columns) {
    if (rows.taps * columns.taps * rows.pixels * columns.pixels == 0) return;
    const DirectShape s = {1,
                           p.o,
                           p.out_h(),
                           p.out_w(),
                           p.c,
                           rows.pixels,
                           columns.pixels,
                           rows.taps,
                           columns.taps,
                           1,
                           1,
                           rows.taps - 1 - rows.start,
                           columns.taps - 1 - columns.start,
                           1,
                           1,
                           p.groups};
    const Scratch<T> part(p.o * s.group_o() * s.kh * s.kw);
    T* to = part.get();
    for (int64_t i = 0; i < p.o * p.group_c(); ++i, w += p.kh * p.kw)
      for (int64_t y = rows.phase; y < p.kh; y += p.stride_h)
        for (int64_t x = columns.phase; x < p.kw; x += p.stride_w) *to++ = w[y * p.kw + x];
    direct_.emplace(s, part.get(), true, nullptr, false);
  }

  int64_t area() const { return rows_.pixels * columns_.pixels; }

  // grad: of one image. out: [C, pixels of the phase].
  void run(const T* grad, int64_t channels, T* out) const {
    if (direct_) {
      direct_->run(grad, out);
    } else {
      std::fill_n(out, channels * area(), T{0});
    }
  }

 private:
  const Phase rows_, columns_;
  std::optional<Direct<T>> direct_;
};

template <class T>
class StridedGradient {
 public:
  StridedGradient(const Conv2dParams& p, const T* w) : p_(p) {
    for (int64_t y = 0; y < p.stride_h; ++y)
      for (int64_t x = 0; x < p.stride_w; ++x)
        phases_.push_back(std::make_unique<PhaseGradient<T>>(p, w, Phase(y, p.stride_h, p.pad_h, p.kh, p.h),
                                                             Phase(x, p.stride_w, p.pad_w, p.kw, p.w)));
  }

  void run(const T* grad, T* grad_x) const {
    const auto range = [&](int64_t begin, int64_t end) {
      const Scratch<T> parts(p_.c * p_.h * p_.w);
      for (int64_t n = begin; n < end; ++n) {
        T* part = parts.get();
        for (const auto& phase : phases_) {
          phase->run(grad + n * p_.o * p_.out_h() * p_.out_w(), p_.c, part);
          part += p_.c * phase->area();
        }
        merge(parts.get(), grad_x + n * p_.c * p_.h * p_.w);
      }
    };
    // Few images are each split by rows.
    if (p_.n < num_threads()) return range(0, p_.n);
    parallel_for(p_.n, 1, range);
  }

 private:
  void merge(const T* parts, T* image) const {
    parallel_for(p_.c, kConvParallelWork / 8 / (p_.h * p_.w) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c)
        for (int64_t y = 0; y < p_.h; ++y) merge_row(parts, c, y, image + (c * p_.h + y) * p_.w);
    });
  }

  void merge_row(const T* parts, int64_t c, int64_t y, T* to) const {
    const int64_t stride = p_.stride_w, row = y / p_.stride_h;
    const T* part = parts;
    const T* second = nullptr;
    for (int64_t i = 0; i < y % p_.stride_h * stride; ++i) part += p_.c * phases_[i]->area();
    for (int64_t x = 0; x < stride && x < p_.w; ++x) {
      const auto& phase = *phases_[y % p_.stride_h * stride + x];
      const int64_t columns = (p_.w - x + stride - 1) / stride;
      const T* from = part + c * phase.area() + row * columns;
      part += p_.c * phase.area();
      if (stride != 2) {
        for (int64_t q = 0; q < columns; ++q) to[x + q * stride] = from[q];
      } else if (second == nullptr) {
        second = from;
      } else {
        // Two at a time, which the compiler vectorises.
        for (int64_t q = 0; q < columns; ++q) {
          to[2 * q] = second[q];
          to[2 * q + 1] = from[q];
        }
      }
    }
    if (stride == 2 && p_.w % 2 == 1) to[p_.w - 1] = second[p_.w / 2];
  }

  const Conv2dParams& p_;
  std::vector<std::unique_ptr<PhaseGradient<T>>> phases_;
};

}  // namespace

template <class T>
void direct_convolution(const DirectShape& s, const T* x, const T* w, bool turned, const T* bias, bool relu, T* out) {
  Direct<T>(s, w, turned, bias, relu).run(x, out);
}

template <class T>
void direct_strided_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x) {
  StridedGradient<T>(p, w).run(grad, grad_x);
}

template void direct_convolution(const DirectShape&, const float*, const float*, bool, const float*, bool, float*);
template void direct_convolution(const DirectShape&, const double*, const double*, bool, const double*, bool, double*);
template void direct_strided_input_gradient(const Conv2dParams&, const float*, const float*, float*);
template void direct_strided_input_gradient(const Conv2dParams&, const double*, const double*, double*);

}  // namespace talus::cpu
