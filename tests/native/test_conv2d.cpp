// Convolution and its gradients against their definitions, on every instruction set.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "caches.h"
#include "check.h"
#include "cpu/conv2d_channels.h"
#include "cpu/conv2d_choice.h"
#include "cpu/conv2d_depthwise.h"
#include "cpu/conv2d_direct.h"
#include "cpu/conv2d_im2col.h"
#include "cpu/conv2d_winograd1d.h"
#include "kernels.h"
#include "memory.h"
#include "under_test.h"

namespace {

// What follows the border's kernels are the CPU's own ways, which a device does not have.
#if defined(TALUS_TEST_CUDA)
constexpr bool kOnDevice = true;
#else
constexpr bool kOnDevice = false;
#endif

using talus::cpu::ConvPass;
using talus::cpu::DirectShape;

struct Case {
  // In the border's order: n c h w o kh kw stride_h stride_w pad_h pad_w dilation_h dilation_w groups.
  int64_t params[TALUS_CONV_PARAMS];
};

const Case kCases[] = {
    {{3, 1, 32, 32, 6, 3, 3, 1, 1, 0, 0, 1, 1, 1}},  // LeNet's layers
    {{9, 6, 15, 15, 16, 3, 3, 1, 1, 0, 0, 1, 1, 1}},
    {{2, 3, 9, 11, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1}},   // padding
    {{2, 3, 9, 11, 5, 3, 2, 2, 3, 2, 1, 1, 1, 1}},   // strides
    {{2, 4, 13, 12, 6, 3, 3, 1, 1, 2, 3, 2, 3, 2}},  // dilation, groups
    {{1, 4, 17, 40, 8, 2, 5, 2, 2, 1, 4, 3, 2, 2}},  // all of them
    {{2, 7, 10, 9, 7, 3, 3, 1, 1, 1, 1, 1, 1, 7}},   // depthwise
    {{2, 5, 10, 9, 10, 3, 3, 2, 2, 1, 1, 1, 1, 5}},  // depthwise with a multiplier and stride
    {{2, 3, 33, 40, 3, 3, 3, 1, 1, 1, 1, 1, 1, 3}},  // of several registers a row
    {{3, 3, 34, 41, 6, 3, 3, 2, 2, 1, 1, 1, 1, 3}},
    {{2, 4, 7, 64, 4, 3, 3, 1, 1, 1, 1, 1, 1, 4}},  // walked along their rows: whole registers, a rest, stride 2
    {{2, 4, 6, 75, 4, 3, 3, 1, 1, 1, 1, 1, 1, 4}},
    {{2, 4, 9, 150, 4, 3, 3, 2, 2, 1, 1, 1, 1, 4}},
    {{2, 4, 9, 81, 4, 5, 5, 1, 1, 2, 2, 1, 1, 4}},
    {{2, 4, 8, 72, 4, 3, 3, 2, 2, 0, 0, 1, 1, 4}},
    {{2, 4, 9, 82, 4, 3, 3, 2, 2, 1, 2, 1, 1, 4}},
    {{2, 4, 7, 90, 4, 5, 5, 2, 2, 2, 3, 1, 1, 4}},
    {{2, 3, 8, 96, 6, 3, 3, 2, 2, 3, 8, 1, 1, 3}},
    {{3, 4, 5, 66, 4, 3, 3, 1, 1, 0, 8, 1, 1, 4}},
    {{2, 8, 9, 38, 8, 3, 3, 2, 2, 1, 1, 1, 1, 8}},
    {{2, 8, 9, 33, 8, 3, 3, 1, 1, 1, 1, 1, 1, 8}},
    {{9, 9, 9, 2, 9, 3, 3, 2, 2, 8, 8, 1, 1, 9}},  // an output wider than the image
    {{1, 2, 19, 37, 2, 5, 5, 1, 1, 2, 2, 1, 1, 2}},
    {{2, 2, 20, 50, 4, 5, 5, 2, 2, 2, 2, 1, 1, 2}},
    {{2, 2, 6, 7, 2, 3, 3, 2, 2, 0, 0, 1, 1, 2}},  // unpadded, padded beyond the kernel, cropped
    {{2, 2, 5, 4, 2, 3, 3, 1, 1, 4, 5, 1, 1, 2}},
    {{2, 2, 6, 5, 2, 3, 3, 2, 2, 4, 5, 1, 1, 2}},
    {{2, 19, 6, 7, 33, 1, 1, 1, 1, 0, 0, 1, 1, 1}},  // 1x1
    {{2, 6, 7, 6, 9, 1, 1, 2, 2, 0, 0, 1, 1, 3}},    // 1x1, strided
    {{2, 6, 7, 6, 9, 1, 1, 1, 1, 2, 1, 1, 1, 3}},    // 1x1, padded: the input's gradient is cropped
    {{2, 3, 5, 5, 4, 3, 3, 1, 1, 5, 4, 1, 1, 1}},    // padding beyond the kernel
    {{17, 2, 3, 3, 3, 3, 3, 1, 1, 0, 0, 1, 1, 1}},   // one output pixel
    {{5, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1}},    // smaller than a register
    {{3, 1, 1, 3, 2, 1, 2, 1, 1, 0, 0, 1, 1, 1}},
    {{1, 40, 14, 14, 50, 3, 3, 1, 1, 1, 1, 1, 1, 1}},  // more channels than tiles hold
    {{2, 3, 20, 70, 15, 5, 7, 1, 1, 2, 3, 1, 1, 1}},   // several pieces a row
    {{2, 3, 30, 50, 17, 3, 5, 1, 1, 1, 2, 1, 1, 1}},   // Winograd's columns: kernels wider than high
    {{1, 5, 70, 67, 6, 3, 3, 1, 1, 1, 1, 1, 1, 1}},    // in several bands
    {{2, 8, 9, 33, 12, 3, 2, 1, 1, 2, 1, 1, 1, 2}},    // of groups, padded by rows but not columns
    {{1, 100, 18, 14, 8, 3, 1, 1, 1, 0, 0, 1, 1, 1}},  // kernels of one column
    {{20, 6, 15, 15, 16, 3, 3, 1, 1, 0, 0, 1, 1, 1}},  // a weight summed in some pieces, short rows
    {{9, 1, 32, 32, 6, 3, 3, 1, 1, 0, 0, 1, 1, 1}},    // and long ones
    {{1, 90, 5, 5, 90, 3, 3, 1, 1, 1, 1, 1, 1, 1}},    // a weight too large for partial sums
    {{2, 3, 6, 5, 4, 3, 3, 4, 5, 0, 0, 1, 1, 1}},      // strides that skip pixels
    {{3, 12, 20, 26, 5, 5, 5, 1, 1, 2, 2, 1, 1, 1}},   // patches of a few channels at a time
    {{47, 20, 5, 6, 9, 4, 5, 1, 1, 1, 2, 1, 1, 1}},    // patches of several images, not all blocks alike
    {{40, 1, 2, 2, 1, 2, 2, 1, 1, 0, 0, 1, 1, 1}},     // registers reach over several images
    {{4, 2, 4, 4, 130, 3, 3, 1, 1, 1, 1, 1, 1, 1}},    // fewer pixels of several images than channels
    {{2, 8, 9, 12, 12, 3, 3, 2, 2, 1, 1, 1, 1, 4}},    // strided groups
    {{1, 6, 9, 7, 130, 3, 3, 1, 1, 1, 1, 1, 1, 1}},    // fewer pixels than channels
    {{3, 3, 7, 9, 140, 3, 3, 2, 2, 1, 1, 1, 1, 1}},
    {{2, 16, 7, 7, 64, 3, 3, 1, 1, 1, 1, 1, 1, 4}},  // groups of short rows, which direct kernels join
    {{2, 6, 6, 20, 34, 3, 3, 1, 1, 0, 0, 1, 1, 2}},  // and of the image in place
    {{1, 12, 9, 3, 9, 2, 3, 1, 1, 1, 1, 2, 1, 3}},
    {{1, 60, 13, 13, 150, 3, 3, 2, 2, 1, 1, 1, 1, 1}},  // 49 pixels: the last is a dot product
    {{11, 500, 7, 7, 30, 1, 1, 1, 1, 0, 0, 1, 1, 1}},   // tiles that go on from image to image, several sums
    {{5, 60, 13, 13, 50, 3, 3, 2, 2, 1, 1, 1, 1, 2}},   // and of patches, in groups
    {{7, 90, 14, 14, 30, 1, 1, 1, 1, 0, 0, 1, 1, 1}},   // images joined in blocks, but not in tiles
    {{5, 32, 14, 14, 30, 3, 3, 1, 1, 1, 1, 1, 1, 2}},   // weights of groups, copied once for all blocks
    {{1, 150, 14, 14, 75, 1, 1, 1, 1, 0, 0, 1, 1, 1}},  // 196 pixels, a remainder of taps
    {{11, 70, 5, 5, 40, 3, 3, 2, 2, 1, 1, 1, 1, 1}},    // blocks of several images
    {{1, 12, 31, 45, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1}},   // blocks of some rows of an image
    {{1, 70, 1, 700, 20, 1, 1, 1, 1, 0, 0, 1, 1, 1}},   // and of pieces of one row, in place
    {{1, 70, 9, 9, 40, 3, 3, 2, 2, 1, 1, 1, 1, 2}},     // and groups
    {{2, 20, 16, 32, 15, 1, 1, 1, 1, 0, 0, 1, 1, 1}},   // rows of gradients that would share sets of the cache
    {{3, 16, 9, 12, 32, 3, 3, 2, 2, 1, 1, 1, 1, 2}},    // groups that fill registers, or halves of them
    {{2, 32, 30, 17, 32, 3, 3, 1, 1, 1, 1, 1, 1, 2}},   // several bands of rows
    {{2, 16, 7, 33, 16, 5, 4, 2, 1, 3, 2, 1, 1, 1}},
    {{5, 64, 6, 7, 256, 3, 3, 1, 1, 1, 1, 1, 1, 32}},  // several images that share packed weights
    {{1, 256, 5, 5, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1}},   // weights that the cache holds in parts
    {{2, 48, 5, 6, 32, 1, 1, 2, 2, 0, 0, 1, 1, 2}},    // pixels that no output sees
    {{2, 32, 5, 1, 32, 3, 3, 1, 1, 1, 1, 1, 1, 2}},    // rows of one, two and three pixels, which share few elements
    {{2, 32, 4, 2, 32, 3, 3, 1, 1, 1, 1, 1, 1, 2}},
    {{2, 64, 4, 3, 64, 3, 3, 1, 1, 1, 1, 1, 1, 2}},
    {{2, 32, 5, 2, 32, 3, 3, 2, 2, 1, 1, 1, 1, 2}},
    {{2, 64, 5, 4, 64, 3, 3, 2, 2, 1, 1, 1, 1, 2}},
    {{2, 16, 5, 5, 16, 3, 3, 2, 2, 1, 1, 1, 1, 2}},
    {{2, 32, 9, 10, 32, 3, 3, 1, 3, 1, 1, 1, 1, 2}},      // at a step of three, none
    {{2, 32, 6, 9, 32, 3, 2, 1, 1, 1, 0, 1, 1, 2}},       // and of kernels two wide
    {{2, 16, 8, 9, 16, 2, 3, 3, 2, 4, 3, 1, 1, 1}},       // padding beyond the kernel
    {{1, 16, 1, 5, 16, 3, 3, 4, 5, 1, 1, 1, 1, 2}},       // fewer rows than phases
    {{2, 16, 6, 70, 16, 3, 3, 1, 1, 0, 0, 1, 1, 1}},      // of the image in place
    {{1, 3, 48, 32, 20, 16, 16, 16, 16, 0, 0, 1, 1, 1}},  // pieces of the weight that cannot be even in number
    {{1, 64, 6, 7, 70, 5, 5, 3, 2, 2, 2, 1, 1, 1}},       // sums in pieces, of pixels that differ in their taps
    {{2, 1, 9, 10, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1}},       // many outputs of one channel
    {{2, 3, 9, 10, 6, 3, 2, 2, 1, 1, 1, 2, 3, 3}},        // depthwise, dilated
    {{2, 3, 16, 16, 128, 3, 1, 1, 1, 1, 0, 1, 1, 1}},     // the largest tiles of a device of few processors
    {{2, 3, 12, 16, 128, 3, 1, 1, 1, 1, 0, 1, 1, 1}},
    {{2, 128, 16, 16, 3, 3, 1, 1, 1, 1, 0, 1, 1, 1}},
    {{2, 128, 12, 16, 3, 3, 1, 1, 1, 1, 0, 1, 1, 1}},
    {{1, 56, 3, 3, 128, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
    {{1, 42, 3, 3, 128, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
    {{0, 3, 8, 8, 4, 3, 3, 1, 1, 0, 0, 1, 1, 1}},  // no images
};

std::string describe(const Case& c) {
  std::string text = "n c h w o kh kw stride pad dilation groups:";
  for (const int64_t v : c.params) text += " " + std::to_string(v);
  return text;
}

// Runs `kernel(out)` on every instruction set and number of threads against `expected`.
template <class T, class Kernel>
void compare(const char* what, const std::vector<T>& expected, double terms, Kernel&& kernel) {
  const double tolerance = std::numeric_limits<T>::epsilon() * (32 + 0.5 * terms);
  const int64_t size = static_cast<int64_t>(expected.size());
  for_each_isa([&](const char*) {
    std::vector<T> first;
    for_each_thread_count([&](int) {
      Guarded<T> out(size);
      for (int64_t i = 0; i < size; ++i) out[i] = std::numeric_limits<T>::quiet_NaN();
      kernel(out.data());
      CHECK(out.intact());
      CHECK_ALL_CLOSE(out.data(), expected.data(), size, tolerance, tolerance, what);
      if (first.empty()) first.assign(out.data(), out.data() + size);
      CHECK(size == 0 || std::memcmp(first.data(), out.data(), first.size() * sizeof(T)) == 0);
    });
  });
}

template <class T>
struct Problem {
  talus::Conv2dParams p;
  int dtype = dtype_of<T>();
  std::vector<T> x, w, bias, grad;

  explicit Problem(const Case& c)
      : p(c.params),
        x(random_values<T>(p.n * p.c * p.h * p.w, 1)),
        w(random_values<T>(p.o * p.group_c() * p.kh * p.kw, 2)),
        bias(random_values<T>(p.o, 3)),
        grad(random_values<T>(p.n * p.o * p.out_h() * p.out_w(), 4)) {}

  // Whether channels fill the registers of this instruction set; otherwise there is nothing to compare.
  bool channels(ConvPass pass, const std::vector<T>& expected, T* out) const {
    if (talus::cpu::channels_can<T>(pass, p)) return true;
    std::copy(expected.begin(), expected.end(), out);
    return false;
  }

  // The border's kernels choose a way by the shape; each of the two must be right for every shape.
  void forward() const {
    for (const talus::Activation& last : {talus::kNoActivation, talus::kRelu, kLowBound}) {
      const T* b = last.clamps ? bias.data() : nullptr;
      std::vector<T> expected(grad.size());
      talus::ref::conv2d(dtype, p, x.data(), w.data(), b, last, expected.data());
      const double terms = static_cast<double>(p.group_c() * p.kh * p.kw);
      compare("out", expected, terms, [&](T* out) { under_test::conv2d(dtype, p, x.data(), w.data(), b, last, out); });
      if (p.n == 0 || kOnDevice) continue;
      compare("out, implicit", expected, terms, [&](T* out) {
        talus::cpu::implicit_convolution(DirectShape::forward(p), x.data(), w.data(), b, last, out);
      });
      if (talus::cpu::depthwise_can(p)) {
        compare("out, depthwise", expected, terms,
                [&](T* out) { talus::cpu::depthwise_convolution(p, x.data(), w.data(), b, last, out); });
      }
      if constexpr (sizeof(T) == sizeof(float)) {
        if (talus::cpu::winograd1d_fits(talus::cpu::ConvPass::Forward, p))
          compare("out, winograd1d", expected, terms,
                  [&](T* out) { talus::cpu::winograd1d_convolution(p, x.data(), w.data(), b, last, out); });
      }
      compare("out, channels", expected, terms, [&](T* out) {
        if (channels(ConvPass::Forward, expected, out))
          talus::cpu::channels_convolution(p, x.data(), w.data(), b, last, out);
      });
      compare("out, direct", expected, terms, [&](T* out) {
        talus::cpu::direct_convolution(DirectShape::forward(p), x.data(), w.data(), false, b, last, out);
      });
    }
  }

  void backward_input() const {
    const double terms = static_cast<double>(p.group_o() * p.kh * p.kw);
    std::vector<T> expected(x.size());
    talus::ref::conv2d_backward_input(dtype, p, grad.data(), w.data(), expected.data());
    compare("grad_x", expected, terms,
            [&](T* out) { under_test::conv2d_backward_input(dtype, p, grad.data(), w.data(), out); });
    if (p.n == 0 || kOnDevice) return;
    compare("grad_x, im2col", expected, terms,
            [&](T* out) { talus::cpu::im2col_input_gradient(p, grad.data(), w.data(), out); });
    if (talus::cpu::depthwise_can(p)) {
      compare("grad_x, depthwise", expected, terms,
              [&](T* out) { talus::cpu::depthwise_input_gradient(p, grad.data(), w.data(), out); });
    }
    if constexpr (sizeof(T) == sizeof(float)) {
      if (talus::cpu::winograd1d_fits(talus::cpu::ConvPass::BackwardInput, p))
        compare("grad_x, winograd1d", expected, terms,
                [&](T* out) { talus::cpu::winograd1d_input_gradient(p, grad.data(), w.data(), out); });
    }
    compare("grad_x, channels", expected, terms, [&](T* out) {
      if (channels(ConvPass::BackwardInput, expected, out))
        talus::cpu::channels_input_gradient(p, grad.data(), w.data(), out);
    });
    if (p.stride_h != 1 || p.stride_w != 1) {
      if (p.dilation_h != 1 || p.dilation_w != 1) return;
      compare("grad_x, direct", expected, terms,
              [&](T* out) { talus::cpu::direct_strided_input_gradient(p, grad.data(), w.data(), out); });
      return;
    }
    const T* no_bias = nullptr;
    compare("grad_x, direct", expected, terms, [&](T* out) {
      talus::cpu::direct_convolution(DirectShape::backward_input(p), grad.data(), w.data(), true, no_bias,
                                     talus::kNoActivation, out);
    });
  }

  void backward_weight() const {
    const double terms = static_cast<double>(p.n * p.out_h() * p.out_w());
    std::vector<T> expected(w.size());
    talus::ref::conv2d_backward_weight(dtype, p, grad.data(), x.data(), expected.data());
    compare("grad_w", expected, terms,
            [&](T* out) { under_test::conv2d_backward_weight(dtype, p, grad.data(), x.data(), out); });
    if (p.n == 0 || kOnDevice) return;
    compare("grad_w, im2col", expected, terms,
            [&](T* out) { talus::cpu::im2col_weight_gradient(p, grad.data(), x.data(), out); });
    if (talus::cpu::depthwise_can(p)) {
      compare("grad_w, depthwise", expected, terms,
              [&](T* out) { talus::cpu::depthwise_weight_gradient(p, grad.data(), x.data(), out); });
    }
    compare("grad_w, channels", expected, terms, [&](T* out) {
      if (channels(ConvPass::BackwardWeight, expected, out))
        talus::cpu::channels_weight_gradient(p, grad.data(), x.data(), out);
    });
    compare("grad_w, direct", expected, terms,
            [&](T* out) { talus::cpu::direct_weight_gradient(p, grad.data(), x.data(), out); });
  }

  void backward_bias() const {
    std::vector<T> expected(bias.size());
    talus::ref::conv2d_backward_bias(dtype, p, grad.data(), expected.data());
    compare("grad_bias", expected, static_cast<double>(p.n * p.out_h() * p.out_w()),
            [&](T* out) { under_test::conv2d_backward_bias(dtype, p, grad.data(), out); });
  }
};

// Watched accesses take ten times as long: only cases of up to a million products have them.
bool too_long([[maybe_unused]] const Case& c) {
#if defined(TALUS_TEST_EMULATED)
  const talus::Conv2dParams p(c.params);
  const int64_t outputs = p.n * p.o * p.out_h() * p.out_w();
  return emulator::checking() && outputs * p.group_c() * p.kh * p.kw > 1000000;
#else
  return false;
#endif
}

template <class F>
void each_case(F&& f) {
  for (const Case& c : kCases) {
    if (too_long(c)) continue;
    check::Note note(describe(c));
    f(Problem<float>(c));
    f(Problem<double>(c));
  }
}

}  // namespace

TEST(forward) {
  each_case([](const auto& problem) { problem.forward(); });
}

TEST(input_gradient) {
  each_case([](const auto& problem) { problem.backward_input(); });
}

TEST(weight_gradient) {
  each_case([](const auto& problem) { problem.backward_weight(); });
}

// Weights beside which L2 has room for the patches of more pixels.
TEST(blocks_beside_large_weights) {
  const talus::CachesForTest caches({48 << 10, 400 << 10, 1 << 20});
  for (const Case& c :
       {Case{{12, 100, 9, 9, 130, 1, 1, 1, 1, 0, 0, 1, 1, 1}}, Case{{2, 15, 25, 25, 100, 3, 3, 1, 1, 1, 1, 1, 1, 1}}}) {
    if (too_long(c)) continue;
    check::Note note(describe(c));
    Problem<float>(c).forward();
    Problem<double>(c).forward();
  }
}

TEST(bias_gradient) {
  each_case([](const auto& problem) { problem.backward_bias(); });
}

TEST(the_rule_chooses_by_shape) {
  using talus::cpu::ConvAlgorithm;
  const Case lenet = {{64, 6, 15, 15, 16, 3, 3, 1, 1, 0, 0, 1, 1, 1}};
  const Case classic = {{64, 6, 14, 14, 16, 5, 5, 1, 1, 0, 0, 1, 1, 1}};
  const Case pointwise = {{1, 1024, 7, 7, 1024, 1, 1, 1, 1, 0, 0, 1, 1, 1}};
  const Case large_pointwise = {{1, 64, 56, 56, 64, 1, 1, 1, 1, 0, 0, 1, 1, 1}};
  const Case gray = {{64, 1, 32, 32, 6, 3, 3, 1, 1, 0, 0, 1, 1, 1}};
  const Case first = {{1, 3, 224, 224, 64, 7, 7, 2, 2, 3, 3, 1, 1, 1}};
  const Case depthwise = {{1, 32, 14, 14, 32, 3, 3, 2, 2, 1, 1, 1, 1, 32}};
  const Case strided_groups = {{1, 64, 28, 28, 64, 3, 3, 2, 2, 1, 1, 1, 1, 8}};
  const Case wider_groups = {{1, 256, 14, 14, 256, 3, 3, 2, 2, 1, 1, 1, 1, 8}};
  const Case groups_of_8 = {{1, 64, 28, 28, 64, 3, 3, 1, 1, 1, 1, 1, 1, 8}};
  const Case groups_of_16 = {{8, 128, 14, 14, 128, 3, 3, 1, 1, 1, 1, 1, 1, 8}};
  const Case groups_of_24 = {{8, 192, 14, 14, 192, 3, 3, 1, 1, 1, 1, 1, 1, 8}};
  const Case groups_of_32 = {{1, 256, 7, 7, 256, 3, 3, 1, 1, 1, 1, 1, 1, 8}};
  const Case few_tiles = {{1, 512, 7, 7, 512, 3, 3, 1, 1, 1, 1, 1, 1, 1}};
  const Case strided = {{1, 64, 56, 56, 128, 3, 3, 2, 2, 1, 1, 1, 1, 1}};
  const Case narrow_strided = {{1, 16, 56, 56, 32, 3, 3, 2, 2, 1, 1, 1, 1, 1}};
  const Case spread = {{1, 3, 32, 32, 8, 3, 3, 2, 2, 1, 1, 2, 2, 1}};
  for_each_isa([&](const char*) {
    for (const ConvPass pass : {ConvPass::Forward, ConvPass::BackwardInput, ConvPass::BackwardWeight}) {
      const auto chosen = [&](const Case& c) {
        return talus::cpu::algorithm_for<float>(pass, talus::Conv2dParams(c.params));
      };
      const bool weight = pass == ConvPass::BackwardWeight;
      const bool avx2 = talus::current_isa() == talus::Isa::Avx2, avx512 = talus::current_isa() == talus::Isa::Avx512;
      CHECK(chosen(lenet) == (!weight ? ConvAlgorithm::Winograd1d
                              : avx2  ? ConvAlgorithm::Channels
                                      : ConvAlgorithm::Direct));
      CHECK((chosen(classic) == ConvAlgorithm::Channels) == (avx2 && pass != ConvPass::BackwardInput));
      CHECK(chosen(pointwise) == ConvAlgorithm::Gemm);
      CHECK(chosen(large_pointwise) == ConvAlgorithm::Gemm);
      CHECK(chosen(gray) == ConvAlgorithm::Direct);
      CHECK(chosen(first) == (pass == ConvPass::BackwardInput ? ConvAlgorithm::Gemm : ConvAlgorithm::Direct));
      CHECK(chosen(depthwise) == ConvAlgorithm::Depthwise);
      CHECK(chosen(strided_groups) == ConvAlgorithm::Channels);
      CHECK(chosen(wider_groups) == ConvAlgorithm::Channels);
      CHECK((chosen(groups_of_8) == ConvAlgorithm::Channels) == (pass == ConvPass::BackwardWeight));
      CHECK((chosen(groups_of_16) == ConvAlgorithm::Channels) == (avx2 || avx512));
      CHECK((chosen(groups_of_24) == ConvAlgorithm::Winograd1d) == (avx512 && !weight));
      CHECK((chosen(groups_of_32) == ConvAlgorithm::Channels) == (avx2 || avx512));
      CHECK(chosen(few_tiles) == (weight ? ConvAlgorithm::Gemm : ConvAlgorithm::Winograd));
      CHECK((chosen(strided) == ConvAlgorithm::Winograd) == !weight);
      CHECK((chosen(narrow_strided) == ConvAlgorithm::Channels) == (pass == ConvPass::BackwardInput && avx512));
      CHECK((chosen(spread) == ConvAlgorithm::Gemm) == (pass == ConvPass::BackwardInput));
    }
  });
}

TEST(a_forced_algorithm_is_used_where_it_can) {
  const Case strided = {{1, 3, 32, 32, 8, 3, 3, 2, 2, 1, 1, 2, 2, 1}};
  const auto chosen = [&](int pass) {
    return std::string(talus_conv2d_algorithm(0, TALUS_FLOAT32, pass, strided.params));
  };
  CHECK(chosen(TALUS_CONV_FORWARD) == "direct");
  CHECK(talus_conv2d_force(TALUS_CONV_FORWARD, "gemm") == TALUS_OK);
  CHECK(chosen(TALUS_CONV_FORWARD) == "gemm");
  CHECK(chosen(TALUS_CONV_BACKWARD_WEIGHT) == "direct");
  CHECK(talus_conv2d_force(TALUS_CONV_BACKWARD_INPUT, "direct") == TALUS_OK);
  CHECK(chosen(TALUS_CONV_BACKWARD_INPUT) == "gemm");
  CHECK(talus_conv2d_force(TALUS_CONV_FORWARD, "fft") == TALUS_INVALID_ARGUMENT);
  CHECK(std::string(talus_last_error()).find("'fft', expected one of auto, direct") != std::string::npos);
  CHECK(talus_conv2d_force(3, "gemm") == TALUS_INVALID_ARGUMENT);
  CHECK(talus_conv2d_force(TALUS_CONV_FORWARD, nullptr) == TALUS_INVALID_ARGUMENT);
  CHECK(chosen(TALUS_CONV_FORWARD) == "gemm");
  for (const int pass : {TALUS_CONV_FORWARD, TALUS_CONV_BACKWARD_INPUT, TALUS_CONV_BACKWARD_WEIGHT})
    CHECK(talus_conv2d_force(pass, "auto") == TALUS_OK);
  CHECK(chosen(TALUS_CONV_FORWARD) == "direct");
  CHECK(talus_conv2d_algorithm(0, TALUS_INT32, TALUS_CONV_FORWARD, strided.params) == nullptr);
  CHECK(talus_conv2d_algorithm(0, TALUS_FLOAT32, TALUS_CONV_FORWARD, nullptr) == nullptr);
}

// Every way of the CPU, and what CUDA does: biases alone decide what is a number, below 0, above 6 and infinite.
TEST(activations_of_every_kind_of_value) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();
  std::set<std::string> ways;
  for (const Case& c :
       {Case{{2, 16, 9, 10, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1}}, Case{{2, 16, 9, 10, 32, 3, 3, 2, 2, 1, 1, 1, 1, 1}},
        Case{{2, 16, 6, 8, 18, 1, 1, 1, 1, 0, 0, 1, 1, 1}}, Case{{2, 8, 9, 33, 8, 3, 3, 1, 1, 1, 1, 1, 1, 8}},
        Case{{2, 4, 7, 8, 8, 7, 3, 1, 1, 1, 1, 1, 1, 4}}, Case{{1, 512, 3, 3, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1}}}) {
    check::Note note(describe(c));
    Problem<float> problem(c);
    const float biases[] = {kNan, kInfinity, -kInfinity, 1e4f, -1e4f, 3};
    for (int64_t o = 0; o < problem.p.o; ++o) problem.bias[static_cast<size_t>(o)] = biases[o % 6];
    const int64_t area = problem.p.out_h() * problem.p.out_w(), size = static_cast<int64_t>(problem.grad.size());
    std::vector<float> sums(problem.grad.size()), out(problem.grad.size());
    talus::ref::conv2d(TALUS_FLOAT32, problem.p, problem.x.data(), problem.w.data(), problem.bias.data(),
                       talus::kNoActivation, sums.data());
    for (const char* way : {"direct", "gemm", "winograd", "winograd1d", "depthwise", "channels"}) {
      if (kOnDevice && way != std::string("direct")) continue;  // devices know one way
      talus::cpu::force_algorithm(ConvPass::Forward, way);
      for_each_isa([&](const char*) {
        ways.insert(talus::cpu::algorithm_name(TALUS_FLOAT32, ConvPass::Forward, problem.p));
        for (const talus::Activation& last : {talus::kNoActivation, talus::kRelu, talus::kRelu6}) {
          under_test::conv2d(TALUS_FLOAT32, problem.p, problem.x.data(), problem.w.data(), problem.bias.data(), last,
                             out.data());
          for (int64_t i = 0; i < size; ++i) {
            const float sum = sums[static_cast<size_t>(i)], y = out[static_cast<size_t>(i)];
            const bool decided = i / area % problem.p.o % 6 < 5;
            const float high = last.clamps ? last.most : kInfinity, low = last.clamps ? 0 : -kInfinity;
            const float expected = std::isnan(sum) ? sum : std::min(std::max(sum, low), high);
            if (std::isnan(expected)) {
              CHECK(std::isnan(y));
            } else if (decided && (expected == low || expected == high)) {
              CHECK(y == expected);
            } else {
              CHECK_NEAR(y, expected, 1e-2);
            }
          }
        }
      });
    }
    talus::cpu::force_algorithm(ConvPass::Forward, "auto");
  }
  CHECK(kOnDevice || ways.size() == 6);
}

// Which aligned results are stored past.
TEST(depthwise_beyond_the_caches) {
  if (kOnDevice) return;
  for (const int64_t stride : {1, 2}) {
    const Case far = {{9, 32, 112, 112, 32, 3, 3, stride, stride, 1, 1, 1, 1, 32}};
    const Problem<float> problem(far);
    const int64_t outputs = static_cast<int64_t>(problem.grad.size()), inputs = static_cast<int64_t>(problem.x.size());
    std::vector<float> out(problem.grad.size()), grad_x(problem.x.size());
    talus::ref::conv2d(TALUS_FLOAT32, problem.p, problem.x.data(), problem.w.data(), problem.bias.data(), talus::kRelu,
                       out.data());
    talus::ref::conv2d_backward_input(TALUS_FLOAT32, problem.p, problem.grad.data(), problem.w.data(), grad_x.data());
    std::vector<float> grad_w(problem.w.size());
    talus::ref::conv2d_backward_weight(TALUS_FLOAT32, problem.p, problem.grad.data(), problem.x.data(), grad_w.data());
    const talus::Scratch<float> aligned(std::max(inputs, outputs));
    const auto furthest = [&](const std::vector<float>& expected) {
      float most = 0;
      for (size_t i = 0; i < expected.size(); ++i)
        most = std::max(most, std::abs(aligned[static_cast<int64_t>(i)] - expected[i]));
      return most;
    };
    for_each_isa([&](const char*) {
      talus::cpu::conv2d(TALUS_FLOAT32, problem.p, problem.x.data(), problem.w.data(), problem.bias.data(),
                         talus::kRelu, aligned.get());
      CHECK(furthest(out) < 1e-5f);
      talus::cpu::conv2d_backward_input(TALUS_FLOAT32, problem.p, problem.grad.data(), problem.w.data(), aligned.get());
      CHECK(furthest(grad_x) < 1e-5f);
      talus::cpu::conv2d_backward_weight(TALUS_FLOAT32, problem.p, problem.grad.data(), problem.x.data(),
                                         aligned.get());
      CHECK(furthest(grad_w) < 1e-3f);  // of sums of a hundred thousand products
    });
  }
}

TEST(infinite_input_reaches_only_its_taps) {
  // One infinite pixel: weights whose window never covers it must keep a finite gradient. Of many images, the first is
  // not the last one, behind which nothing may be read.
  for (const int64_t images : {1, 20}) {
    const Case c = {{images, 1, 4, 5, 1, 1, 2, 1, 1, 0, 0, 1, 1, 1}};
    Problem<float> problem(c);
    problem.x[0] = std::numeric_limits<float>::infinity();
    for (float& g : problem.grad) g = 1;
    for_each_isa([&](const char*) {
      float grad_w[2];
      under_test::conv2d_backward_weight(TALUS_FLOAT32, problem.p, problem.grad.data(), problem.x.data(), grad_w);
      CHECK(std::isinf(grad_w[0]));
      CHECK(std::isfinite(grad_w[1]));
    });
  }
}
