// The weight's gradient: forward, Y = A'[(G w G') . (B' d B)]A, differentiated. For each of the 36 products, the
// transformed tiles of the output's gradient times those of the input, summed over the batch; G' . G once at the end.
#include "cpu/conv2d_direct.h"
#include "cpu/conv2d_winograd.h"
#include "cpu/conv2d_winograd_tiles.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Channels of a block of sums, which stays in the caches while tiles pass by.
constexpr int64_t kBlockChannels = 128;
// Tiles transformed at a time: the depth of a product.
constexpr int64_t kDepth = 112;
// Few tiles are transformed at once and shared by the blocks, which then have fewer outputs.
constexpr int64_t kSharedTiles = 256, kSharedBytes = 10 << 20, kSharedOutputs = 32;
// Where the weight has few blocks, the batch is cut into parts with sums of their own, of at least so many tiles.
constexpr int64_t kTasks = 8, kPartTiles = 128, kPartBytes = 10 << 20;

// Transformed tiles: 36 matrices [tiles, channels].
struct Factors {
  const int64_t tile, product;  // elements from one tile to the next, and from one matrix
  const Scratch<float> elements;

  Factors(int64_t tiles, int64_t channels)
      : tile(apart(channels)), product(apart(tiles * tile)), elements(kWinogradProducts * product) {}

  float* channel(int64_t c) const { return elements.get() + c; }
};

class WeightGradient {
 public:
  // p: of one group, of images of all channels.
  WeightGradient(const Conv2dParams& p, int64_t groups)
      : p_(p),
        image_c_(p.c * groups),
        image_o_(p.o * groups),
        gemm_(gemm_table().f32),
        kernels_(winograd_table()),
        lanes_(gemm_.lanes),
        width_(kTileVectors * lanes_),
        grid_(p.n, ceil_div(p.out_h(), kWinogradTile), ceil_div(p.out_w(), kWinogradTile)),
        tiles_(grid_.strips() * grid_.tiles()),
        shared_(tiles_ <= kSharedTiles && kWinogradProducts * tiles_ * (p.o + p.c) * kFloat <= kSharedBytes),
        outputs_(even_part(p.o, shared_ ? kSharedOutputs : kBlockChannels, lanes_)),
        inputs_(even_part(p.c, kBlockChannels, lanes_)),
        blocks_c_(ceil_div(p.c, inputs_)),
        blocks_(ceil_div(p.o, outputs_) * blocks_c_),
        sum_(apart(outputs_ * inputs_)),
        part_(ceil_div(grid_.strips(), shared_ ? 1 : parts())),
        parts_(ceil_div(grid_.strips(), part_)),
        chunk_(even_part(part_, kDepth / grid_.tiles())) {}

  void run(const float* grad, const float* x, float* grad_w) const {
    if (shared_) return run_shared(grad, x, grad_w);
    const int64_t sums = kWinogradProducts * sum_;
    const Scratch<float> partial(parts_ > 1 ? blocks_ * parts_ * sums : 0);
    const int64_t work = kWinogradProducts * outputs_ * inputs_ * part_ * grid_.tiles();
    parallel_for(blocks_ * parts_, kConvParallelWork / work + 1, [&](int64_t begin, int64_t end) {
      const Scratch<float> own(parts_ > 1 ? 0 : sums), rows(buffer_size());
      const Factors gradients(chunk_ * grid_.tiles(), outputs_), inputs(chunk_ * grid_.tiles(), inputs_);
      for (int64_t i = begin; i < end; ++i) {
        const Block block = this->block(i / parts_);
        const int64_t first = i % parts_ * part_, last = std::min(grid_.strips(), first + part_);
        float* to = parts_ > 1 ? partial.get() + i * sums : own.get();
        for (int64_t strip = first; strip < last; strip += chunk_) {
          const int64_t count = std::min(last - strip, chunk_);
          for (int64_t c = 0; c < block.outputs; c += lanes_)
            transform_gradient(grad, block.o + c, strip, count, rows.get(), gradients, c);
          for (int64_t c = 0; c < block.inputs; c += lanes_)
            transform_input(x, block.c + c, strip, count, rows.get(), inputs, c);
          multiply(count * grid_.tiles(), gradients, 0, block.outputs, inputs, 0, block.inputs, strip > first, to);
        }
        if (parts_ == 1) finish(to, block, 0, block.outputs, grad_w);
      }
    });
    if (parts_ == 1) return;
    parallel_for(blocks_ * outputs_, kConvParallelWork / (kWinogradProducts * inputs_ * parts_) + 1,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     const Block block = this->block(i / outputs_);
                     const int64_t row = i % outputs_;
                     finish(partial.get() + i / outputs_ * parts_ * sums, block, row, std::min(row + 1, block.outputs),
                            grad_w);
                   }
                 });
  }

 private:
  static constexpr int64_t kFloat = sizeof(float);

  // Weights [o, o + outputs) x [c, c + inputs).
  struct Block {
    int64_t o, outputs, c, inputs;
  };

  Block block(int64_t i) const {
    const int64_t o = i / blocks_c_ * outputs_, c = i % blocks_c_ * inputs_;
    return {o, std::min(outputs_, p_.o - o), c, std::min(inputs_, p_.c - c)};
  }

  void run_shared(const float* grad, const float* x, float* grad_w) const {
    const Factors gradients(tiles_, p_.o), inputs(tiles_, p_.c);
    const int64_t of_o = ceil_div(p_.o, lanes_), of_c = ceil_div(p_.c, lanes_);
    parallel_for(of_o + of_c, kConvParallelWork / (kWinogradProducts * lanes_ * tiles_ * 8) + 1,
                 [&](int64_t begin, int64_t end) {
                   const Scratch<float> rows(buffer_size());
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t o = i * lanes_, c = (i - of_o) * lanes_;
                     if (i < of_o) {
                       transform_gradient(grad, o, 0, grid_.strips(), rows.get(), gradients, o);
                     } else {
                       transform_input(x, c, 0, grid_.strips(), rows.get(), inputs, c);
                     }
                   }
                 });
    parallel_for(blocks_, kConvParallelWork / (kWinogradProducts * outputs_ * inputs_ * (tiles_ + 8)) + 1,
                 [&](int64_t begin, int64_t end) {
                   const Scratch<float> sums(kWinogradProducts * sum_);
                   for (int64_t i = begin; i < end; ++i) {
                     const Block b = block(i);
                     multiply(tiles_, gradients, b.o, b.outputs, inputs, b.c, b.inputs, false, sums.get());
                     finish(sums.get(), b, 0, b.outputs, grad_w);
                   }
                 });
  }

  int64_t buffer_size() const { return kWinogradPatch * patch_columns(kernels_.forward, grid_) * lanes_; }

  int64_t parts() const {
    const int64_t room = kPartBytes / (blocks_ * kWinogradProducts * sum_ * kFloat);
    return std::max<int64_t>(1, std::min({room, tiles_ / kPartTiles, kTasks / blocks_}));
  }

  // Of the strips [first, first + count), the channels of one register from o or c -> channels from `channel`.
  void transform_gradient(const float* grad, int64_t o, int64_t first, int64_t count, float* rows, const Factors& to,
                          int64_t channel) const {
    const int64_t h = p_.out_h(), w = p_.out_w(), columns = grid_.tiles() * kWinogradTile;
    const auto image = [&](int64_t n) {
      return ImageChannels{grad + (n * image_o_ + o) * h * w, h, w, static_cast<int>(std::min(lanes_, p_.o - o))};
    };
    for (int64_t i = 0; i < count; ++i) {
      const TileGrid::Strip s = grid_.strip(first + i);
      gather(gemm_, image(s.n), s.row * kWinogradTile, kWinogradTile, s.column * kWinogradTile, columns, rows);
      if (i + 1 < count) {
        const TileGrid::Strip next = grid_.strip(first + i + 1);
        prefetch_rows(image(next.n), next.row * kWinogradTile, kWinogradTile, next.column * kWinogradTile, columns);
      }
      kernels_.gradient(grid_.tiles(), rows, columns * lanes_, to.channel(channel) + i * grid_.tiles() * to.tile,
                        to.tile, to.product);
    }
  }

  void transform_input(const float* x, int64_t c, int64_t first, int64_t count, float* rows, const Factors& to,
                       int64_t channel) const {
    const auto image = [&](int64_t n) {
      return ImageChannels{x + (n * image_c_ + c) * p_.h * p_.w, p_.h, p_.w,
                           static_cast<int>(std::min(lanes_, p_.c - c))};
    };
    transform_patches(kernels_.forward, grid_, first, first + count, p_.pad_h, p_.pad_w, image, rows, to.channel(0),
                      to.tile, to.product, channel);
  }

  // sums [outputs, inputs_] (+)= gradients' * inputs, 36 times.
  void multiply(int64_t tiles, const Factors& gradients, int64_t o, int64_t outputs, const Factors& inputs, int64_t c,
                int64_t count, bool add, float* sums) const {
    const int64_t panels = ceil_div(outputs, gemm_.rows);
    GemmTile<float> t;
    t.k = tiles;
    t.a_stride = gradients.tile;
    t.b_stride = inputs.tile;
    t.ldc = inputs_;
    t.alpha = 1;
    t.beta = add ? 1.0f : 0.0f;
    t.bias = nullptr;
    t.activation = kNoActivation;
    for (int64_t product = 0; product < kWinogradProducts; ++product)
      for (int64_t j = 0; j < count; j += width_) {
        const int64_t vectors = std::min<int64_t>(kTileVectors, ceil_div(count - j, lanes_));
        t.n = static_cast<int>(vectors * lanes_);
        t.b = inputs.channel(c + j) + product * inputs.product;
        for (int64_t panel = 0; panel < panels; ++panel) {
          const int64_t row = panel * outputs / panels, height = (panel + 1) * outputs / panels - row;
          t.a = gradients.channel(o + row) + product * gradients.product;
          t.c = sums + product * sum_ + row * inputs_ + j;
          gemm_.tile[0][vectors - 1][height - 1](t);
        }
      }
  }

  // Rows [begin, end) of a block, summed over the parts in order.
  void finish(const float* sums, const Block& block, int64_t begin, int64_t end, float* grad_w) const {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t c = 0; c < block.inputs; c += lanes_)
        kernels_.weight_gradient(parts_, sums + row * inputs_ + c, kWinogradProducts * sum_, sum_,
                                 static_cast<int>(std::min(lanes_, block.inputs - c)),
                                 grad_w + ((block.o + row) * p_.c + block.c + c) * 9);
  }

  const Conv2dParams p_;
  const int64_t image_c_, image_o_;
  const GemmKernels<float>& gemm_;
  const WinogradKernels& kernels_;
  const int64_t lanes_, width_;
  const TileGrid grid_;
  const int64_t tiles_;
  const bool shared_;
  const int64_t outputs_, inputs_;         // of a block
  const int64_t blocks_c_, blocks_, sum_;  // sum_: elements from one of a block's 36 matrices to the next
  const int64_t part_, parts_, chunk_;     // strips of a part, and those transformed at a time
};

}  // namespace

void winograd_weight_gradient(const Conv2dParams& p, const float* grad, const float* x, float* grad_w) {
  Conv2dParams one = p;
  one.c = p.group_c();
  one.o = p.group_o();
  one.groups = 1;
  const WeightGradient gradient(one, p.groups);
  const int64_t area = p.h * p.w, out_area = p.out_h() * p.out_w();
  each_group(p.groups, p.n * out_area * p.o * one.c * 9, [&](int64_t g) {
    gradient.run(grad + g * one.o * out_area, x + g * one.c * area, grad_w + g * one.o * one.c * 9);
  });
}

}  // namespace talus::cpu
