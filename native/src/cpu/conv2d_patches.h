// The patches of a block of output pixels, packed from the image straight into the panels that gemm's kernels read. A
// matrix of patches never exists.
#pragma once

#include <algorithm>
#include <vector>

#include "cpu/conv2d_image.h"
#include "cpu/gemm.h"
#include "memory.h"

namespace talus::cpu {

// Pixels of a block, about.
constexpr int64_t kColumns = 256;
// Blocks for each thread, when each is one thread's own. Fewer are shared by all threads.
constexpr int64_t kBlocksPerThread = 8;
// Pieces for each thread of what threads share.
constexpr int64_t kPiecesPerThread = 4;

// Output pixels [first, first + count) of each of some images: whole images if there are several, and whole rows of
// images that must be laid out.
struct PixelBlock {
  int64_t n, images, first, count;
};

// Neighbouring output pixels, from pixel `first` of an image on: the columns of one tile. The last pixels of an image,
// if they are too few for a register, go on with the first ones of the next image or become dot products, whose patches
// are rows.
struct PixelTile {
  int64_t image, first, columns;
  bool dots;
};

template <class T>
class Patches {
 public:
  // `depth`: taps of the longest chunk. `in_place`: do not pack what can be read where it is. `joined`: tiles go on
  // from image to image, unless they are in place. `most_columns`: of a tile.
  Patches(const GemmKernels<T>& gemm, const DirectShape& s, const PixelBlock& block, int64_t depth, bool in_place,
          bool joined, int64_t most_columns)
      : s_(s),
        block_(block),
        kernels_(conv2d_table().of<T>()),
        whole_(s),
        layout_(band(s, block)),
        offsets_(layout_.offsets()),
        depth_(depth),
        kernel_(s.kh * s.kw),
        in_place_(in_place && kernel_ == 1 && !whole_.copied() && s.h == 1 &&
                  (gemm.partial_b || s.ow % gemm.lanes == 0)),
        joined_(joined && !in_place_),
        width_(even_part(joined_ ? block.images * block.count : block.count, most_columns, gemm.lanes)),
        rows_(!joined_ && kernel_ == 1 && layout_.row() == s.ow),
        tiles_(most_tiles()),
        runs_(most_tiles() + block.images * (block.count / s.ow + 2)),
        image_runs_(block.images + 1) {
    const int64_t area = s.oh * s.ow, rest = area % gemm.lanes;
    const int64_t whole = !joined_ && dots_pay(gemm, rest) ? area - rest : area;
    tiled_ = std::clamp<int64_t>(whole - block.first, 0, block.count);
    for (int64_t i = 0; i < block.images; ++i) {
      image_runs_[i] = run_count_;
      for (int64_t j = 0; j < tiled_;) {
        const bool full = count_ == 0 || tiles_[count_ - 1].columns == width_;
        if (full || (j == 0 && !joined_)) tiles_[count_++] = {i, block.first + j, 0, false};
        j += add_runs(j, std::min(width_ - tiles_[count_ - 1].columns, tiled_ - j));
      }
      if (tiled_ == block.count) continue;
      tiles_[count_++] = {i, block.first + tiled_, 0, true};
      add_runs(tiled_, block.count - tiled_);
    }
    image_runs_[block.images] = run_count_;
  }

  int64_t tiles() const { return count_; }
  const PixelTile& tile(int64_t i) const { return tiles_[i]; }
  int64_t width() const { return width_; }
  // Elements of all tiles of a chunk; tile i is at i * tile_size().
  int64_t size() const { return count_ * tile_size(); }
  int64_t tile_size() const { return width_ * depth_; }
  // From one column's patch to the next in tiles of dots.
  int64_t dots_stride() const { return depth_; }

  // Where tile i's rows are read in the image itself, those of channel 0 at `first` of the block's planes and from one
  // channel to the next `stride` elements apart; otherwise it is packed.
  bool in_place(const PixelTile& tile) const { return in_place_ && !tile.dots; }
  bool nothing_to_pack() const { return in_place_ && !tiles_[count_ - 1].dots; }
  int64_t place(const PixelTile& tile) const { return tile.image * s_.c * s_.h * s_.w + tile.first; }

  // Calls f(image, pixel, column, columns) for the part of a tile that each image has.
  template <class F>
  void each_part(const PixelTile& tile, F&& f) const {
    int64_t image = tile.image, pixel = tile.first;
    for (int64_t column = 0; column < tile.columns; ++image, pixel = block_.first) {
      const int64_t columns = std::min(block_.first + block_.count - pixel, tile.columns - column);
      f(image, pixel, column, columns);
      column += columns;
    }
  }
  bool one_image(const PixelTile& tile) const { return tile.first + tile.columns <= block_.first + block_.count; }

  // Channels [begin, end) of x, the planes of one group of the block's first image, as taps from `tap` on of a chunk.
  void pack(const T* x, int64_t begin, int64_t end, int64_t tap, T* to) const {
    const int64_t plane = s_.h * s_.w, place = layout_.copied() ? layout_.plane() : 0;
    const int64_t some = place > 0 ? std::max<int64_t>(1, kCopiedBytes / (place * int64_t{sizeof(T)}))
                         : rows_   ? end - begin
                                   : kPackedChannels;
    const Scratch<T> copy(std::min(some, end - begin) * place);
    std::fill_n(copy.get(), std::min(some, end - begin) * place, T{0});
    for (int64_t c = begin; c < end; c += some, tap += some * kernel_) {
      const int64_t count = std::min(some, end - c), next = std::min(some, end - c - count);
      for (int64_t image = 0; image < block_.images; ++image) {
        const T* from = x + (image * s_.c + c) * plane;
        for (int64_t j = 0; j < next; ++j) fetch(from + (count + j) * plane);
        if (place > 0) {
          layout_.copy(kernels_, from, count, copy.get());
          from = copy.get();
        }
        for (int64_t r = image_runs_[image]; r < image_runs_[image + 1]; ++r) {
          const PixelTile& tile = tiles_[runs_[r].tile];
          if (tile.dots || !(rows_ || in_place(tile))) pack_run(runs_[r], from, count * kernel_, tap, to);
        }
        if (rows_ && !in_place_)
          kernels_.split_columns(count, tiled_, from + (whole_.copied() ? 0 : block_.first), place > 0 ? place : plane,
                                 static_cast<int>(width_), to + image * tiles_of_image() * tile_size() + tap * width_,
                                 tile_size());
      }
    }
  }

 private:
  // So much of the image is laid out at a time: it stays in L1 until its patches are packed.
  static constexpr int64_t kCopiedBytes = 12 << 10;
  // Of planes in place, so many are packed tile after tile: a tile has a line or two of each, far apart.
  static constexpr int64_t kPackedChannels = 16;

  // Columns [to, to + columns) of a tile, neighbours in a row of the layout.
  struct Run {
    int64_t tile, from, to;
    int columns;
  };

  // With one of dots for each image.
  int64_t most_tiles() const { return block_.images * (ceil_div(block_.count, width_) + 1); }
  // Where none are joined.
  int64_t tiles_of_image() const { return count_ / block_.images; }

  // The rows of a block as an image of their own, shifted up.
  static DirectShape band(DirectShape s, const PixelBlock& b) {
    if (!ImageLayout(s).copied()) return s;
    s.oh = b.count / s.ow;
    s.pad_h -= b.first / s.ow * s.stride_h;
    return s;
  }

  // In registers: dots and adding up their lanes, against a register of which only `rest` lanes are used.
  bool dots_pay(const GemmKernels<T>& gemm, int64_t rest) const {
    const auto k = static_cast<double>(depth_), lanes = static_cast<double>(gemm.lanes);
    return depth_ >= 4 * gemm.lanes && static_cast<double>(rest) * (k / lanes + 4.5) < 0.8 * k;
  }

  // The part of a plane that the block reads: too short for hardware prefetchers to get going.
  void fetch(const T* plane) const {
    const int64_t rows = ceil_div(block_.count, s_.ow) - 1, first = block_.first / s_.ow * s_.stride_h - s_.pad_h;
    const int64_t last = first + rows * s_.stride_h + (s_.kh - 1) * s_.dilation_h + 1;
    const bool one_row = s_.h == 1;
    const int64_t begin = one_row ? block_.first * s_.stride_w : std::clamp<int64_t>(first, 0, s_.h) * s_.w;
    const int64_t end =
        one_row ? (block_.first + block_.count) * s_.stride_w : std::clamp<int64_t>(last, 0, s_.h) * s_.w;
    for (int64_t i = begin; i < end; i += 64 / int64_t{sizeof(T)}) __builtin_prefetch(plane + i);
  }

  // `count` more columns of the last tile, from pixel j of the block's part of an image on. Returns `count`.
  int64_t add_runs(int64_t j, int64_t count) {
    PixelTile& tile = tiles_[count_ - 1];
    for (const int64_t end = j + count; j < end;) {
      const int64_t pixel = whole_.copied() ? j : block_.first + j, x = pixel % s_.ow;
      const int64_t columns = std::min(s_.ow - x, end - j);
      runs_[run_count_++] = {count_ - 1, pixel / s_.ow * layout_.row() + x, tile.columns, static_cast<int>(columns)};
      tile.columns += columns;
      j += columns;
    }
    return count;
  }

  void pack_run(const Run& run, const T* from, int64_t taps, int64_t tap, T* to) const {
    to += run.tile * tile_size();
    if (!tiles_[run.tile].dots) {
      kernels_.gather(taps, offsets_.data(), from + run.from, run.columns, to + tap * width_ + run.to, width_);
      return;
    }
    for (int64_t j = 0; j < run.columns; ++j) {
      T* column = to + (run.to + j) * dots_stride() + tap;
      for (int64_t p = 0; p < taps; ++p) column[p] = from[offsets_[static_cast<size_t>(p)] + run.from + j];
    }
  }

  const DirectShape& s_;
  const PixelBlock block_;
  const ConvKernels<T>& kernels_;
  const ImageLayout whole_, layout_;
  const std::vector<int64_t> offsets_;
  const int64_t depth_, kernel_;
  const bool in_place_, joined_;
  const int64_t width_;
  const bool rows_;  // a tap's pixels are neighbours: rows are cut into the rows of tiles
  const Scratch<PixelTile> tiles_;
  const Scratch<Run> runs_;
  const Scratch<int64_t> image_runs_;  // each image's first
  int64_t tiled_ = 0;                  // pixels of an image that are not dots
  int64_t count_ = 0, run_count_ = 0;
};

}  // namespace talus::cpu
