// Forward and the input's gradient. A batch is cut into chunks of tiles. The tiles of a chunk are transformed into 36
// matrices [tiles, C]; then, for as many output channels as a micro-kernel's tile is wide, the weights are transformed
// into 36 packed panels [C, channels], multiplied, and the products transformed back. So neither all transformed
// weights nor all transformed tiles are ever in memory.
#include "cpu/conv2d_winograd.h"

#include "cpu/conv2d_direct.h"
#include "cpu/conv2d_winograd_tiles.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Many tiles: chunks of so many are the work of one thread each. Few: threads share chunks of so many bytes.
constexpr int64_t kChunkTiles = 128, kOwnBytes = 4 << 20, kSharedBytes = 8 << 20;
// Of groups, so that factors and products stay in the L2 cache together.
constexpr int64_t kGroupTiles = 64;
// Products of some tiles of a chunk, which stay in the L2 cache until they are transformed back.
constexpr int64_t kProductBytes = 256 << 10;
// Channels whose weights are transformed at a time where few tiles would not reuse them.
constexpr int64_t kFewTilesDepth = 128;
// Tasks that let a few threads finish together.
constexpr int64_t kTasks = 8;
// Kernels whose taps are sorted at a time.
constexpr int64_t kSorted = 32;

class Winograd {
 public:
  // s: of one group, of images of all channels.
  Winograd(const DirectShape& s, int64_t groups, bool turned)
      : s_(s),
        image_c_(s.c * groups),
        image_o_(s.o * groups),
        turned_(turned),
        gemm_(gemm_table().f32),
        kernels_(winograd_table()),
        lanes_(gemm_.lanes),
        width_(kTileVectors * lanes_),
        grid_(s.n, s.oh, s.ow),
        tile_(apart(s.c)),
        strip_(kWinogradProducts * tile_ * grid_.tiles() * kFloat),
        groups_(groups),
        own_(chunk_strips() * strip_ <= kOwnBytes &&
             (groups >= kTasks || ceil_div(grid_.strips(), chunk_strips()) >= kTasks)),
        chunk_(own_ ? chunk_strips() : even_part(grid_.strips(), std::max(chunk_strips(), kSharedBytes / strip_))),
        part_(even_part(chunk_, kProductBytes / (kWinogradProducts * width_ * kFloat * grid_.tiles()))),
        depth_(part_ < chunk_ ? s.c : even_part(s.c, kFewTilesDepth)),
        product_(apart(chunk_ * grid_.tiles() * tile_)) {}

  void run(const float* x, const float* w, const float* bias, bool relu, float* out) const {
    const int64_t chunks = ceil_div(grid_.strips(), chunk_);
    const auto range = [&](int64_t begin, int64_t end) {
      const Scratch<float> factors(kWinogradProducts * product_);
      for (int64_t first = begin * chunk_; first < std::min(end * chunk_, grid_.strips()); first += chunk_) {
        const int64_t strips = std::min(chunk_, grid_.strips() - first);
        transform_inputs(x, first, strips, factors.get());
        multiply(factors.get(), first, strips, w, bias, relu, out);
      }
    };
    if (own_) return parallel_for(chunks, 1, range);
    range(0, chunks);
  }

 private:
  static constexpr int64_t kFloat = sizeof(float);

  // One thread's scratch memory for the multiplication.
  struct Space {
    int64_t weight, product;  // between the 36 elements
    const Scratch<float> taps, weights, products, strip;

    explicit Space(const Winograd& m)
        : weight(apart(m.depth_ * m.width_)),
          product(apart(m.part_ * m.grid_.tiles() * m.width_)),
          taps(kSorted * 9 * m.lanes_),
          weights(kWinogradProducts * weight),
          products(kWinogradProducts * product),
          strip(kWinogradTile * m.strip_row()) {}
  };

  int64_t chunk_strips() const {
    return even_part(grid_.strips(), (groups_ >= kTasks ? kGroupTiles : kChunkTiles) / grid_.tiles());
  }
  int64_t strip_row() const { return grid_.tiles() * kWinogradTile * lanes_; }

  void transform_inputs(const float* x, int64_t first, int64_t strips, float* factors) const {
    const int64_t blocks = ceil_div(s_.c, lanes_), group = even_part(strips, ceil_div(strips, kTasks));
    const int64_t groups = ceil_div(strips, group), area = s_.h * s_.w;
    const int64_t work = kWinogradProducts * lanes_ * group * grid_.tiles() * 8;
    parallel_for(groups * blocks, kConvParallelWork / work + 1, [&](int64_t begin, int64_t end) {
      const Scratch<float> buffer(kWinogradPatch * patch_columns(grid_) * lanes_);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t strip = i / blocks * group, c = i % blocks * lanes_;
        const auto image = [&](int64_t n) {
          return ImageChannels{x + (n * image_c_ + c) * area, s_.h, s_.w, static_cast<int>(std::min(lanes_, s_.c - c))};
        };
        transform_patches(grid_, first + strip, first + std::min(strips, strip + group), s_.pad_h, s_.pad_w, image,
                          buffer.get(), factors + strip * grid_.tiles() * tile_ + c, tile_, product_);
      }
    });
  }

  // Of the strips [first, first + strips), which are in `factors`.
  void multiply(const float* factors, int64_t first, int64_t strips, const float* w, const float* bias, bool relu,
                float* out) const {
    const int64_t panels = ceil_div(s_.o, width_), parts = ceil_div(strips, part_);
    const int64_t group = ceil_div(parts, std::min(parts, ceil_div(kTasks, panels)));
    const int64_t groups = ceil_div(parts, group);
    const int64_t work = kWinogradProducts * s_.c * width_ * (part_ * grid_.tiles() * group + 8);
    parallel_for(panels * groups, kConvParallelWork / work + 1, [&](int64_t begin, int64_t end) {
      const Space space(*this);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t o = i / groups * width_, begin_part = i % groups * group;
        for (int64_t c = 0; c < s_.c; c += depth_) {
          const int64_t depth = std::min(depth_, s_.c - c);
          transform_weights(w, o, c, depth, space);
          for (int64_t part = begin_part; part < std::min(parts, begin_part + group); ++part) {
            const int64_t strip = part * part_, count = std::min(part_, strips - strip);
            products(factors + strip * grid_.tiles() * tile_ + c, o, depth, count * grid_.tiles(), c > 0, space);
            if (c + depth == s_.c) transform_outputs(first + strip, count, o, bias, relu, space, out);
          }
        }
      }
    });
  }

  // Panels of the weights of `width_` outputs from o, and of the inputs [c, c + depth).
  void transform_weights(const float* w, int64_t o, int64_t c, int64_t depth, const Space& space) const {
    float* to = space.weights.get();
    for (int64_t half = o; half < std::min(o + width_, s_.o); half += lanes_, to += lanes_) {
      const int outputs = static_cast<int>(std::min(lanes_, s_.o - half));
      for (int64_t d = 0; d < depth; d += kSorted) {
        const int64_t count = std::min(kSorted, depth - d);
        if (turned_) {
          for (int64_t i = 0; i < count; ++i)
            gemm_.pack_rows(9, outputs, w + ((c + d + i) * s_.o + half) * 9, 9, gemm_.lanes,
                            space.taps.get() + i * 9 * lanes_);
        } else {
          gemm_.pack_rows(count * 9, outputs, w + (half * s_.c + c + d) * 9, s_.c * 9, gemm_.lanes, space.taps.get());
        }
        kernels_.weights(count, space.taps.get(), turned_, to + d * width_, width_, space.weight);
      }
    }
  }

  void products(const float* factors, int64_t o, int64_t depth, int64_t tiles, bool add, const Space& space) const {
    const int64_t vectors = std::min<int64_t>(kTileVectors, ceil_div(s_.o - o, lanes_));
    const int64_t panels = ceil_div(tiles, gemm_.rows);
    GemmTile<float> t;
    t.k = depth;
    t.a_stride = tile_;
    t.b_stride = t.ldc = width_;
    t.n = static_cast<int>(vectors * lanes_);
    t.alpha = 1;
    t.beta = add ? 1.0f : 0.0f;
    t.bias = nullptr;
    t.relu = false;
    for (int64_t product = 0; product < kWinogradProducts; ++product) {
      t.b = space.weights.get() + product * space.weight;
      for (int64_t panel = 0; panel < panels; ++panel) {
        const int64_t row = panel * tiles / panels, height = (panel + 1) * tiles / panels - row;
        t.a = factors + product * product_ + row * tile_;
        t.c = space.products.get() + product * space.product + row * width_;
        gemm_.tile[1][vectors - 1][height - 1](t);
      }
    }
  }

  void transform_outputs(int64_t first, int64_t strips, int64_t o, const float* bias, bool relu, const Space& space,
                         float* out) const {
    float add[64 / sizeof(float)];
    for (int64_t half = o; half < std::min(o + width_, s_.o); half += lanes_) {
      const int64_t outputs = std::min(lanes_, s_.o - half);
      std::fill_n(add, lanes_, 0.0f);
      if (bias != nullptr) std::copy_n(bias + half, outputs, add);
      const float* from = space.products.get() + half - o;
      for (int64_t i = 0; i < strips; ++i, from += grid_.tiles() * width_) {
        kernels_.output(grid_.tiles(), from, width_, space.product, add, relu, space.strip.get(), strip_row());
        const TileGrid::Strip s = grid_.strip(first + i);
        const int64_t columns = std::min(s_.ow - s.column, grid_.tiles() * kWinogradTile);
        const int64_t rows = std::min(kWinogradTile, s_.oh - s.row);
        float* to = out + ((s.n * image_o_ + half) * s_.oh + s.row) * s_.ow + s.column;
        if (columns == s_.ow && rows * columns >= lanes_) {
          kernels_.scatter_rows(rows, columns, static_cast<int>(outputs), space.strip.get(), strip_row(), to,
                                s_.oh * s_.ow);
          continue;
        }
        for (int64_t r = 0; r < rows; ++r)
          kernels_.scatter(columns, static_cast<int>(outputs), space.strip.get() + r * strip_row(), to + r * s_.ow,
                           s_.oh * s_.ow);
      }
    }
  }

  const DirectShape s_;
  const int64_t image_c_, image_o_;
  const bool turned_;
  const GemmKernels<float>& gemm_;
  const WinogradKernels& kernels_;
  const int64_t lanes_, width_;
  const TileGrid grid_;
  const int64_t tile_;   // elements from one tile to the next
  const int64_t strip_;  // bytes of a transformed strip
  const int64_t groups_;
  const bool own_;              // each chunk is one thread's
  const int64_t chunk_, part_;  // strips of a chunk, and those whose products are in the cache
  const int64_t depth_;         // channels whose weights are transformed at a time
  const int64_t product_;       // elements from one of the 36 matrices to the next
};

void convolve_groups(const DirectShape& s, bool turned, const float* x, const float* w, const float* bias, bool relu,
                     float* out) {
  DirectShape one = s;
  one.c = s.group_c();
  one.o = s.group_o();
  one.groups = 1;
  const Winograd winograd(one, s.groups, turned);
  each_group(s.groups, s.work() * s.n, [&](int64_t g) {
    winograd.run(x + g * one.c * s.h * s.w, w + g * one.o * one.c * 9, bias == nullptr ? nullptr : bias + g * one.o,
                 relu, out + g * one.o * s.oh * s.ow);
  });
}

}  // namespace

bool winograd_fits(const Conv2dParams& p) {
  return p.kh == 3 && p.kw == 3 && p.stride_h == 1 && p.stride_w == 1 && p.dilation_h == 1 && p.dilation_w == 1 &&
         p.n > 0 && p.c > 0 && p.o > 0;
}

void winograd_convolution(const Conv2dParams& p, const float* x, const float* w, const float* bias, bool relu,
                          float* out) {
  convolve_groups(DirectShape::forward(p), false, x, w, bias, relu, out);
}

void winograd_input_gradient(const Conv2dParams& p, const float* grad, const float* w, float* grad_x) {
  convolve_groups(DirectShape::backward_input(p), true, grad, w, nullptr, false, grad_x);
}

}  // namespace talus::cpu
