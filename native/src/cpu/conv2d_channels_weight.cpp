// The weights' gradient where channels are lanes: the output's gradient is transposed into strips, whose registers
// multiply the elements of padded planes.
#include <vector>

#include "cpu/conv2d_channels.h"
#include "cpu/conv2d_channels_planes.h"
#include "cpu/conv2d_direct.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Bytes of the output's gradient that are transposed before they are used.
constexpr int64_t kStripBytes = 16 << 10;

// For each block of output channels all sums of a group's taps, over bands of rows and images in order. Three columns
// of a kernel share what they read of the output's gradient.
template <class T>
class ChannelsWeight {
 public:
  explicit ChannelsWeight(const Conv2dParams& p)
      : p_(p),
        kernels_(kernels_for<T>(p.group_o())),
        padded_(padded_input<T>(p)),
        lanes_(kernels_.lanes),
        blocks_(p.group_o() / lanes_),
        width_(p.kw % 3 == 0 ? 3 : 1),
        taps_(p.group_c() * p.kh * p.kw),
        band_(
            std::min(p.out_h(), part_of_about(p.out_h(), kStripBytes / (p.out_w() * lanes_ * int64_t{sizeof(T)}), 1))) {
    for (int64_t c = 0; c < p.group_c(); ++c)
      for (int64_t i = 0; i < p.kh; ++i)
        for (int64_t j = 0; j < p.kw; j += width_) offsets_.push_back(c * padded_.plane() + i * padded_.row() + j);
  }

  void run(const T* grad, const T* x, T* grad_w) const {
    const int64_t work = p_.n * p_.out_h() * p_.out_w() * taps_ * lanes_ + 1;
    parallel_for(p_.groups * blocks_, kConvParallelWork / work + 1, [&](int64_t begin, int64_t end) {
      const Scratch<T> scratch(padded_.size()), strip(band_ * p_.out_w() * lanes_), sums(taps_ * lanes_);
      std::fill_n(scratch.get(), padded_.size(), T{0});
      for (int64_t i = begin; i < end; ++i) {
        std::fill_n(sums.get(), taps_ * lanes_, T{0});
        for (int64_t n = 0; n < p_.n; ++n) add_image(i, n, grad, x, scratch.get(), strip.get(), sums.get());
        kernels_.scatter(taps_, sums.get(), grad_w + i * lanes_ * taps_, taps_);
      }
    });
  }

 private:
  const T* planes_of(int64_t block, int64_t n, const T* x) const {
    return x + (n * p_.groups + block / blocks_) * p_.group_c() * p_.h * p_.w;
  }
  const T* outputs_of(int64_t block, int64_t n, const T* grad) const {
    return grad + (n * p_.o + block * lanes_) * p_.out_h() * p_.out_w();
  }
  // Rows of the input that output rows before `end` read.
  int64_t needed(int64_t end) const { return std::clamp<int64_t>((end - 1) * p_.stride_h + p_.kh - p_.pad_h, 0, p_.h); }

  void add_image(int64_t block, int64_t n, const T* grad, const T* x, T* scratch, T* strip, T* sums) const {
    const int64_t oh = p_.out_h(), ow = p_.out_w(), rows = static_cast<int64_t>(offsets_.size());
    const int64_t parts = ceil_div(rows, kernels_.rows[width_ == 3]);
    const T *planes = planes_of(block, n, x), *g = outputs_of(block, n, grad);
    int64_t copied = 0;
    ChannelDots<T> d;
    d.columns = ow;
    d.strip = strip;
    d.x_row = p_.stride_h * padded_.row();
    d.step = p_.stride_w;
    for (int64_t y = 0; y < oh; y += band_) {
      const int64_t next = std::min(y + band_, oh), reach = std::max(copied, needed(next));
      padded_.copy(planes, copied, reach, scratch);
      copied = reach;
      kernels_.gather((next - y) * ow, g + y * ow, oh * ow, strip);
      // The next band, or the first one of the next image, or of the next block.
      const bool more = next < oh, stay = more || n + 1 < p_.n;
      const int64_t from = more ? copied : 0, to = needed(more ? next + band_ : band_), row = more ? next : 0;
      const int64_t image = more ? n : (n + 1) % p_.n;
      const int64_t then = stay ? block : std::min(block + 1, p_.groups * blocks_ - 1);
      Ahead<T> inputs(planes_of(then, image, x) + from * p_.w, (to - from) * p_.w, p_.h * p_.w, p_.group_c());
      Ahead<T> outputs(outputs_of(then, image, grad) + row * ow, (std::min(row + band_, oh) - row) * ow, oh * ow,
                       lanes_);
      d.rows = next - y;
      d.x = (padded_.size() == 0 ? planes : scratch) + y * d.x_row;
      for (int64_t part = 0; part < parts; ++part) {
        const int64_t first = part * rows / parts, last = (part + 1) * rows / parts;
        d.offset = offsets_.data() + first;
        d.sums = sums + first * width_ * lanes_;
        inputs.fetch(parts - part);
        outputs.fetch(parts - part);
        kernels_.dots[width_ == 3][last - first - 1](d);
      }
    }
  }

  const Conv2dParams& p_;
  const ChannelKernels<T>& kernels_;
  const Padded<T> padded_;
  const int64_t lanes_, blocks_, width_, taps_;
  const int64_t band_;  // rows of the output's gradient that are transposed together
  std::vector<int64_t> offsets_;
};

}  // namespace

template <class T>
void channels_weight_gradient(const Conv2dParams& p, const T* grad, const T* x, T* grad_w) {
  ChannelsWeight<T>(p).run(grad, x, grad_w);
}

template void channels_weight_gradient(const Conv2dParams&, const float*, const float*, float*);
template void channels_weight_gradient(const Conv2dParams&, const double*, const double*, double*);

}  // namespace talus::cpu
