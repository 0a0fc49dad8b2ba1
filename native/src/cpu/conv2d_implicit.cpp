// Convolution as a product whose right side, the patches, is packed from the images: a row of weights for each output
// channel times a column of taps for each pixel. What is summed in which order depends on the shape only.
#include <numeric>

#include "caches.h"
#include "cpu/conv2d_direct.h"
#include "cpu/conv2d_im2col.h"
#include "cpu/conv2d_patches.h"
#include "dtype.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// At most this many taps are summed at a time: rows of weights for one tile then stay in L1, patches of a block in L2.
constexpr int64_t kTaps = 448;
// From so many blocks on, the weights are copied once, before all of them, and not a panel at a time by each.
constexpr int64_t kBlocksToCopyWeights = 4;
constexpr int64_t kCopyGrain = 1 << 16;

template <class T>
class Implicit {
 public:
  Implicit(const DirectShape& s, const T* x, const T* w, const T* bias, const Activation& activation, T* out)
      : s_(s),
        x_(x),
        w_(w),
        bias_(bias),
        activation_(activation),
        out_(out),
        gemm_(gemm_table().of<T>()),
        conv_(conv2d_table().of<T>()),
        area_(s.oh * s.ow),
        kernel_(s.kh * s.kw),
        joined_(s.n > 1 && 2 * area_ <= kColumns),
        shape_(tile_shape(gemm_, joined_ ? kColumns : std::min(area_, kColumns))),
        channels_(channels(s, gemm_, shape_)),
        depth_(channels_ * kernel_),
        panels_(ceil_div(s.group_o(), shape_.rows)),
        pixel_unit_(ImageLayout(s).copied() ? s.ow : 1) {}

  void run() const {
    const bool alone = num_threads() == 1 || s_.n * s_.work() < 2 * kConvParallelWork;
    const int64_t wanted = alone ? 1 : kBlocksPerThread * num_threads();
    const auto blocks = cut(std::clamp(s_.n * area_ * s_.groups / wanted, kColumns, std::max(kColumns, columns())));
    const int64_t items = static_cast<int64_t>(blocks.size()) * s_.groups;
    if (items >= wanted) {
      const bool copy = items >= kBlocksToCopyWeights * s_.groups;
      const Scratch<T> weights(copy ? chunks() * s_.o * row_stride() : 0);
      if (copy) copy_weights(weights.get());
      const auto range = [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          one_block(blocks[static_cast<size_t>(i / s_.groups)], i % s_.groups, copy ? weights.get() : nullptr);
      };
      if (alone) return range(0, items);
      return parallel_for(items, 1, range);
    }
    const int64_t most = caches().l3 / 8 / (s_.taps() * int64_t{sizeof(T)});
    for (const PixelBlock& block : cut(std::max(kColumns, most)))
      for (int64_t g = 0; g < s_.groups; ++g) shared_block(block, g);
  }

 private:
  static constexpr int64_t kLine = 64 / sizeof(T);

  // Of the input, summed at a time.
  static int64_t channels(const DirectShape& s, const GemmKernels<T>& gemm, const TileShape& shape) {
    const int64_t most = std::min(kTaps, block_depth(gemm, shape)) / (s.kh * s.kw),
                  unit = s.group_c() < kLine ? 1 : kLine;
    return std::min(s.group_c(), even_part(s.group_c(), most, unit));
  }
  int64_t chunks() const { return ceil_div(s_.group_c(), channels_); }

  // Pixels of a block: more where weights that are large beside L2 pass by for each, and L2 has room for their patches.
  int64_t columns() const {
    const int64_t l2 = caches().l2, row = depth_ * int64_t{sizeof(T)};
    return s_.group_o() * s_.taps() * int64_t{sizeof(T)} * 8 > l2 ? l2 * 5 / 8 / row : kColumns;
  }

  // Into blocks of about `columns` pixels: of several images, or of a part of one.
  std::vector<PixelBlock> cut(int64_t columns) const {
    std::vector<PixelBlock> blocks;
    const int64_t images = std::min(s_.n, std::max<int64_t>(1, columns / area_));
    // Parts that fill registers, if that makes them no longer.
    const int64_t whole = std::lcm<int64_t>(pixel_unit_, gemm_.lanes), unit = whole <= columns ? whole : pixel_unit_;
    const int64_t count = images > 1 ? area_ : std::min(area_, even_part(area_, columns, unit));
    for (int64_t n = 0; n < s_.n; n += images)
      for (int64_t first = 0; first < area_; first += count)
        blocks.push_back({n, std::min(images, s_.n - n), first, std::min(count, area_ - first)});
    return blocks;
  }

  const T* planes(const PixelBlock& b, int64_t g) const { return x_ + (b.n * s_.c + g * s_.group_c()) * s_.h * s_.w; }

  // The first output channel of a panel, in its group.
  int64_t start(int64_t panel) const { return panel * s_.group_o() / panels_; }

  // Rows of weights an odd number of lines apart, so that they spread over the sets of the cache.
  int64_t row_stride() const { return (ceil_div(depth_, kLine) | 1) * kLine; }

  // The weights of some output channels, for channels from c on of the input.
  void copy_rows(int64_t row, int64_t height, int64_t c, T* to) const {
    const int64_t taps = std::min(channels_, s_.group_c() - c) * kernel_;
    conv_.copy_rows(height, taps, w_ + row * s_.taps() + c * kernel_, s_.taps(), to, row_stride());
  }

  // All of them, chunk after chunk.
  void copy_weights(T* to) const {
    parallel_for(chunks() * s_.o, kCopyGrain / row_stride() + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end;) {
        const int64_t row = i % s_.o, height = std::min(end - i, s_.o - row);
        copy_rows(row, height, i / s_.o * channels_, to + i * row_stride());
        i += height;
      }
    });
  }

  // Packed and multiplied by this thread, some channels after the other. `weights` are all, copied, or null.
  void one_block(const PixelBlock& block, int64_t g, const T* weights) const {
    const Patches<T> patches(gemm_, s_, block, depth_, s_.group_o() <= kRowsInPlace, joined_, shape_.width);
    const Scratch<T> packed(patches.size()), rows(weights == nullptr ? shape_.rows * row_stride() : 0);
    for (int64_t c = 0; c < s_.group_c(); c += channels_) {
      patches.pack(planes(block, g), c, std::min(c + channels_, s_.group_c()), 0, packed.get());
      for (int64_t panel = 0; panel < panels_; ++panel) {
        const int64_t row = g * s_.group_o() + start(panel);
        if (weights == nullptr) copy_rows(row, start(panel + 1) - start(panel), c, rows.get());
        multiply(block, g, patches, packed.get(), c, panel, 0, patches.tiles(),
                 weights == nullptr ? rows.get() : weights + (c / channels_ * s_.o + row) * row_stride());
      }
    }
  }

  // All threads pack, then they share the output channels, and columns if channels are few.
  void shared_block(const PixelBlock& block, int64_t g) const {
    const Patches<T> patches(gemm_, s_, block, depth_, s_.group_o() <= kRowsInPlace, joined_, shape_.width);
    const Scratch<T> packed(chunks() * patches.size());
    const int64_t threads = num_threads();
    parallel_for(patches.nothing_to_pack() ? 0 : s_.group_c(),
                 std::max<int64_t>(1, s_.group_c() / (threads * kPiecesPerThread)), [&](int64_t begin, int64_t end) {
                   for (int64_t c = begin; c < end;) {
                     const int64_t chunk = c / channels_, last = std::min(end, (chunk + 1) * channels_);
                     patches.pack(planes(block, g), c, last, (c - chunk * channels_) * kernel_,
                                  packed.get() + chunk * patches.size());
                     c = last;
                   }
                 });
    const int64_t tiles = patches.tiles();
    const int64_t groups = ceil_div(tiles, std::max<int64_t>(1, kColumns / patches.width()));
    const int64_t pieces = std::min(panels_, ceil_div(threads * kPiecesPerThread, groups));
    parallel_for(pieces * groups, 1, [&](int64_t begin, int64_t end) {
      const Scratch<T> rows(shape_.rows * row_stride());
      for (int64_t i = begin; i < end; ++i) {
        const int64_t piece = i / groups, group = i % groups;
        for (int64_t chunk = 0; chunk < chunks(); ++chunk)
          for (int64_t panel = piece * panels_ / pieces; panel < (piece + 1) * panels_ / pieces; ++panel) {
            copy_rows(g * s_.group_o() + start(panel), start(panel + 1) - start(panel), chunk * channels_, rows.get());
            multiply(block, g, patches, packed.get() + chunk * patches.size(), chunk * channels_, panel,
                     group * tiles / groups, (group + 1) * tiles / groups, rows.get());
          }
      }
    });
  }

  // The sums of one panel of output channels, whose weights are `rows`, of channels from c on of the input, for some
  // tiles of pixels.
  void multiply(const PixelBlock& block, int64_t g, const Patches<T>& patches, const T* packed, int64_t c,
                int64_t panel, int64_t first_tile, int64_t last_tile, const T* rows) const {
    const int64_t height = start(panel + 1) - start(panel), row = g * s_.group_o() + start(panel);
    const bool last = c + channels_ >= s_.group_c();
    GemmTile<T> t;
    t.k = std::min(channels_, s_.group_c() - c) * kernel_;
    t.a = rows;
    t.a_stride = row_stride();
    t.ldc = area_;
    t.alpha = T{1};
    t.beta = c == 0 ? T{0} : T{1};
    t.bias = nullptr;
    t.activation = last ? activation_ : kNoActivation;
    t.row_bias = last && bias_ != nullptr ? bias_ + row : nullptr;
    for (int64_t i = first_tile; i < last_tile; ++i) {
      const PixelTile& tile = patches.tile(i);
      t.b = packed + i * patches.tile_size();
      t.c = out_ + ((block.n + tile.image) * s_.o + row) * area_ + tile.first;
      if (tile.dots) {
        t.b_stride = patches.dots_stride();
        multiply_dots(t, height, tile.columns);
      } else {
        t.b_stride = patches.width();
        if (patches.in_place(tile)) {
          t.b_stride = s_.h * s_.w;
          t.b = planes(block, g) + c * t.b_stride + patches.place(tile);
        }
        t.n = static_cast<int>(tile.columns);
        if (patches.one_image(tile)) {
          gemm_.tile_of(true, t.n, height)(t);
        } else {
          multiply_joined(t, block, row, height, patches, tile);
        }
      }
    }
  }

  // A tile of several images has its sums side by side before they go to each.
  void multiply_joined(const GemmTile<T>& all, const PixelBlock& block, int64_t row, int64_t height,
                       const Patches<T>& patches, const PixelTile& tile) const {
    T sums[kMaxTileRows * kWideTileVectors * kLine];
    GemmTile<T> t = all;
    t.c = sums;
    t.ldc = patches.width();
    const auto out = [&](int64_t image, int64_t pixel) {
      return out_ + ((block.n + image) * s_.o + row) * area_ + pixel;
    };
    if (t.beta != T{0})
      patches.each_part(tile, [&](int64_t image, int64_t pixel, int64_t column, int64_t columns) {
        conv_.copy_rows(height, columns, out(image, pixel), area_, sums + column, t.ldc);
      });
    gemm_.tile_of(true, t.n, height)(t);
    patches.each_part(tile, [&](int64_t image, int64_t pixel, int64_t column, int64_t columns) {
      conv_.copy_rows(height, columns, sums + column, t.ldc, out(image, pixel), area_);
    });
  }

  void multiply_dots(const GemmTile<T>& all, int64_t height, int64_t columns) const {
    const int64_t high = ceil_div(height, gemm_.most_dot_rows), wide = ceil_div(columns, gemm_.most_dot_columns);
    GemmTile<T> t = all;
    for (int64_t j = 0; j < wide; ++j)
      for (int64_t i = 0; i < high; ++i) {
        const int64_t row = i * height / high, column = j * columns / wide;
        t.a = all.a + row * all.a_stride;
        t.b = all.b + column * all.b_stride;
        t.c = all.c + row * all.ldc + column;
        t.row_bias = all.row_bias == nullptr ? nullptr : all.row_bias + row;
        gemm_.dots[(i + 1) * height / high - row - 1][(j + 1) * columns / wide - column - 1](t);
      }
  }

  const DirectShape s_;
  const T *const x_, *const w_, *const bias_;
  const Activation activation_;
  T* const out_;
  const GemmKernels<T>& gemm_;
  const ConvKernels<T>& conv_;
  const int64_t area_, kernel_;
  const bool joined_;
  const TileShape shape_;
  const int64_t channels_, depth_, panels_, pixel_unit_;
};

}  // namespace

template <class T>
void implicit_convolution(const DirectShape& s, const T* x, const T* w, const T* bias, const Activation& activation,
                          T* out) {
  Implicit<T>(s, x, w, bias, activation, out).run();
}

template void implicit_convolution(const DirectShape&, const float*, const float*, const float*, const Activation&,
                                   float*);
template void implicit_convolution(const DirectShape&, const double*, const double*, const double*, const Activation&,
                                   double*);

}  // namespace talus::cpu
