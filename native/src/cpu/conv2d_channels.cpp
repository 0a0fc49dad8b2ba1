// Images of one group are padded, then a block of output channels is computed for a few pixels at a time: a register of
// weights for each tap, which multiplies the pixels' elements. Results are strips of registers, transposed into planes.
#include "cpu/conv2d_channels.h"

#include <vector>

#include "cpu/conv2d_channels_planes.h"
#include "cpu/conv2d_direct.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Pixels that are transposed together.
constexpr int64_t kBandPixels = 96;

// Weights that stay in the L2 cache while images pass over them, and tasks that let threads finish together.
constexpr int64_t kWeightBytes = 256 << 10, kTasks = 64;

// The pixels of a side whose gradients come through the same kernel elements: first, first + stride, ... Pixel
// first + q * stride gets, through kernel element element + m * stride, what output start + q - m got.
struct Side {
  int64_t first, count, element, taps, start;

  Side(int64_t first_pixel, int64_t stride, int64_t pad, int64_t kernel, int64_t size)
      : first(first_pixel),
        count((size - first + stride - 1) / stride),
        element((first + pad) % stride),
        taps(element < kernel ? (kernel - element + stride - 1) / stride : 0),
        start((first + pad) / stride) {}

  static std::vector<Side> all(int64_t stride, int64_t pad, int64_t kernel, int64_t size) {
    std::vector<Side> sides;
    for (int64_t first = 0; first < std::min(stride, size); ++first)
      sides.emplace_back(first, stride, pad, kernel, size);
    return sides;
  }
  // Zeros needed before and after `outputs`.
  static int64_t before(const std::vector<Side>& sides) {
    int64_t most = 0;
    for (const Side& s : sides) most = std::max(most, s.taps - 1 - s.start);
    return most;
  }
  static int64_t after(const std::vector<Side>& sides, int64_t outputs) {
    int64_t most = 0;
    for (const Side& s : sides)
      if (s.taps > 0) most = std::max(most, s.start + s.count - outputs);
    return most;
  }
};

// Pixels that see the same taps: all of them forward, those of one phase for the input's gradient.
struct Phase {
  Side rows, columns;
  int64_t weights;               // taps of a block of channels before its own
  std::vector<int64_t> offsets;  // of its taps from a pixel's place
  int64_t run;                   // taps of a kernel row that it sees, if they are few
};

// A convolution of padded planes, of the image or of the output's gradient.
template <class T>
struct Layer {
  int64_t groups, sources, source_h, source_w, outputs, h, w;
  int64_t kernel;  // elements
  Padded<T> padded;
  int64_t source_rows, source_step;   // strides in the padded planes, from pixel to pixel of a phase,
  int64_t row_stride, column_stride;  // and in the output
  int64_t last_row;                   // the last source row, times row_stride, that the first output row reads
  std::vector<Phase> phases = {};
  std::vector<int64_t> place = {};   // of a kernel's elements among a block's weights, which are [tap][lanes]
  std::vector<int64_t> spread = {};  // from one source's to the next one's, where a source is packed at a time

  int64_t taps() const { return sources * kernel; }
  // Source rows that the output rows before `end` read.
  int64_t needed(int64_t end) const {
    return std::clamp<int64_t>(((end - 1) * source_rows + last_row) / row_stride + 1, 0, source_h);
  }
};

int64_t run_of(int64_t taps) { return taps == 2 || taps == 3 ? taps : 1; }

template <class T>
Layer<T> forward_layer(const Conv2dParams& p) {
  Layer<T> layer = {
      p.groups,    p.group_c(),        p.h,        p.w,        p.group_o(), p.out_h(), p.out_w(),
      p.kh * p.kw, padded_input<T>(p), p.stride_h, p.stride_w, 1,           1,         p.kh - 1 - p.pad_h};
  Phase phase = {Side(0, 1, 0, 1, layer.h), Side(0, 1, 0, 1, layer.w), 0, {}, run_of(p.kw)};
  for (int64_t c = 0; c < layer.sources; ++c)
    for (int64_t y = 0; y < p.kh; ++y)
      for (int64_t x = 0; x < p.kw; ++x) {
        layer.place.push_back(static_cast<int64_t>(phase.offsets.size()));
        phase.offsets.push_back(c * layer.padded.plane() + y * layer.padded.row() + x);
      }
  layer.phases.push_back(std::move(phase));
  return layer;
}

template <class T>
Layer<T> gradient_layer(const Conv2dParams& p) {
  const auto rows = Side::all(p.stride_h, p.pad_h, p.kh, p.h), columns = Side::all(p.stride_w, p.pad_w, p.kw, p.w);
  const int64_t top = Side::before(rows), left = Side::before(columns);
  const Padded<T> padded(p.group_o(), p.out_h(), p.out_w(), top, Side::after(rows, p.out_h()), left,
                         Side::after(columns, p.out_w()));
  Layer<T> layer = {p.groups,    p.group_o(), p.out_h(), p.out_w(), p.group_c(), p.h,        p.w,
                    p.kh * p.kw, padded,      1,         1,         p.stride_h,  p.stride_w, p.pad_h};
  layer.place.assign(layer.kernel, -1);
  layer.spread.assign(layer.kernel, 1);
  int64_t weights = 0;
  for (const Side& r : rows)
    for (const Side& q : columns) {
      Phase phase = {r, q, weights, {}, run_of(q.taps)};
      for (int64_t y = 0; y < r.taps; ++y, weights += layer.sources * q.taps) {
        for (int64_t x = 0; x < q.taps; ++x) {
          const int64_t element = (r.element + y * p.stride_h) * p.kw + q.element + x * p.stride_w;
          layer.place[element] = weights + q.taps - 1 - x;
          layer.spread[element] = q.taps;
        }
        // The last element of a kernel's row comes first, so that pixels follow each other.
        for (int64_t o = 0; o < layer.sources; ++o)
          for (int64_t x = q.taps - 1; x >= 0; --x)
            phase.offsets.push_back(o * padded.plane() + (r.start - y + top) * padded.row() + q.start - x + left);
      }
      layer.phases.push_back(std::move(phase));
    }
  // Those that no pixel sees are last.
  for (int64_t& place : layer.place)
    if (place < 0) {
      place = weights;
      weights += layer.sources;
    }
  return layer;
}

template <class T>
class Channels {
 public:
  // w: [O, C / groups, kernel]; `turned` where the outputs are its second dimension.
  Channels(const Layer<T>& layer, const T* w, bool turned, const T* bias, const Activation& activation)
      : s_(layer),
        kernels_(kernels_for<T>(layer.outputs)),
        lanes_(kernels_.lanes),
        blocks_(layer.outputs / lanes_),
        block_weights_(layer.taps() * lanes_),
        blocks_at_once_(std::clamp<int64_t>(kWeightBytes / (block_weights_ * int64_t{sizeof(T)}), 1, blocks_)),
        band_(std::min(layer.h, part_of_about(layer.h, ceil_div(kBandPixels, layer.w), 2 * layer.row_stride))),
        w_(w),
        turned_(turned),
        bias_(bias),
        activation_(activation) {}

  // A block's weights are packed right before they are used, for as many images as leave every thread some work.
  void run(int64_t images, const T* x, T* out) const {
    const int64_t parts = std::min(images, ceil_div(kTasks, s_.groups * blocks_)), area = s_.h * s_.w;
    const int64_t work = block_weights_ * area / (s_.row_stride * s_.column_stride) * ceil_div(images, parts) + 1;
    parallel_for(s_.groups * parts * blocks_, kConvParallelWork / work + 1, [&](int64_t begin, int64_t end) {
      const Space space(*this);
      for (int64_t i = begin, next; i < end; i = next) {
        const int64_t group = i / (parts * blocks_), part = i / blocks_ % parts, block = i % blocks_;
        next = i + std::min({blocks_ - block, blocks_at_once_, end - i});
        for (int64_t b = 0; b < next - i; ++b) pack(group, block + b, space.weights.get() + b * block_weights_);
        const int64_t last = (part + 1) * images / parts;
        for (int64_t n = part * images / parts; n < last; ++n) {
          const int64_t first = next / blocks_ % parts * images / parts;  // of the weights after these
          const T* following = n + 1 < last ? planes_of(x, n + 1, group)
                               : next < end ? planes_of(x, first, next / (parts * blocks_))
                                            : nullptr;
          convolve_image(group, n, following, block, block + next - i, x, space, out);
        }
      }
    });
  }

 private:
  // One thread's scratch memory.
  struct Space {
    const Scratch<T> planes, strip, bias, weights;

    explicit Space(const Channels& c)
        : planes(c.s_.padded.size()),
          strip(c.band_ * c.s_.w * c.lanes_),
          bias(c.lanes_),
          weights(c.blocks_at_once_ * c.block_weights_) {
      std::fill_n(planes.get(), c.s_.padded.size(), T{0});
      std::fill_n(bias.get(), c.lanes_, T{0});
    }
  };

  void pack(int64_t group, int64_t block, T* to) const {
    const int64_t kernel = s_.kernel, taps = s_.taps(), o = block * lanes_;
    if (!turned_) {
      const T* from = w_ + (group * s_.outputs + o) * taps;
      return kernels_.pack(taps, from, taps, from + lanes_ * taps, s_.place.data(), to);
    }
    std::vector<int64_t> place = s_.place;
    for (int64_t c = 0; c < s_.sources; ++c) {
      const T* from = w_ + ((group * s_.sources + c) * s_.outputs + o) * kernel;
      kernels_.pack(kernel, from, kernel, from + lanes_ * kernel, place.data(), to);
      for (size_t t = 0; t < place.size(); ++t) place[t] += s_.spread[t];
    }
  }

  const T* planes_of(const T* x, int64_t n, int64_t group) const {
    return x + (n * s_.groups + group) * s_.sources * s_.source_h * s_.source_w;
  }

  // The blocks [block, end), whose weights are packed, of one image of a group; then come the planes `following`.
  void convolve_image(int64_t group, int64_t n, const T* following, int64_t block, int64_t end, const T* x,
                      const Space& space, T* out) const {
    const int64_t area = s_.h * s_.w;
    const T* planes = planes_of(x, n, group);
    const T* padded = s_.padded.size() == 0 ? planes : space.planes.get();
    int64_t copied = 0;  // rows of the planes
    const T* weights = space.weights.get();
    for (int64_t b = block; b < end; ++b, weights += block_weights_) {
      const int64_t o = group * s_.outputs + b * lanes_;
      T* to = out + (n * s_.groups * s_.outputs + o) * area;
      if (bias_ != nullptr) std::copy_n(bias_ + o, lanes_, space.bias.get());
      for (int64_t y = 0; y < s_.h; y += band_) {
        const int64_t next = std::min(y + band_, s_.h), needed = std::max(copied, s_.needed(next));
        s_.padded.copy(planes, copied, needed, space.planes.get());
        copied = needed;
        Ahead<T> results(to + y * s_.w, (next - y) * s_.w, area, lanes_);
        Ahead<T> sources = next < s_.h ? rows_of(planes, copied, s_.needed(next + band_))
                           : following != nullptr && following != planes && b + 1 == end
                               ? rows_of(following, 0, s_.needed(band_))
                               : Ahead<T>();
        int64_t tiles = ((next - y) * s_.w - 1) / kernels_.pixels + 1;  // or a few more
        for (const Phase& phase : s_.phases)
          convolve(phase, padded, weights + phase.weights * lanes_, space.bias.get(), y, next, space.strip.get(), [&] {
            results.fetch(tiles);
            sources.fetch(tiles--);
          });
        kernels_.scatter((next - y) * s_.w, space.strip.get(), to + y * s_.w, area);
      }
    }
  }

  Ahead<T> rows_of(const T* planes, int64_t begin, int64_t end) const {
    return {planes + begin * s_.source_w, (end - begin) * s_.source_w, s_.source_h * s_.source_w, s_.sources};
  }

  // The phase's pixels of rows [y, end), which begin at a multiple of the stride.
  template <class F>
  void convolve(const Phase& phase, const T* planes, const T* weights, const T* bias, int64_t y, int64_t end, T* strip,
                F&& meanwhile) const {
    const int64_t row = y / s_.row_stride;
    const int64_t last = (end - phase.rows.first + s_.row_stride - 1) / s_.row_stride;
    const T* from = planes + row * s_.source_rows * s_.padded.row();
    T* to = strip + (phase.rows.first * s_.w + phase.columns.first) * lanes_;
    if (kernels_.points > 0) {
      convolve_points(phase, last - row, from, weights, bias, to, meanwhile);
    } else {
      convolve_rows(phase, last - row, from, weights, bias, to, meanwhile);
    }
  }

  template <class F>
  void convolve_rows(const Phase& phase, int64_t count, const T* from, const T* weights, const T* bias, T* strip,
                     F&& meanwhile) const {
    const int64_t columns = phase.columns.count, pieces = ceil_div(columns, kernels_.pixels);
    const bool pairs = columns <= kernels_.pixels / 2;
    ChannelTile<T> t;
    t.taps = static_cast<int64_t>(phase.offsets.size());
    t.offset = phase.offsets.data();
    t.w = weights;
    t.x_row = s_.source_rows * s_.padded.row();
    t.run = phase.run;
    t.strip_row = s_.row_stride * s_.w * lanes_;
    t.strip_pixel = s_.column_stride * lanes_;
    t.bias = bias;
    t.activation = activation_;
    for (int64_t row = 0, rows; row < count; row += rows) {
      rows = pairs && row + 1 < count ? 2 : 1;
      for (int64_t piece = 0; piece < pieces; ++piece) {
        const int64_t first = piece * columns / pieces, next = (piece + 1) * columns / pieces;
        t.x = from + row * t.x_row + first * s_.source_step;
        t.strip = strip + row * t.strip_row + first * t.strip_pixel;
        kernels_.tile[s_.source_step - 1][rows - 1][next - first - 1](t);
        meanwhile();
      }
    }
  }

  // Tiles go on from row to row, so that all are nearly full.
  template <class F>
  void convolve_points(const Phase& phase, int64_t rows, const T* from, const T* weights, const T* bias, T* strip,
                       F&& meanwhile) const {
    const int64_t columns = phase.columns.count, pixels = rows * columns, pieces = ceil_div(pixels, kernels_.points);
    const int64_t strip_row = s_.row_stride * s_.w * lanes_, strip_pixel = s_.column_stride * lanes_;
    ChannelPoints<T> t;
    t.taps = static_cast<int64_t>(phase.offsets.size());
    t.offset = phase.offsets.data();
    t.w = weights;
    t.bias = bias;
    t.activation = activation_;
    int64_t row = 0, column = 0, pixel = 0;
    for (int64_t piece = 1; piece <= pieces; ++piece) {
      int count = 0;
      for (; pixel < piece * pixels / pieces; ++pixel, ++count) {
        t.x[count] = from + row * s_.source_rows * s_.padded.row() + column * s_.source_step;
        t.strip[count] = strip + row * strip_row + column * strip_pixel;
        if (++column == columns) {
          column = 0;
          ++row;
        }
      }
      kernels_.tile_of_points[count - 1](t);
      meanwhile();
    }
  }

  const Layer<T>& s_;
  const ChannelKernels<T>& kernels_;
  const int64_t lanes_, blocks_;
  const int64_t block_weights_, blocks_at_once_;
  const int64_t band_;  // rows of the output that are transposed together
  const T* w_;
  const bool turned_;
  const T* bias_;
  const Activation activation_;
};

}  // namespace

template <class T>
bool channels_can(ConvPass pass, const Conv2dParams& p) {
  const int64_t outputs = pass == ConvPass::BackwardInput ? p.group_c() : p.group_o();
  return p.dilation_h == 1 && p.dilation_w == 1 && (pass != ConvPass::Forward || p.stride_w <= 2) &&
         fit(kernels_for<T>(outputs), outputs);
}

template <class T>
void channels_convolution(const Conv2dParams& p, const T* x, const T* w, const T* bias, const Activation& activation,
                          T* out) {
  const auto layer = forward_layer<T>(p);
  Channels<T>(layer, w, false, bias, activation).run(p.n, x, out);
}

template <class T>
void channels_input_gradient(const Conv2dParams& p, const T* grad, const T* w, T* grad_x) {
  const auto layer = gradient_layer<T>(p);
  Channels<T>(layer, w, true, nullptr, kNoActivation).run(p.n, grad, grad_x);
}

#define INSTANTIATE(T)                                                                                          \
  template bool channels_can<T>(ConvPass, const Conv2dParams&);                                                 \
  template void channels_convolution(const Conv2dParams&, const T*, const T*, const T*, const Activation&, T*); \
  template void channels_input_gradient(const Conv2dParams&, const T*, const T*, T*);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace talus::cpu
