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

// Neighbouring output pixels of one image: the columns of one tile. The last pixels of an image, if they are too few
// for a register, become dot products, whose patches are rows.
struct PixelTile {
  int64_t image, first, columns;
  bool dots;
  int64_t first_run, last_run;
};

template <class T>
class Patches {
 public:
  // `depth`: taps of the longest chunk. `in_place`: do not pack what can be read where it is.
  Patches(const GemmKernels<T>& gemm, const DirectShape& s, const PixelBlock& block, int64_t depth, bool in_place)
      : s_(s),
        block_(block),
        kernels_(conv2d_table().of<T>()),
        whole_(s),
        layout_(band(s, block)),
        offsets_(layout_.offsets()),
        width_(kTileVectors * gemm.lanes),
        depth_(depth),
        kernel_(s.kh * s.kw),
        in_place_(in_place && kernel_ == 1 && !whole_.copied() && s.h == 1 &&
                  (gemm.partial_b || s.ow % gemm.lanes == 0)),
        rows_(kernel_ == 1 && layout_.row() == s.ow),
        tiles_(most_tiles()),
        runs_(most_tiles() + block.images * (block.count / s.ow + 2)) {
    const int64_t area = s.oh * s.ow, rest = area % gemm.lanes;
    const int64_t whole = dots_pay(gemm, rest) ? area - rest : area;
    const int64_t tiled = std::clamp<int64_t>(whole - block.first, 0, block.count);
    for (int64_t i = 0; i < block.images; ++i) {
      for (int64_t j = 0; j < tiled; j += width_) add_tile(i, j, std::min(width_, tiled - j));
      if (tiled < block.count) add_tile(i, tiled, block.count - tiled, true);
    }
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
      int64_t i = 0;
      for (int64_t image = 0; image < block_.images; ++image) {
        const T* from = x + (image * s_.c + c) * plane;
        for (int64_t j = 0; j < next; ++j) fetch(from + (count + j) * plane);
        if (place > 0) {
          layout_.copy(kernels_, from, count, copy.get());
          from = copy.get();
        }
        T* tiles = to + i * tile_size() + tap * width_;
        int64_t columns = 0;
        for (; i < count_ && tiles_[i].image == image; ++i) {
          if (in_place(tiles_[i])) continue;
          if (rows_ && !tiles_[i].dots) {
            columns += tiles_[i].columns;
          } else {
            pack_tile(tiles_[i], from, count * kernel_, tap, to + i * tile_size());
          }
        }
        if (columns > 0)
          kernels_.split_columns(count, columns, from + (whole_.copied() ? 0 : block_.first), place > 0 ? place : plane,
                                 static_cast<int>(width_), tiles, tile_size());
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
    int64_t from, to;
    int columns;
  };

  // With one of dots for each image.
  int64_t most_tiles() const { return block_.images * (ceil_div(block_.count, width_) + 1); }

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

  void add_tile(int64_t image, int64_t first, int64_t columns, bool dots = false) {
    const int64_t first_run = run_count_;
    for (int64_t j = first; j < first + columns;) {
      const int64_t pixel = whole_.copied() ? j : block_.first + j, x = pixel % s_.ow;
      const int64_t count = std::min(s_.ow - x, first + columns - j);
      runs_[run_count_++] = {pixel / s_.ow * layout_.row() + x, j - first, static_cast<int>(count)};
      j += count;
    }
    tiles_[count_++] = {image, block_.first + first, columns, dots, first_run, run_count_};
  }

  void pack_tile(const PixelTile& tile, const T* from, int64_t taps, int64_t tap, T* to) const {
    for (int64_t r = tile.first_run; r < tile.last_run; ++r) {
      const Run& run = runs_[r];
      if (!tile.dots) {
        kernels_.gather(taps, offsets_.data(), from + run.from, run.columns, to + tap * width_ + run.to, width_);
        continue;
      }
      for (int64_t j = 0; j < run.columns; ++j) {
        T* column = to + (run.to + j) * dots_stride() + tap;
        for (int64_t p = 0; p < taps; ++p) column[p] = from[offsets_[static_cast<size_t>(p)] + run.from + j];
      }
    }
  }

  const DirectShape& s_;
  const PixelBlock block_;
  const ConvKernels<T>& kernels_;
  const ImageLayout whole_, layout_;
  const std::vector<int64_t> offsets_;
  const int64_t width_, depth_, kernel_;
  const bool in_place_;
  const bool rows_;  // a tap's pixels are neighbours: rows are cut into the rows of tiles
  const Scratch<PixelTile> tiles_;
  const Scratch<Run> runs_;
  int64_t count_ = 0, run_count_ = 0;
};

}  // namespace talus::cpu
