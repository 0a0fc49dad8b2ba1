// Direct convolution: output rows are cut into pieces one register wide, a tile of output channels is computed for a
// few pieces at a time, and nothing is summed across threads.
#include "cpu/conv2d_direct.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "cpu/isa/conv2d_table.h"
#include "cpu/isa/gemm_table.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Every tile of channels passes over a run of pieces, whose image rows take at most so many bytes of the L1 cache. Long
// runs write each channel's plane as a stream: one line at a time of many planes would miss the caches at each.
constexpr int64_t kRunBytes = 24 << 10;
constexpr int64_t kRunPieces = 64;

// Weights as the tiles read them: for each group and tile of channels [tap][channel]. Turned weights are read in their
// own order, and their taps' offsets run backwards.
template <class T>
void pack_weights(const DirectShape& s, const T* w, bool turned, int64_t tiles, T* to) {
  const int64_t area = s.kh * s.kw, go = s.group_o(), gc = s.group_c(), taps = s.taps();
  const auto pack = gemm_table().of<T>().pack_rows;
  parallel_for(s.groups * tiles, kConvParallelWork / 8 / (taps * (go / tiles) + 1) + 1,
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t g = i / tiles, tile = i % tiles, o = tile * go / tiles;
                   const int rows = static_cast<int>((tile + 1) * go / tiles - o);
                   T* packed = to + (g * go + o) * taps;
                   if (!turned) {
                     pack(taps, rows, w + (g * go + o) * taps, taps, rows, packed);
                   } else {
                     for (int64_t c = 0; c < gc; ++c)
                       pack(area, rows, w + ((g * gc + c) * go + o) * area, area, rows, packed + c * area * rows);
                   }
                 }
               });
}

std::vector<int64_t> tap_offsets(const DirectShape& s, const ImageLayout& layout, bool turned) {
  auto offsets = layout.offsets();
  const int64_t area = s.kh * s.kw;
  if (turned)
    for (auto first = offsets.begin(); first != offsets.end(); first += area) std::reverse(first, first + area);
  return offsets;
}

template <class T>
class Direct {
 public:
  Direct(const DirectShape& s, const T* w, bool turned, const T* bias, const Activation& activation)
      : s_(s),
        kernels_(conv2d_table().of<T>()),
        layout_(s),
        offsets_(tap_offsets(s, layout_, turned)),
        tiles_((s.group_o() + kernels_.rows - 1) / kernels_.rows),
        joined_(joins_rows(s, layout_, kernels_.lanes)),
        rows_(joined_ ? 1 : s.oh),
        columns_(joined_ ? joined_columns(s, layout_) : s.ow),
        pieces_per_row_((columns_ + kernels_.lanes - 1) / kernels_.lanes),
        run_(run_pieces()),
        weights_(s.o * s.taps()),
        bias_(bias),
        activation_(activation) {
    pack_weights(s, w, turned, tiles_, weights_.get());
  }

  // Groups are convolutions of their own. A few are split by rows, so that every thread has work.
  void run(const T* images, T* out) const {
    const int64_t all = s_.n * s_.groups, pieces = rows_ * pieces_per_row_;
    const int64_t wanted = std::min<int64_t>(num_threads(), s_.work() * s_.n / kConvParallelWork + 1);
    const int64_t bands = joined_ ? 1 : std::min(pieces, (wanted + all - 1) / all);
    const int64_t work = s_.work() / s_.groups / bands + 1, planes = s_.group_c() * layout_.plane();
    parallel_for(all * bands, kConvParallelWork / work + 1, [&](int64_t begin, int64_t end) {
      const Scratch<T> scratch(planes + kernels_.lanes), joined(joined_ ? s_.group_o() * columns_ : 0);
      std::fill_n(scratch.get(), planes + kernels_.lanes, T{0});
      int64_t copied = -1;
      for (int64_t i = begin; i < end; ++i) {
        const int64_t which = i / bands, band = i % bands;
        const T* x = images + which * s_.group_c() * s_.h * s_.w;
        // Also planes so close to the end of x that reading whole registers would leave it.
        if (layout_.copied() || (all - 1 - which) * planes < kernels_.lanes) {
          if (which != copied) layout_.copy(kernels_, x, s_.group_c(), scratch.get());
          copied = which;
          x = scratch.get();
        }
        T* to = out + which * s_.group_o() * s_.oh * s_.ow;
        convolve(x, which % s_.groups, joined_ ? joined.get() : to, band * pieces / bands, (band + 1) * pieces / bands);
        if (!joined_) continue;
        for (int64_t o = 0; o < s_.group_o(); ++o)
          kernels_.copy_rows(s_.oh, s_.ow, joined.get() + o * columns_, layout_.row(), to + o * s_.oh * s_.ow, s_.ow);
      }
    });
  }

 private:
  // Rows of a group's image are one long row if the few outputs between them, which are nobody's, cost less than the
  // registers that short rows do not fill.
  static bool joins_rows(const DirectShape& s, const ImageLayout& layout, int64_t lanes) {
    const int64_t apart = s.oh * ((s.ow + lanes - 1) / lanes), joined = (joined_columns(s, layout) + lanes - 1) / lanes;
    return s.groups > 1 && joined * 20 < apart * 19;
  }
  static int64_t joined_columns(const DirectShape& s, const ImageLayout& layout) {
    return (s.oh - 1) * layout.row() + s.ow;
  }

  int64_t run_pieces() const {
    const int64_t row = s_.group_c() * s_.stride_h * s_.stride_w * layout_.row() * int64_t{sizeof(T)};
    const int64_t rows = joined_ ? 1 : kRunBytes / row - (s_.kh - 1) * s_.dilation_h / s_.stride_h;
    return std::clamp(rows * pieces_per_row_, int64_t{kMaxConvPieces}, kRunPieces) / kMaxConvPieces * kMaxConvPieces;
  }

  // Pieces [begin, end) of every output channel of a group.
  void convolve(const T* x, int64_t group, T* out, int64_t begin, int64_t end) const {
    Piece pieces[kRunPieces];
    for (int64_t run = begin; run < end; run += run_) {
      const int64_t count = std::min(run_, end - run);
      locate(begin, run, count, pieces);
      for (int64_t tile = 0; tile < tiles_; ++tile)
        convolve_tile(x, group * s_.group_o(), tile * s_.group_o() / tiles_, (tile + 1) * s_.group_o() / tiles_, pieces,
                      count, out);
    }
  }

  struct Piece {
    int64_t x, out;
    int count;
  };

  // Where a run's pieces are, of pieces that are `begin` and following. Those that fill its last tile repeat the first
  // one's input and write nothing. A row's last piece begins early where it may, so that it is whole: what it shares
  // with the piece before is computed twice.
  void locate(int64_t begin, int64_t run, int64_t count, Piece* pieces) const {
    int64_t row = run / pieces_per_row_, column = run % pieces_per_row_ * kernels_.lanes;
    for (int64_t v = 0; v < count; ++v) {
      const int64_t early = columns_ - kernels_.lanes;
      const bool shares = kernels_.masks_cost && early > 0 && column > early && run + v > begin;
      const int64_t at = shares ? early : column;
      const int lanes = static_cast<int>(std::min<int64_t>(kernels_.lanes, columns_ - at));
      pieces[v] = {row * layout_.row() + at, row * columns_ + at, lanes};
      column += kernels_.lanes;
      if (column >= columns_) {
        column = 0;
        ++row;
      }
    }
    while (count % kMaxConvPieces != 0) pieces[count++] = {pieces[0].x, pieces[0].out, 0};
  }

  // Output channels [o, next) of the group that starts with channel `first_o`.
  void convolve_tile(const T* x, int64_t first_o, int64_t o, int64_t next, const Piece* pieces, int64_t count,
                     T* out) const {
    const int64_t rows = next - o, area = rows_ * columns_;
    ConvTile<T> t;
    t.taps = s_.taps();
    t.offset = offsets_.data();
    t.w = weights_.get() + (first_o + o) * s_.taps();
    t.out_channel = area;
    t.bias = bias_ == nullptr ? nullptr : bias_ + first_o + o;
    t.activation = activation_;
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
  const int64_t tiles_;
  const bool joined_;  // the rows of an image
  const int64_t rows_, columns_, pieces_per_row_, run_;
  const Scratch<T> weights_;
  const T* bias_;
  const Activation activation_;
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
    direct_.emplace(s, part.get(), true, nullptr, kNoActivation);
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
void direct_convolution(const DirectShape& s, const T* x, const T* w, bool turned, const T* bias,
                        const Activation& activation, T* out) {
  Direct<T>(s, w, turned, bias, activation).run(x, out);
}

template <class T>
void direct_strided_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x) {
  StridedGradient<T>(p, w).run(grad, grad_x);
}

template void direct_convolution(const DirectShape&, const float*, const float*, bool, const float*, const Activation&,
                                 float*);
template void direct_convolution(const DirectShape&, const double*, const double*, bool, const double*,
                                 const Activation&, double*);
template void direct_strided_input_gradient(const Conv2dParams&, const float*, const float*, float*);
template void direct_strided_input_gradient(const Conv2dParams&, const double*, const double*, double*);

}  // namespace talus::cpu
