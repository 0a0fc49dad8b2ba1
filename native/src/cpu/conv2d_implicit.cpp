// Convolution as a product whose right side, the patches, is packed from the images: a row of weights for each output
// channel times a column of taps for each pixel. Weights are read where they are. What is summed in which order depends
// on the shape only.
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

template <class T>
class Implicit {
 public:
  Implicit(const DirectShape& s, const T* x, const T* w, const T* bias, bool relu, T* out)
      : s_(s),
        x_(x),
        w_(w),
        bias_(bias),
        relu_(relu),
        out_(out),
        gemm_(gemm_table().of<T>()),
        conv_(conv2d_table().of<T>()),
        area_(s.oh * s.ow),
        kernel_(s.kh * s.kw),
        channels_(std::min(s.group_c(), even_part(s.group_c(), kTaps / kernel_, s.group_c() < kLine ? 1 : kLine))),
        depth_(channels_ * kernel_),
        panels_(ceil_div(s.group_o(), gemm_.rows)),
        pixel_unit_(ImageLayout(s).copied() ? s.ow : 1) {}

  void run() const {
    const bool alone = num_threads() == 1 || s_.n * s_.work() < 2 * kConvParallelWork;
    const auto blocks = cut(kColumns);
    const int64_t items = static_cast<int64_t>(blocks.size()) * s_.groups;
    if (alone || items >= kBlocksPerThread * num_threads()) {
      const auto range = [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) one_block(blocks[static_cast<size_t>(i / s_.groups)], i % s_.groups);
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

  // Packed and multiplied by this thread, some channels after the other.
  void one_block(const PixelBlock& block, int64_t g) const {
    const Patches<T> patches(gemm_, s_, block, depth_, s_.group_o() <= kRowsInPlace);
    const Scratch<T> packed(patches.size()), rows(gemm_.rows * row_stride());
    for (int64_t c = 0; c < s_.group_c(); c += channels_) {
      patches.pack(planes(block, g), c, std::min(c + channels_, s_.group_c()), 0, packed.get());
      for (int64_t panel = 0; panel < panels_; ++panel)
        multiply(block, g, patches, packed.get(), c, panel, 0, patches.tiles(), rows.get());
    }
  }

  // All threads pack, then they share the output channels, and columns if channels are few.
  void shared_block(const PixelBlock& block, int64_t g) const {
    const Patches<T> patches(gemm_, s_, block, depth_, s_.group_o() <= kRowsInPlace);
    const int64_t chunks = ceil_div(s_.group_c(), channels_);
    const Scratch<T> packed(chunks * patches.size());
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
      const Scratch<T> rows(gemm_.rows * row_stride());
      for (int64_t i = begin; i < end; ++i) {
        const int64_t piece = i / groups, group = i % groups;
        for (int64_t chunk = 0; chunk < chunks; ++chunk)
          for (int64_t panel = piece * panels_ / pieces; panel < (piece + 1) * panels_ / pieces; ++panel)
            multiply(block, g, patches, packed.get() + chunk * patches.size(), chunk * channels_, panel,
                     group * tiles / groups, (group + 1) * tiles / groups, rows.get());
      }
    });
  }

  // Rows of weights an odd number of lines apart, so that they spread over the sets of the cache.
  int64_t row_stride() const { return (ceil_div(depth_, kLine) | 1) * kLine; }

  // The sums of one panel of output channels, of channels from c on of the input, for some tiles of pixels.
  void multiply(const PixelBlock& block, int64_t g, const Patches<T>& patches, const T* packed, int64_t c,
                int64_t panel, int64_t first_tile, int64_t last_tile, T* rows) const {
    const int64_t o = s_.group_o(), first = panel * o / panels_, height = (panel + 1) * o / panels_ - first;
    const int64_t row = g * o + first, taps = std::min(channels_, s_.group_c() - c) * kernel_;
    const bool last = c + channels_ >= s_.group_c();
    conv_.copy_rows(height, taps, w_ + row * s_.taps() + c * kernel_, s_.taps(), rows, row_stride());
    GemmTile<T> t;
    t.k = taps;
    t.a = rows;
    t.a_stride = row_stride();
    t.ldc = area_;
    t.alpha = T{1};
    t.beta = c == 0 ? T{0} : T{1};
    t.bias = nullptr;
    t.relu = last && relu_;
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
        gemm_.tile[1][t.n > gemm_.lanes ? 1 : 0][height - 1](t);
      }
    }
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
  const bool relu_;
  T* const out_;
  const GemmKernels<T>& gemm_;
  const ConvKernels<T>& conv_;
  const int64_t area_, kernel_, channels_, depth_, panels_, pixel_unit_;
};

}  // namespace

template <class T>
void implicit_convolution(const DirectShape& s, const T* x, const T* w, const T* bias, bool relu, T* out) {
  Implicit<T>(s, x, w, bias, relu, out).run();
}

template void implicit_convolution(const DirectShape&, const float*, const float*, const float*, bool, float*);
template void implicit_convolution(const DirectShape&, const double*, const double*, const double*, bool, double*);

}  // namespace talus::cpu
