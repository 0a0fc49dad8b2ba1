// How Winograd convolution cuts images into tiles, and how patches of NCHW images become registers of
// channels.
#pragma once

#include <algorithm>

#include "cpu/conv2d_direct.h"
#include "cpu/isa/gemm_table.h"
#include "cpu/isa/winograd_table.h"
#include "cpu/parts.h"
#include "parallel.h"

namespace talus::cpu {

// Elements between neighbours that are `count` apart: of 36 streams at a power of two, all would meet in one cache set.
inline int64_t apart(int64_t count) { return ceil_div(count, 16) * 16 + 16; }

// Runs f(g) for each group of channels, a convolution of its own: threads share groups, or each group if they are few.
template <class F>
void each_group(int64_t groups, int64_t work, F&& f) {
  const auto range = [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) f(g);
  };
  if (groups < num_threads()) return range(0, groups);
  parallel_for(groups, kConvParallelWork / (work / groups + 1) + 1, range);
}

// A strip is a row of tiles, or a piece of a long one: the unit of work. Strips that follow each other are neighbours,
// one below the other, as long as they belong to one image.
class TileGrid {
 public:
  static constexpr int64_t kStripTiles = 64;

  // Of n images of `rows` by `columns` tiles.
  TileGrid(int64_t n, int64_t rows, int64_t columns)
      : rows_(rows),
        tiles_(even_part(columns, kStripTiles)),
        pieces_(ceil_div(columns, tiles_)),
        strips_(n * pieces_ * rows_) {}

  struct Strip {
    int64_t n, row, column;  // of its first tile, in tiles
    bool below;              // the strip before it is its upper neighbour
  };

  int64_t strips() const { return strips_; }
  int64_t tiles() const { return tiles_; }  // of one strip
  Strip strip(int64_t i) const {
    const int64_t piece = i / rows_ % pieces_;
    return {i / (rows_ * pieces_), i % rows_, piece * tiles_, i % rows_ > 0};
  }

 private:
  const int64_t rows_, tiles_, pieces_, strips_;
};

// Channels of an image, as many as a register has lanes.
struct ImageChannels {
  const float* planes;
  int64_t h, w;
  int count;
};

// Rows [row, row + rows) and columns [column, column + columns) of the image, which may lie outside of it -> `to`
// [rows][columns][lanes], zero outside.
inline void gather(const GemmKernels<float>& gemm, const ImageChannels& image, int64_t row, int64_t rows,
                   int64_t column, int64_t columns, float* to) {
  const int64_t lanes = gemm.lanes;
  const int64_t first = std::clamp<int64_t>(-column, 0, columns);
  const int64_t last = std::clamp<int64_t>(image.w - column, first, columns);
  const int64_t top = std::max<int64_t>(0, row), bottom = std::min(image.h, row + rows);
  const bool together = first < last && last - first == image.w && (bottom - top) * image.w >= lanes;
  if (together)
    winograd_table().gather_rows(bottom - top, image.w, image.count, image.planes + top * image.w, image.h * image.w,
                                 to + ((top - row) * columns + first) * lanes, columns * lanes);
  for (int64_t r = row; r < row + rows; ++r, to += columns * lanes) {
    const bool inside = r >= 0 && r < image.h && first < last;
    std::fill_n(to, (inside ? first : columns) * lanes, 0.0f);
    if (!inside) continue;
    if (!together)
      gemm.pack_rows(last - first, image.count, image.planes + r * image.w + column + first, image.h * image.w,
                     gemm.lanes, to + first * lanes);
    std::fill_n(to + last * lanes, (columns - last) * lanes, 0.0f);
  }
}

// Rows [row, row + rows) of the image: a few hundred bytes of many planes, which no hardware prefetcher follows.
inline void prefetch_rows(const ImageChannels& image, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  const int64_t first = std::clamp<int64_t>(column, 0, image.w), last = std::clamp(column + columns, first, image.w);
  for (int64_t r = std::max<int64_t>(0, row); r < std::min(image.h, row + rows); ++r)
    for (int c = 0; c < image.count; ++c) {
      const float* from = image.planes + (c * image.h + r) * image.w;
      for (int64_t i = first; i < last; i += 64 / int64_t{sizeof(float)}) __builtin_prefetch(from + i);
    }
}

// Strips [begin, end) of tiles that read patches at (row - pad_h, column - pad_w), transformed: the first one's tiles
// to `to`. The buffer holds form.patch rows of patch_columns(form, grid) registers.
inline int64_t patch_columns(const WinogradForm& form, const TileGrid& grid) {
  return grid.tiles() * form.step + form.patch - form.step;
}

template <class Image>
void transform_patches(const WinogradForm& form, const TileGrid& grid, int64_t begin, int64_t end, int64_t pad_h,
                       int64_t pad_w, Image&& image, float* buffer, float* to, int64_t tile, int64_t product,
                       int64_t channel) {
  const auto& gemm = gemm_table().f32;
  const int64_t columns = patch_columns(form, grid), row = columns * gemm.lanes;
  const int64_t shared = form.patch - form.step;
  for (int64_t i = begin; i < end; ++i, to += grid.tiles() * tile) {
    const TileGrid::Strip s = grid.strip(i);
    const ImageChannels from = image(s.n);
    const int64_t known = i > begin && s.below ? shared : 0;
    if (known > 0) std::copy_n(buffer + form.step * row, shared * row, buffer);
    gather(gemm, from, s.row * form.step - pad_h + known, form.patch - known, s.column * form.step - pad_w, columns,
           buffer + known * row);
    if (i + 1 < end) {
      const TileGrid::Strip next = grid.strip(i + 1);
      prefetch_rows(image(next.n), next.row * form.step - pad_h + (next.below ? shared : 0), form.step,
                    next.column * form.step - pad_w, columns);
    }
    form.input(grid.tiles(), buffer, row, to, tile, product, channel, from.count);
  }
}

}  // namespace talus::cpu
