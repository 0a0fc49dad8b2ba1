// The input's gradient as products whose results never form a matrix: for a few channels at a time, every tap of every
// channel is multiplied by the output's gradient, and the taps are added up on the image at once. What is summed in
// which order depends on the shape only.
#include "caches.h"
#include "cpu/conv2d_direct.h"
#include "cpu/conv2d_im2col.h"
#include "cpu/conv2d_patches.h"
#include "dtype.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// At most this many output channels are summed at a time, for at most this many taps, whose sums take at most so many
// bytes: weights and sums stay in L2.
constexpr int64_t kDepth = 448;
constexpr int64_t kTaps = 126;
constexpr int64_t kSumsBytes = 256 << 10;
// Images of so few pixels would leave lanes idle, and use each of the weights a few times only.
constexpr int64_t kFewPixels = 64;

template <class T>
class ImplicitGradient {
 public:
  ImplicitGradient(const DirectShape& s, const T* grad, const T* w, T* grad_x)
      : s_(s),
        grad_(grad),
        w_(w),
        grad_x_(grad_x),
        gemm_(gemm_table().of<T>()),
        conv_(conv2d_table().of<T>()),
        layout_(s_),
        offsets_(layout_.offsets()),
        area_(s.oh * s.ow),
        kernel_(s.kh * s.kw),
        pixels_(pixels(s)),
        direct_(kernel_ == 1 && !layout_.copied()),
        few_pixels_(area_ <= kFewPixels),
        shape_(tile_shape(gemm_, area_)),
        depth_(std::min(s.group_o(), even_part(s.group_o(), kDepth, std::min(kLine, s.group_o())))) {}

  void run() const {
    const int64_t threads = num_threads();
    const bool alone = threads == 1 || s_.n * s_.work() < 2 * kConvParallelWork;
    auto blocks = cut(4 * kColumns);
    auto items = static_cast<int64_t>(blocks.size()) * s_.groups;
    const bool shared = alone || items < kBlocksPerThread * threads;
    if (shared && !alone) {
      blocks = cut(std::max(4 * kColumns, caches().l3 / 8 / (s_.group_o() * int64_t{sizeof(T)})));
      items = static_cast<int64_t>(blocks.size()) * s_.groups;
    }
    const auto range = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        one_block(blocks[static_cast<size_t>(i / s_.groups)], i % s_.groups, alone ? 0 : threads);
    };
    if (shared) return range(0, items);
    parallel_for(items, 1, range);
  }

 private:
  static constexpr int64_t kLine = 64 / sizeof(T);

  // One thread's memory: the weights of some channels, their sums for all pixels, with rows of pixels too, and a plane
  // of the image's layout.
  struct Space {
    const Scratch<T> weights, turned, sums, plane;

    Space(const ImplicitGradient& g, int64_t images, int64_t channels)
        : weights((channels * g.kernel_ + kMaxTileRows + kWideTileVectors * g.gemm_.lanes) * g.depth_),
          turned(g.few_pixels_ ? images * channels * g.kernel_ * g.area_ : 0),
          sums(g.direct_ ? 0 : images * channels * g.kernel_ * g.area_),
          plane(g.layout_.copied() ? g.layout_.plane() : 0) {}
  };

  // The output's gradient as images of one row, and the 1x1 patches of them.
  static DirectShape pixels(const DirectShape& s) {
    const int64_t area = s.oh * s.ow;
    return {s.n, s.o, 1, area, s.o, 1, area, 1, 1, 1, 1, 0, 0, 1, 1, s.groups};
  }

  // Some whole images or, where nothing is added up, parts of one.
  std::vector<PixelBlock> cut(int64_t columns) const {
    std::vector<PixelBlock> blocks;
    const int64_t images = std::min(s_.n, std::max<int64_t>(1, kColumns / area_));
    const int64_t unit = std::min<int64_t>(area_, shape_.width);
    const int64_t count = direct_ && images == 1 ? std::min(area_, even_part(area_, columns, unit)) : area_;
    for (int64_t n = 0; n < s_.n; n += images)
      for (int64_t first = 0; first < area_; first += count)
        blocks.push_back({n, std::min(images, s_.n - n), first, std::min(count, area_ - first)});
    return blocks;
  }

  void one_block(const PixelBlock& block, int64_t g, int64_t threads) const {
    const Patches<T> patches(gemm_, pixels_, block, depth_, s_.group_c() * kernel_ <= kRowsInPlace, false,
                             shape_.width);
    const int64_t o = s_.group_o(), c = s_.group_c(), chunks = ceil_div(o, depth_);
    const int64_t chunk_size = few_pixels_ ? block.images * area_ * depth_ : patches.size();
    const Scratch<T> packed(chunks * chunk_size);
    const T* planes = grad_ + (block.n * s_.o + g * o) * area_;
    const int64_t to_pack = !few_pixels_ && patches.nothing_to_pack() ? 0 : o;
    parallel_for(to_pack, threads == 0 ? o : std::max<int64_t>(1, o / (threads * kPiecesPerThread)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t first = begin; first < end;) {
                     const int64_t chunk = first / depth_, last = std::min(end, (chunk + 1) * depth_);
                     T* to = packed.get() + chunk * chunk_size;
                     if (few_pixels_) {
                       pack_rows(block, planes, first, last, std::min(depth_, o - chunk * depth_), to);
                     } else {
                       patches.pack(planes, first, last, first - chunk * depth_, to);
                     }
                     first = last;
                   }
                 });
    const int64_t sums = block.images * kernel_ * area_ * int64_t{sizeof(T)};
    const int64_t most = std::min(kTaps / kernel_, direct_ ? c : kSumsBytes / sums);
    const int64_t share = threads == 0 ? c : ceil_div(c, threads * kPiecesPerThread);
    // Channels of a 1x1 kernel fill whole tiles; where they are too few for all threads, these share pixels, too.
    const int64_t unit = kernel_ > 1 ? 1 : few_pixels_ ? kTileVectors * gemm_.lanes : shape_.rows;
    const int64_t some = std::min(c, even_part(c, std::min(most, share), std::min(c, unit)));
    const int64_t groups = ceil_div(c, some), tiles = patches.tiles();
    const int64_t parts =
        direct_ && !few_pixels_ && threads > 0 ? std::min(tiles, ceil_div(threads * kPiecesPerThread, groups)) : 1;
    parallel_for(groups * parts, threads == 0 ? groups : 1, [&](int64_t begin, int64_t end) {
      const Space space(*this, block.images, some);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t first = i / parts * some, part = i % parts;
        channels(block, g, patches, packed.get(), first, std::min(c, first + some), part * tiles / parts,
                 (part + 1) * tiles / parts, space);
      }
    });
  }

  // Output channels [first, last) of a chunk of `depth` of them, as panels of pixels, which go on from image to image.
  void pack_rows(const PixelBlock& block, const T* planes, int64_t first, int64_t last, int64_t depth, T* to) const {
    const int64_t all = block.images * area_, high = row_height(all);
    for (int64_t row = 0; row < all;) {
      const int64_t image = row / area_, pixel = row % area_, at = row % high, start = row - at;
      const int64_t height = std::min(high, all - start), count = std::min(height - at, area_ - pixel);
      conv_.split_columns(last - first, count, planes + (image * s_.o + first) * area_ + pixel, area_,
                          static_cast<int>(height), to + start * depth + first % depth_ * height + at, 0);
      row += count;
    }
  }
  int64_t row_height(int64_t rows) const { return ceil_div(rows, ceil_div(rows, gemm_.rows)); }

  // Input channels [first, last), for some tiles of pixels: all of them where taps are added up.
  void channels(const PixelBlock& block, int64_t g, const Patches<T>& patches, const T* packed, int64_t first,
                int64_t last, int64_t first_tile, int64_t last_tile, const Space& space) const {
    const int64_t rows = (last - first) * kernel_, image = direct_ ? s_.c * area_ : rows * area_;
    T* sums = direct_ ? grad_x_ + (block.n * s_.c + g * s_.group_c() + first) * area_ : space.sums.get();
    const T* w = w_ + g * s_.group_o() * s_.taps() + first * kernel_;
    if (few_pixels_) {
      multiply_rows(block.images, w, rows, packed, image, sums, space);
    } else {
      const T* planes = grad_ + (block.n * s_.o + g * s_.group_o()) * area_;
      for (int64_t o = 0; o < s_.group_o(); o += depth_, packed += patches.size())
        multiply(patches, w, rows, o, planes, packed, image, sums, first_tile, last_tile, space);
    }
    if (direct_) return;
    for (int64_t i = 0; i < block.images; ++i)
      for (int64_t c = first; c < last; ++c)
        add_up(space, sums + i * image + (c - first) * kernel_ * area_,
               grad_x_ + ((block.n + i) * s_.c + g * s_.group_c() + c) * s_.h * s_.w);
  }

  GemmTile<T> tile(int64_t o) const {
    GemmTile<T> t;
    t.k = std::min(depth_, s_.group_o() - o);
    t.alpha = T{1};
    t.beta = o == 0 ? T{0} : T{1};
    t.bias = nullptr;
    t.activation = kNoActivation;
    return t;
  }

  // Weights [O, rows] of a chunk of output channels from o on, transposed, times pixels [O, columns] -> sums, those of
  // one image after the other.
  void multiply(const Patches<T>& patches, const T* w, int64_t rows, int64_t o, const T* planes, const T* packed,
                int64_t image, T* sums, int64_t first_tile, int64_t last_tile, const Space& space) const {
    const int64_t panels = ceil_div(rows, shape_.rows), high = ceil_div(rows, panels);
    GemmTile<T> t = tile(o);
    t.ldc = area_;
    conv_.split_columns(t.k, rows, w + o * s_.taps(), s_.taps(), static_cast<int>(high), space.weights.get(),
                        high * t.k);
    for (int64_t i = first_tile; i < last_tile; ++i) {
      const PixelTile& pixels = patches.tile(i);
      t.b = packed + i * patches.tile_size();
      t.b_stride = patches.width();
      if (patches.in_place(pixels)) {
        t.b = planes + o * area_ + patches.place(pixels);
        t.b_stride = area_;
      }
      t.n = static_cast<int>(pixels.columns);
      for (int64_t row = 0; row < rows; row += high) {
        const int64_t height = std::min(high, rows - row);
        t.a = space.weights.get() + row * t.k;
        t.a_stride = high;
        t.c = sums + pixels.image * image + row * area_ + pixels.first;
        if (pixels.dots) {
          multiply_turned(t, patches.dots_stride(), height);
        } else {
          gemm_.tile_of(false, t.n, height)(t);
        }
      }
    }
  }

  // The same of few pixels, which are rows: the weights fill the lanes, and the sums are transposed.
  void multiply_rows(int64_t images, const T* w, int64_t rows, const T* packed, int64_t image, T* sums,
                     const Space& space) const {
    const int64_t width = kTileVectors * gemm_.lanes, all = images * area_, high = row_height(all);
    const bool in_place = gemm_.partial_b && all <= kRowsInPlace;
    for (int64_t o = 0; o < s_.group_o(); o += depth_, packed += all * depth_, w += depth_ * s_.taps()) {
      GemmTile<T> t = tile(o);
      t.ldc = rows;
      if (!in_place)
        conv_.split_columns(t.k, rows, w, s_.taps(), static_cast<int>(width), space.weights.get(), width * t.k);
      for (int64_t column = 0; column < rows; column += width)
        for (int64_t row = 0; row < all; row += high) {
          const int64_t height = std::min(high, all - row);
          t.b = in_place ? w + column : space.weights.get() + column * t.k;
          t.b_stride = in_place ? s_.taps() : width;
          t.n = static_cast<int>(std::min(width, rows - column));
          t.a = packed + row * t.k;
          t.a_stride = height;
          t.c = space.turned.get() + row * rows + column;
          gemm_.tile_of(false, t.n, height)(t);
        }
    }
    for (int64_t i = 0; i < images; ++i)
      gemm_.pack_rows(rows, static_cast<int>(area_), space.turned.get() + i * area_ * rows, rows,
                      static_cast<int>(area_), sums + i * image);
  }

  // Pixels that would leave most lanes idle, as rows: the weights fill the lanes.
  void multiply_turned(const GemmTile<T>& all, int64_t pixel_stride, int64_t height) const {
    const int64_t width = kTileVectors * gemm_.lanes;
    T sums[kMaxTileRows * kMaxTileRows];
    for (int64_t pixel = 0; pixel < all.n; pixel += gemm_.rows)
      for (int64_t row = 0; row < height; row += width) {
        const int64_t pixels = std::min<int64_t>(gemm_.rows, all.n - pixel), rows = std::min(width, height - row);
        GemmTile<T> t = all;
        t.a = all.b + pixel * pixel_stride;
        t.a_stride = pixel_stride;
        t.b = all.a + row;
        t.b_stride = all.a_stride;
        t.n = static_cast<int>(rows);
        t.beta = T{0};
        t.c = sums;
        t.ldc = kMaxTileRows;
        gemm_.tile_of(true, rows, pixels)(t);
        for (int64_t i = 0; i < rows; ++i)
          for (int64_t j = 0; j < pixels; ++j) {
            T& to = all.c[(row + i) * all.ldc + pixel + j];
            to = (all.beta == T{0} ? T{0} : to) + sums[j * kMaxTileRows + i];
          }
      }
  }

  // The taps of one channel [KH * KW, OH * OW] -> its plane of the image.
  void add_up(const Space& space, const T* taps, T* plane) const {
    // One tap is all of its phase.
    if (kernel_ == 1 && layout_.row() == s_.ow && offsets_[0] == 0) return layout_.copy_back(conv_, taps, 1, plane);
    T* to = layout_.copied() ? space.plane.get() : plane;
    std::fill_n(to, layout_.plane(), T{0});
    for (int64_t t = 0; t < kernel_; ++t)
      conv_.add_rows(s_.oh, s_.ow, taps + t * area_, s_.ow, to + offsets_[static_cast<size_t>(t)], layout_.row());
    if (layout_.copied()) layout_.copy_back(conv_, to, 1, plane);
  }

  const DirectShape s_;
  const T *const grad_, *const w_;
  T* const grad_x_;
  const GemmKernels<T>& gemm_;
  const ConvKernels<T>& conv_;
  const ImageLayout layout_;
  const std::vector<int64_t> offsets_;
  const int64_t area_, kernel_;
  const DirectShape pixels_;
  const bool direct_, few_pixels_;
  const TileShape shape_;
  const int64_t depth_;
};

}  // namespace

template <class T>
void implicit_input_gradient(const DirectShape& s, const T* grad, const T* w, T* grad_x) {
  ImplicitGradient<T>(s, grad, w, grad_x).run();
}

template void implicit_input_gradient(const DirectShape&, const float*, const float*, float*);
template void implicit_input_gradient(const DirectShape&, const double*, const double*, double*);

}  // namespace talus::cpu
