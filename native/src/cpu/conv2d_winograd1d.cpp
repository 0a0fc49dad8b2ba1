// Forward and the input's gradient by Winograd's F(4, 3) down columns: six convolutions with kernels one row high, by
// the kernels of direct convolution, between the transforms.
#include "cpu/conv2d_winograd1d.h"

#include <algorithm>
#include <vector>

#include "cpu/conv2d_direct.h"
#include "cpu/isa/gemm_table.h"
#include "cpu/isa/winograd1d_table.h"
#include "cpu/parts.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Transformed rows that all tiles of channels pass over: what stays in the first-level cache.
constexpr int64_t kBandBytes = 32 << 10;

int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

// From row to row, where `least` elements are needed: whole registers, if few more, so that none straddles cache lines.
int64_t row_pitch(int64_t least, int64_t lanes) {
  const int64_t whole = round_up(least, lanes);
  return whole - least <= whole / 4 ? whole : least;
}

class Winograd1d {
 public:
  Winograd1d(const DirectShape& s, const float* w, bool turned, const float* bias, const Activation& activation)
      : s_(s),
        kernels_(conv2d_table().of<float>()),
        transforms_(winograd1d_table()),
        turned_(turned),
        lead_(round_up(s.pad_w, kernels_.lanes)),
        row_(row_pitch(s.w + s.pad_w, kernels_.lanes)),
        taps_(s.group_c() * s.kw),
        all_tiles_(ceil_div(s.oh, kColumnTile)),
        pieces_per_row_(ceil_div(s.ow, kernels_.lanes)),
        bands_(ceil_div(all_tiles_, band_tiles())),
        plane_(ceil_div(all_tiles_, bands_) * row_),
        product_(round_up(lead_ + s.group_c() * plane_ + kernels_.lanes, kernels_.lanes)),
        channel_tiles_(ceil_div(s.group_o(), kernels_.rows)),
        columns_first_(turned && channel_tiles_ == 1),
        offsets_(static_cast<size_t>(taps_)),
        weights_(kColumnPatch * s.o * taps_),
        bias_(bias),
        activation_(activation) {
    for (int64_t i = 0; i < taps_; ++i) {
      const int64_t c = columns_first_ ? i % s.group_c() : i / s.kw, j = columns_first_ ? i / s.group_c() : i % s.kw;
      offsets_[static_cast<size_t>(i)] = lead_ + c * plane_ + (turned ? s.kw - 1 - j : j) - s.pad_w;
    }
    transform_weights(w);
  }

  // Bands of a group of an image are one thread's each.
  void run(const float* x, float* out) const {
    const int64_t work = s_.work() / (2 * s_.groups * bands_) + 1;
    parallel_for(s_.n * s_.groups * bands_, kConvParallelWork / work + 1, [&](int64_t begin, int64_t end) {
      const int64_t rows_size = kColumnPatch * product_;
      const Scratch<float> rows(rows_size), products(kColumnPatch * kMaxConvRows * kMaxConvPieces * kernels_.lanes);
      clear_padding(rows.get());
      for (int64_t i = begin; i < end; ++i) {
        const int64_t which = i / bands_, band = i % bands_;
        const int64_t first = band * all_tiles_ / bands_, tiles = (band + 1) * all_tiles_ / bands_ - first;
        transform_rows(x + which * s_.group_c() * s_.h * s_.w, first, tiles, rows.get());
        convolve(rows.get(), which % s_.groups, first, tiles, products.get(),
                 out + which * s_.group_o() * s_.oh * s_.ow);
      }
    });
  }

 private:
  // At least as many as make the kernels' pieces.
  int64_t band_tiles() const {
    return std::max(kBandBytes / (kColumnPatch * s_.group_c() * row_ * 4), ceil_div(kMaxConvPieces, pieces_per_row_));
  }
  int64_t channel(int64_t tile) const { return tile * s_.group_o() / channel_tiles_; }
  // A row's last piece begins early, so that it is whole: what it shares with the piece before is computed twice.
  int64_t column_of(int64_t piece) const {
    const int64_t column = piece * kernels_.lanes, early = s_.ow - kernels_.lanes;
    return kernels_.masks_cost && early > 0 ? std::min(column, early) : column;
  }

  // Per group and tile of channels: [product][tap][channel].
  void transform_weights(const float* w) const {
    const int64_t area = 3 * s_.kw, go = s_.group_o(), gc = s_.group_c();
    const auto pack = gemm_table().f32.pack_rows;
    const Scratch<float> packed(kernels_.rows * gc * area);
    for (int64_t g = 0; g < s_.groups; ++g)
      for (int64_t tile = 0; tile < channel_tiles_; ++tile) {
        const int64_t o = channel(tile);
        const int rows = static_cast<int>(channel(tile + 1) - o);
        float* to = weights_.get() + kColumnPatch * taps_ * (g * go + o);
        if (!turned_) {
          pack(gc * area, rows, w + (g * go + o) * gc * area, gc * area, rows, packed.get());
          transforms_.weights(gc, s_.kw * rows, packed.get(), false, to, taps_ * rows);
        } else if (columns_first_) {
          pack(area, static_cast<int>(gc) * rows, w + g * gc * go * area, area, static_cast<int>(gc) * rows,
               packed.get());
          transforms_.weights(1, taps_ * rows, packed.get(), true, to, taps_ * rows);
        } else {
          for (int64_t c = 0; c < gc; ++c)
            pack(area, rows, w + ((g * gc + c) * go + o) * area, area, rows, packed.get() + c * area * rows);
          transforms_.weights(gc, s_.kw * rows, packed.get(), true, to, taps_ * rows);
        }
      }
  }

  // Zeros behind a row are those before the next one. The transform writes whole registers, so they are often its own.
  void clear_padding(float* rows) const {
    if (row_ > round_up(s_.w, kernels_.lanes) || all_tiles_ % bands_ != 0) {
      std::fill_n(rows, kColumnPatch * product_, 0.0f);
      return;
    }
    for (int64_t j = 0; j < kColumnPatch; ++j, rows += product_) {
      const int64_t written = lead_ + s_.group_c() * plane_;
      std::fill_n(rows, lead_, 0.0f);
      std::fill(rows + written, rows + product_, 0.0f);
    }
  }

  void transform_rows(const float* x, int64_t first, int64_t tiles, float* rows) const {
    ColumnRows r = {kColumnTile * first - s_.pad_h, s_.h, s_.w, tiles, x, rows + lead_, row_, product_};
    for (int64_t c = 0; c < s_.group_c(); ++c, r.from += s_.h * s_.w, r.to += plane_) transforms_.input(r);
  }

  void convolve(const float* rows, int64_t group, int64_t first_tile, int64_t tiles, float* products,
                float* out) const {
    const int64_t all = tiles * pieces_per_row_, lanes = kernels_.lanes;
    for (int64_t run = 0; run < all; run += kMaxConvPieces) {
      const int64_t pieces = std::min<int64_t>(kMaxConvPieces, all - run);
      ColumnOutput to;
      const float* x[kMaxConvPieces];
      for (int64_t v = 0; v < pieces; ++v) {
        const int64_t tile = (run + v) / pieces_per_row_, column = column_of((run + v) % pieces_per_row_);
        const int64_t y = kColumnTile * (first_tile + tile);
        x[v] = rows + tile * row_ + column;
        to.out[v] = out + y * s_.ow + column;
        to.height[v] = static_cast<int>(std::min(kColumnTile, s_.oh - y));
        to.count[v] = static_cast<int>(std::min(lanes, s_.ow - column));
      }
      to.pieces = static_cast<int>(pieces);
      to.m = products;
      to.out_row = s_.ow;
      to.out_channel = s_.oh * s_.ow;
      to.activation = activation_;
      for (int64_t tile = 0; tile < channel_tiles_; ++tile) {
        const int64_t o = group * s_.group_o() + channel(tile);
        to.rows = static_cast<int>(channel(tile + 1) - channel(tile));
        to.bias = bias_ == nullptr ? nullptr : bias_ + o;
        multiply(x, pieces, to.rows, weights_.get() + kColumnPatch * taps_ * o, products);
        transforms_.output(to);
        for (int64_t v = 0; v < pieces; ++v) to.out[v] += to.rows * to.out_channel;
      }
    }
  }

  // The six products of some pieces and a tile of channels.
  void multiply(const float* const* x, int64_t pieces, int rows, const float* w, float* products) const {
    const int64_t lanes = kernels_.lanes;
    const int width = kernels_.pieces[rows - 1];
    ConvTile<float> t;
    t.taps = taps_;
    t.offset = offsets_.data();
    t.w = w;
    t.out_channel = pieces * lanes;
    t.bias = nullptr;
    t.activation = kNoActivation;
    for (int64_t j = 0; j < kColumnPatch; ++j, t.w += taps_ * rows, products += rows * pieces * lanes)
      for (int64_t first = 0; first < pieces; first += width) {
        for (int v = 0; v < width; ++v) {
          const int64_t piece = std::min(first + v, pieces - 1);
          t.x[v] = x[piece] + j * product_;
          t.out[v] = products + piece * lanes;
          t.count[v] = first + v < pieces ? static_cast<int>(lanes) : 0;
        }
        kernels_.tile[rows - 1](t);
      }
  }

  const DirectShape s_;
  const ConvKernels<float>& kernels_;
  const Winograd1dKernels& transforms_;
  const bool turned_;
  const int64_t lead_, row_, taps_, all_tiles_, pieces_per_row_, bands_, plane_, product_, channel_tiles_;
  // Whether taps are kernel columns of input channels, not the other way round: turned weights of one tile of channels
  // are packed by one long transpose.
  const bool columns_first_;
  std::vector<int64_t> offsets_;
  const Scratch<float> weights_;
  const float* bias_;
  const Activation activation_;
};

}  // namespace

bool winograd1d_fits(ConvPass pass, const Conv2dParams& p) {
  return pass != ConvPass::BackwardWeight && p.kh == 3 && p.stride_h == 1 && p.stride_w == 1 && p.dilation_h == 1 &&
         p.dilation_w == 1 && (pass != ConvPass::BackwardInput || (p.pad_h < p.kh && p.pad_w < p.kw));
}

void winograd1d_convolution(const Conv2dParams& p, const float* x, const float* w, const float* bias,
                            const Activation& activation, float* out) {
  Winograd1d(DirectShape::forward(p), w, false, bias, activation).run(x, out);
}

void winograd1d_input_gradient(const Conv2dParams& p, const float* grad, const float* w, float* grad_x) {
  Winograd1d(DirectShape::backward_input(p), w, true, nullptr, kNoActivation).run(grad, grad_x);
}

}  // namespace talus::cpu
