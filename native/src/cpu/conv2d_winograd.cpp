// Forward and the input's gradient. A batch is cut into chunks of tiles. The tiles of a chunk are transformed into
// matrices [tiles, C], 36 at stride 1; then, for as many output channels as a micro-kernel's tile is wide, the weights
// are transformed into packed panels [C, channels], multiplied, and the products transformed back. So neither all
// transformed weights nor all transformed tiles are ever in memory.
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
// Products of some tiles of a chunk, which stay in the L2 cache until they are transformed back: bytes for each lane,
// as caches are larger where registers are.
constexpr int64_t kProductBytes = 16 << 10;
// Weights that are transformed at a time where few tiles would not reuse them.
constexpr int64_t kFewTilesWeights = 36 * 4096;
// Up to so many tiles of 4x4 are cut into smaller ones, whose weights take less to transform.
constexpr int64_t kSmallTiles = 16;
// Tasks that let a few threads finish together.
constexpr int64_t kTasks = 8;
// Kernels whose taps are sorted at a time.
constexpr int64_t kSorted = 32;

// One group's convolution, of images of all channels: x [C, H, W] -> out [O, OH, OW], as its form sees it.
struct Problem {
  int64_t n, c, h, w, o, oh, ow, image_c, image_o;
  int64_t pad_h, pad_w;    // of the input: the first patch begins at -pad
  int64_t skip_h, skip_w;  // outputs of the first tile before the image's
  int64_t groups;
  bool backward;

  static Problem forward(const Conv2dParams& p) {
    return {p.n, p.group_c(), p.h,     p.w, p.group_o(), p.out_h(), p.out_w(), p.c,
            p.o, p.pad_h,     p.pad_w, 0,   0,           p.groups,  false};
  }

  static Problem backward_input(const Conv2dParams& p) {
    Problem s = {p.n, p.group_o(), p.out_h(),   p.out_w(), p.group_c(), p.h,      p.w, p.o,
                 p.c, 2 - p.pad_h, 2 - p.pad_w, 0,         0,           p.groups, true};
    if (p.stride_h == 1) return s;
    // A tile begins with an odd pixel of the padded image, and with the gradients of the two outputs around it.
    s.pad_h = 1 - (p.pad_h + 1) / 2;
    s.pad_w = 1 - (p.pad_w + 1) / 2;
    s.skip_h = 1 - p.pad_h % 2;
    s.skip_w = 1 - p.pad_w % 2;
    return s;
  }
};

const WinogradForm& form_of(const Problem& s, bool strided) {
  const auto& table = winograd_table();
  if (strided) return s.backward ? winograd_strided_table().backward : winograd_strided_table().forward;
  if (s.n * ceil_div(s.oh, kWinogradTile) * ceil_div(s.ow, kWinogradTile) <= kSmallTiles)
    return s.backward ? table.small_backward : table.small_forward;
  return s.backward ? table.backward : table.forward;
}

class Winograd {
 public:
  Winograd(const Problem& s, const WinogradForm& form)
      : s_(s),
        form_(form),
        gemm_(gemm_table().f32),
        kernels_(winograd_table()),
        lanes_(gemm_.lanes),
        width_(kTileVectors * lanes_),
        grid_(s.n, ceil_div(s.oh + s.skip_h, form.tile), ceil_div(s.ow + s.skip_w, form.tile)),
        tile_(apart(s.c * form.phases[0])),
        strip_(form.factors * tile_ * grid_.tiles() * kFloat),
        own_(chunk_strips() * strip_ <= kOwnBytes &&
             (s.groups >= kTasks || ceil_div(grid_.strips(), chunk_strips()) >= kTasks)),
        chunk_(own_ ? chunk_strips() : even_part(grid_.strips(), std::max(chunk_strips(), kSharedBytes / strip_))),
        part_(even_part(chunk_, kProductBytes * lanes_ / (form.products * width_ * kFloat * grid_.tiles()))),
        depth_(part_ < chunk_ ? s.c : even_part(s.c, kFewTilesWeights / (form.panels * width_), lanes_)),
        product_(apart(chunk_ * grid_.tiles() * tile_)) {}

  void run(const float* x, const float* w, const float* bias, const Activation& activation, float* out) const {
    const int64_t chunks = ceil_div(grid_.strips(), chunk_);
    const auto range = [&](int64_t begin, int64_t end) {
      const Scratch<float> factors(form_.factors * product_);
      for (int64_t first = begin * chunk_; first < std::min(end * chunk_, grid_.strips()); first += chunk_) {
        const int64_t strips = std::min(chunk_, grid_.strips() - first);
        transform_inputs(x, first, strips, factors.get());
        multiply(factors.get(), first, strips, w, bias, activation, out);
      }
    };
    if (own_) return parallel_for(chunks, 1, range);
    range(0, chunks);
  }

 private:
  static constexpr int64_t kFloat = sizeof(float);

  // One thread's scratch memory for the multiplication.
  struct Space {
    int64_t weight, product;  // between matrices of weights, and of products
    const Scratch<float> taps, weights, products, strip;

    explicit Space(const Winograd& m)
        : weight(apart(m.depth_ * m.form_.phases[0] * m.width_)),
          product(apart(m.part_ * m.grid_.tiles() * m.width_)),
          taps(kSorted * 9 * m.width_),
          weights(m.form_.products * weight),
          products(m.form_.products * product),
          strip(m.form_.tile * m.strip_row()) {}
  };

  int64_t chunk_strips() const {
    return even_part(grid_.strips(), (s_.groups >= kTasks ? kGroupTiles : kChunkTiles) / grid_.tiles());
  }
  int64_t strip_row() const { return grid_.tiles() * form_.tile * lanes_; }

  void transform_inputs(const float* x, int64_t first, int64_t strips, float* factors) const {
    const int64_t blocks = ceil_div(s_.c, lanes_), group = even_part(strips, ceil_div(strips, kTasks));
    const int64_t groups = ceil_div(strips, group), area = s_.h * s_.w;
    const int64_t work = form_.panels * lanes_ * group * grid_.tiles() * 8;
    parallel_for(groups * blocks, kConvParallelWork / work + 1, [&](int64_t begin, int64_t end) {
      const Scratch<float> buffer(form_.patch * patch_columns(form_, grid_) * lanes_);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t strip = i / blocks * group, c = i % blocks * lanes_;
        const auto image = [&](int64_t n) {
          return ImageChannels{x + (n * s_.image_c + c) * area, s_.h, s_.w,
                               static_cast<int>(std::min(lanes_, s_.c - c))};
        };
        transform_patches(form_, grid_, first + strip, first + std::min(strips, strip + group), s_.pad_h, s_.pad_w,
                          image, buffer.get(), factors + strip * grid_.tiles() * tile_, tile_, product_, c);
      }
    });
  }

  // Of the strips [first, first + strips), which are in `factors`.
  void multiply(const float* factors, int64_t first, int64_t strips, const float* w, const float* bias,
                const Activation& activation, float* out) const {
    const int64_t panels = ceil_div(s_.o, width_), parts = ceil_div(strips, part_);
    const int64_t group = ceil_div(parts, std::min(parts, ceil_div(kTasks, panels)));
    const int64_t groups = ceil_div(parts, group);
    const int64_t work = form_.panels * s_.c * width_ * (part_ * grid_.tiles() * group + 8);
    parallel_for(panels * groups, kConvParallelWork / work + 1, [&](int64_t begin, int64_t end) {
      const Space space(*this);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t o = i / groups * width_, begin_part = i % groups * group;
        for (int64_t c = 0; c < s_.c; c += depth_) {
          const int64_t depth = std::min(depth_, s_.c - c);
          transform_weights(w, o, c, depth, space);
          for (int64_t part = begin_part; part < std::min(parts, begin_part + group); ++part) {
            const int64_t strip = part * part_, count = std::min(part_, strips - strip);
            products(factors + strip * grid_.tiles() * tile_, o, c, depth, count * grid_.tiles(), space);
            if (c + depth == s_.c) transform_outputs(first + strip, count, o, bias, activation, space, out);
          }
        }
      }
    });
  }

  // Panels of the weights of `width_` outputs from o, and of the inputs [c, c + depth). The outputs of some inputs
  // follow each other, so that cache lines are whole before they leave L1.
  void transform_weights(const float* w, int64_t o, int64_t c, int64_t depth, const Space& space) const {
    const int64_t end = std::min(o + width_, s_.o), taps = kSorted * 9 * lanes_;
    for (int64_t d = 0; d < depth; d += kSorted) {
      const int64_t count = std::min(kSorted, depth - d);
      float* sorted = space.taps.get();
      for (int64_t half = o; half < end; half += lanes_, sorted += taps) {
        const int outputs = static_cast<int>(std::min(lanes_, s_.o - half));
        if (s_.backward) {
          kernels_.sort_taps(count, outputs, w + ((c + d) * s_.o + half) * 9, s_.o * 9, sorted);
        } else {
          gemm_.pack_rows(count * 9, outputs, w + (half * s_.c + c + d) * 9, s_.c * 9, gemm_.lanes, sorted);
        }
      }
      for (int64_t i = 0; i < count; i += lanes_)
        for (int64_t half = 0; half < end - o; half += lanes_)
          form_.weights(static_cast<int>(std::min(lanes_, count - i)),
                        space.taps.get() + half / lanes_ * taps + i * 9 * lanes_, space.weights.get() + half, width_,
                        space.weight, d + i);
    }
  }

  void products(const float* factors, int64_t o, int64_t c, int64_t depth, int64_t tiles, const Space& space) const {
    const int64_t vectors = std::min<int64_t>(kTileVectors, ceil_div(s_.o - o, lanes_));
    const int64_t panels = ceil_div(tiles, gemm_.rows);
    GemmTile<float> t;
    t.a_stride = tile_;
    t.b_stride = t.ldc = width_;
    t.n = static_cast<int>(vectors * lanes_);
    t.alpha = 1;
    t.beta = c > 0 ? 1.0f : 0.0f;
    t.bias = nullptr;
    t.activation = kNoActivation;
    for (int64_t product = 0; product < form_.products; ++product) {
      const int64_t factor = form_.factor[product], phases = form_.phases[factor];
      t.k = depth * phases;
      t.b = space.weights.get() + product * space.weight;
      for (int64_t panel = 0; panel < panels; ++panel) {
        const int64_t row = panel * tiles / panels, height = (panel + 1) * tiles / panels - row;
        t.a = factors + factor * product_ + row * tile_ + c * phases;
        t.c = space.products.get() + product * space.product + row * width_;
        gemm_.tile[1][vectors - 1][height - 1](t);
      }
    }
  }

  void transform_outputs(int64_t first, int64_t strips, int64_t o, const float* bias, const Activation& activation,
                         const Space& space, float* out) const {
    float add[64 / sizeof(float)];
    for (int64_t half = o; half < std::min(o + width_, s_.o); half += lanes_) {
      const int64_t outputs = std::min(lanes_, s_.o - half);
      std::fill_n(add, lanes_, 0.0f);
      if (bias != nullptr) std::copy_n(bias + half, outputs, add);
      const float* from = space.products.get() + half - o;
      for (int64_t i = 0; i < strips; ++i, from += grid_.tiles() * width_) {
        form_.output(grid_.tiles(), from, width_, space.product, add, activation, space.strip.get(), strip_row());
        const TileGrid::Strip s = grid_.strip(first + i);
        const int64_t skip_h = s.row == 0 ? s_.skip_h : 0, skip_w = s.column == 0 ? s_.skip_w : 0;
        const int64_t row = s.row * form_.tile - s_.skip_h + skip_h;
        const int64_t column = s.column * form_.tile - s_.skip_w + skip_w;
        const int64_t columns = std::min(s_.ow - column, grid_.tiles() * form_.tile - skip_w);
        const int64_t rows = std::min(s_.oh - row, form_.tile - skip_h);
        const float* strip = space.strip.get() + skip_h * strip_row() + skip_w * lanes_;
        float* to = out + ((s.n * s_.image_o + half) * s_.oh + row) * s_.ow + column;
        if (columns == s_.ow && rows * columns >= lanes_) {
          kernels_.scatter_rows(rows, columns, static_cast<int>(outputs), strip, strip_row(), to, s_.oh * s_.ow);
          continue;
        }
        for (int64_t r = 0; r < rows; ++r)
          kernels_.scatter(columns, static_cast<int>(outputs), strip + r * strip_row(), to + r * s_.ow, s_.oh * s_.ow);
      }
    }
  }

  const Problem s_;
  const WinogradForm& form_;
  const GemmKernels<float>& gemm_;
  const WinogradKernels& kernels_;
  const int64_t lanes_, width_;
  const TileGrid grid_;
  const int64_t tile_;          // elements from one tile to the next
  const int64_t strip_;         // bytes of a transformed strip
  const bool own_;              // each chunk is one thread's
  const int64_t chunk_, part_;  // strips of a chunk, and those whose products are in the cache
  const int64_t depth_;         // channels whose weights are transformed at a time
  const int64_t product_;       // elements from one matrix of factors to the next
};

void convolve_groups(const Conv2dParams& p, const Problem& s, const float* x, const float* w, const float* bias,
                     const Activation& activation, float* out) {
  const Winograd winograd(s, form_of(s, p.stride_h > 1));
  each_group(s.groups, 9 * s.image_o * s.c * p.n * p.out_h() * p.out_w(), [&](int64_t g) {
    winograd.run(x + g * s.c * s.h * s.w, w + g * s.o * s.c * 9, bias == nullptr ? nullptr : bias + g * s.o, activation,
                 out + g * s.o * s.oh * s.ow);
  });
}

}  // namespace

bool winograd_fits(ConvPass pass, const Conv2dParams& p) {
  const bool stride = p.stride_h == 1 || (p.stride_h == 2 && pass != ConvPass::BackwardWeight);
  return p.kh == 3 && p.kw == 3 && stride && p.stride_w == p.stride_h && p.dilation_h == 1 && p.dilation_w == 1 &&
         p.n > 0 && p.c > 0 && p.o > 0;
}

void winograd_convolution(const Conv2dParams& p, const float* x, const float* w, const float* bias,
                          const Activation& activation, float* out) {
  convolve_groups(p, Problem::forward(p), x, w, bias, activation, out);
}

void winograd_input_gradient(const Conv2dParams& p, const float* grad, const float* w, float* grad_x) {
  convolve_groups(p, Problem::backward_input(p), grad, w, nullptr, kNoActivation, grad_x);
}

}  // namespace talus::cpu
