// float32 convolutions that may be rounded to TF32: which ones are, what they and their gradients compute, and that all
// others keep every bit.
#include <limits>

#include "cuda/conv2d.h"
#include "cuda/device_array.h"
#include "cuda/tf32_under_test.h"
#include "kernels.h"
#include "under_test.h"

namespace {

using talus::Conv2dParams;
using talus::cuda::ConvKernel;

struct Case {
  // In the border's order: n c h w o kh kw stride_h stride_w pad_h pad_w dilation_h dilation_w groups.
  int64_t params[TALUS_CONV_PARAMS];
};

enum Tile { kLarge, kMiddle, kSmall };
constexpr int kPasses[] = {TALUS_CONV_FORWARD, TALUS_CONV_BACKWARD_INPUT, TALUS_CONV_BACKWARD_WEIGHT};

std::string describe(const Case& c, int pass) {
  std::string text = "pass " + std::to_string(pass) + " of n c h w o kh kw stride pad dilation groups:";
  for (const int64_t v : c.params) text += " " + std::to_string(v);
  return text;
}

// One pass with its operands: what it reads, and what the definition says of it.
struct Problem {
  int pass;
  Conv2dParams p;
  std::vector<float> x, w, grad, bias;

  Problem(int which, const Case& c)
      : pass(which),
        p(c.params),
        x(random_values<float>(p.n * p.c * p.h * p.w, 1)),
        w(random_values<float>(p.o * p.group_c() * p.kh * p.kw, 2)),
        grad(random_values<float>(p.n * p.o * p.out_h() * p.out_w(), 3)),
        bias(random_values<float>(p.o, 4)) {}

  Problem rounded() const {
    Problem problem = *this;
    for (std::vector<float>* values : {&problem.x, &problem.w, &problem.grad})
      for (float& v : *values) v = tf32(v);
    return problem;
  }

  int64_t size() const {
    return static_cast<int64_t>((pass == TALUS_CONV_FORWARD ? grad : pass == TALUS_CONV_BACKWARD_INPUT ? x : w).size());
  }
  // The most products that an element is the sum of.
  double terms() const {
    const int64_t taps = p.kh * p.kw;
    return static_cast<double>(pass == TALUS_CONV_FORWARD          ? p.group_c() * taps
                               : pass == TALUS_CONV_BACKWARD_INPUT ? p.group_o() * taps
                                                                   : p.n * p.out_h() * p.out_w());
  }

  std::vector<float> expected() const {
    std::vector<float> out(static_cast<size_t>(size()));
    if (pass == TALUS_CONV_FORWARD)
      talus::ref::conv2d(TALUS_FLOAT32, p, x.data(), w.data(), bias.data(), kLowBound, out.data());
    else if (pass == TALUS_CONV_BACKWARD_INPUT)
      talus::ref::conv2d_backward_input(TALUS_FLOAT32, p, grad.data(), w.data(), out.data());
    else
      talus::ref::conv2d_backward_weight(TALUS_FLOAT32, p, grad.data(), x.data(), out.data());
    return out;
  }

  Guarded<float> actual() const {
    Guarded<float> out(size());
    for (int64_t i = 0; i < size(); ++i) out[i] = std::numeric_limits<float>::quiet_NaN();
    if (pass == TALUS_CONV_FORWARD)
      under_test::conv2d(TALUS_FLOAT32, p, x.data(), w.data(), bias.data(), kLowBound, out.data());
    else if (pass == TALUS_CONV_BACKWARD_INPUT)
      under_test::conv2d_backward_input(TALUS_FLOAT32, p, grad.data(), w.data(), out.data());
    else
      under_test::conv2d_backward_weight(TALUS_FLOAT32, p, grad.data(), x.data(), out.data());
    CHECK(out.intact());
    return out;
  }
};

talus::cuda::ConvWay way(int pass, const Case& c, int dtype = TALUS_FLOAT32) {
  const ConvPrecision high(TALUS_PRECISION_HIGH);
  return talus::cuda::conv_way_of(dtype, pass, Conv2dParams(c.params));
}

// Rounded, it is the convolution of rounded operands up to the order of sums, and always the same one.
void compare_rounded(const Problem& raw) {
  const Problem exact = raw.rounded();
  const std::vector<float> expected = exact.expected(), unrounded = raw.expected();
  const double terms = raw.terms();
  const double tolerance = std::numeric_limits<float>::epsilon() * (32 + 2 * terms);
  // Each factor is off by at most 2^-11 of itself, and no operand is more than 1.
  const double bound = tolerance + std::ldexp(1.001, -10) * terms;
  std::vector<float> first;
  for_each_isa([&](const char*) {
    const ConvPrecision high(TALUS_PRECISION_HIGH);
    const Guarded<float> of_rounded = exact.actual(), of_raw = raw.actual();
    CHECK_ALL_CLOSE(of_rounded.data(), expected.data(), of_rounded.size(), tolerance, tolerance, "of rounded");
    CHECK_ALL_CLOSE(of_raw.data(), unrounded.data(), of_raw.size(), 0, bound, "of raw");
    CHECK(equal(of_raw, of_rounded));
    if (first.empty()) first.assign(of_raw.data(), of_raw.data() + of_raw.size());
    CHECK(first.empty() || std::memcmp(first.data(), of_raw.data(), first.size() * sizeof(float)) == 0);
  });
}

// With the setting or without, the same bits.
void compare_unrounded(const Problem& raw) {
  const Guarded<float> before = raw.actual();
  const ConvPrecision high(TALUS_PRECISION_HIGH);
  CHECK(equal(raw.actual(), before));
}

// Watched accesses take ten times as long: only cases of up to half a million products have them.
bool too_long([[maybe_unused]] const Case& c) {
#if defined(TALUS_TEST_EMULATED)
  const Conv2dParams p(c.params);
  return emulator::checking() && p.n * p.o * p.out_h() * p.out_w() * p.group_c() * p.kh * p.kw > 500000;
#else
  return false;
#endif
}

// All passes, each by what it is computed with.
void compare(const Case& c) {
  if (!has_tf32() || too_long(c)) return;
  for (const int pass : kPasses) {
    check::Note note(describe(c, pass));
    const Problem problem(pass, c);
    way(pass, c).tensor_cores ? compare_rounded(problem) : compare_unrounded(problem);
  }
}

// Of as many images as make the device take this tile for it.
Case filling(Tile tile, int pass, Case c) {
  for (int64_t& n = c.params[TALUS_CONV_N]; n <= 4096; n *= 2) {
    const talus::cuda::ConvWay chosen = way(pass, c);
    if (chosen.tensor_cores && chosen.tile == tile) return c;
  }
  check::failed(__FILE__, __LINE__,
                "no number of images takes tile " + std::to_string(tile) + ", " + describe(c, pass));
  c.params[TALUS_CONV_N] = 1;
  return c;
}

void compare_tile(Tile tile, int pass, const Case& c) {
  const Case filled = filling(tile, pass, c);
  check::Note note(describe(filled, pass));
  compare_rounded(Problem(pass, filled));
}

}  // namespace

#if defined(TALUS_TEST_EMULATED)
// Or most of what follows would test nothing.
TEST(emulated_devices_have_tf32) { CHECK(has_tf32()); }
#endif

TEST(the_setting_has_two_values) {
  CHECK(talus::conv_fp32_precision() == TALUS_PRECISION_HIGHEST);
  CHECK_FAILS(talus::set_conv_fp32_precision(2), "set_conv_fp32_precision: 2, expected 0 (highest) or 1 (high)");
  CHECK(talus::conv_fp32_precision() == TALUS_PRECISION_HIGHEST);
  talus::set_conv_fp32_precision(TALUS_PRECISION_HIGH);
  CHECK(talus::conv_fp32_precision() == TALUS_PRECISION_HIGH);
  CHECK(talus::float32_matmul_precision() == TALUS_PRECISION_HIGHEST);
  talus::set_conv_fp32_precision(TALUS_PRECISION_HIGHEST);
}

// Rows, columns and terms of a group's product: 16 of each are enough, and fewer are not.
TEST(the_rule_chooses_by_shape) {
  if (!has_tf32()) return;
  enum Way { kDepthwise, kGemm, kTensorGemm, kProduct, kTensor };
  const struct {
    Case c;
    Way expected[3];
  } rules[] = {
      {{{32, 64, 56, 56, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1}}, {kTensor, kTensor, kTensor}},
      {{{32, 3, 224, 224, 64, 7, 7, 2, 2, 3, 3, 1, 1, 1}}, {kTensor, kProduct, kTensor}},  // three rows of grad x
      {{{64, 1, 28, 28, 6, 3, 3, 1, 1, 0, 0, 1, 1, 1}}, {kDepthwise, kDepthwise, kDepthwise}},
      {{{64, 6, 15, 15, 16, 3, 3, 1, 1, 0, 0, 1, 1, 1}}, {kTensor, kProduct, kTensor}},    // and six
      {{{64, 6, 15, 15, 15, 3, 3, 1, 1, 0, 0, 1, 1, 1}}, {kProduct, kProduct, kProduct}},  // 15 rows
      {{{64, 15, 15, 15, 16, 1, 1, 2, 2, 0, 0, 1, 1, 1}}, {kProduct, kProduct, kProduct}},
      {{{64, 16, 15, 15, 16, 1, 1, 2, 2, 0, 0, 1, 1, 1}}, {kTensor, kTensor, kTensor}},
      {{{1, 64, 3, 5, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1}}, {kProduct, kProduct, kProduct}},  // 15 positions
      {{{1, 64, 4, 4, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1}}, {kTensor, kTensor, kTensor}},
      {{{32, 128, 56, 56, 128, 3, 3, 1, 1, 1, 1, 1, 1, 32}}, {kProduct, kProduct, kProduct}},  // groups of 4 channels
      {{{32, 1024, 7, 7, 1024, 3, 3, 1, 1, 1, 1, 1, 1, 32}}, {kTensor, kTensor, kTensor}},
      {{{2, 2, 9, 9, 64, 5, 5, 1, 1, 1, 1, 1, 1, 2}}, {kTensor, kProduct, kTensor}},  // 32 outputs of one channel
      {{{32, 32, 9, 9, 32, 3, 3, 1, 1, 1, 1, 1, 1, 32}}, {kDepthwise, kDepthwise, kDepthwise}},
      {{{32, 64, 56, 56, 64, 1, 1, 1, 1, 0, 0, 1, 1, 1}}, {kTensorGemm, kTensorGemm, kTensor}},
      {{{32, 15, 56, 56, 64, 1, 1, 1, 1, 0, 0, 1, 1, 1}}, {kGemm, kGemm, kProduct}},
      {{{32, 512, 7, 7, 512, 1, 1, 1, 1, 0, 0, 1, 1, 1}}, {kTensor, kTensor, kTensor}},
  };
  for (const auto& rule : rules)
    for (const int pass : kPasses) {
      check::Note note(describe(rule.c, pass));
      const Way expected = rule.expected[pass];
      const talus::cuda::ConvWay chosen = way(pass, rule.c);
      CHECK(chosen.kernel == (expected == kDepthwise    ? ConvKernel::Depthwise
                              : expected <= kTensorGemm ? ConvKernel::Gemm
                                                        : ConvKernel::Product));
      CHECK(chosen.tensor_cores == (expected == kTensor || expected == kTensorGemm));
      // Not for float64, and not unless asked for.
      CHECK(!way(pass, rule.c, TALUS_FLOAT64).tensor_cores);
      const MatmulPrecision high(TALUS_PRECISION_HIGH);
      CHECK(!talus::cuda::conv_way_of(TALUS_FLOAT32, pass, Conv2dParams(rule.c.params)).tensor_cores);
    }
}

TEST(kernels_strides_padding_and_dilation) {
  compare({{2, 16, 9, 11, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1}});
  compare({{2, 17, 9, 11, 19, 3, 2, 2, 3, 2, 1, 1, 1, 1}});
  compare({{2, 18, 8, 12, 21, 3, 3, 1, 1, 0, 2, 2, 3, 1}});
  compare({{1, 22, 17, 20, 24, 2, 5, 2, 2, 1, 4, 3, 2, 1}});  // all of them
  compare({{1, 3, 24, 20, 20, 7, 7, 2, 2, 3, 3, 1, 1, 1}});   // images of three channels
  compare({{2, 16, 5, 5, 18, 3, 3, 1, 1, 5, 4, 1, 1, 1}});    // padding beyond the kernel
  compare({{17, 16, 3, 3, 16, 3, 3, 1, 1, 0, 0, 1, 1, 1}});   // one output pixel
  compare({{9, 16, 6, 5, 20, 3, 3, 4, 5, 0, 0, 1, 1, 1}});    // strides that skip pixels
  compare({{1, 16, 1, 80, 16, 3, 3, 4, 5, 1, 1, 1, 1, 1}});   // fewer rows than phases
  compare({{4, 6, 15, 15, 16, 3, 3, 1, 1, 0, 0, 1, 1, 1}});   // LeNet's
}

TEST(kernels_of_one_element) {
  compare({{2, 19, 6, 7, 33, 1, 1, 1, 1, 0, 0, 1, 1, 1}});
  compare({{2, 16, 7, 6, 17, 1, 1, 1, 1, 2, 1, 1, 1, 1}});  // padded: the input's gradient is cropped
  compare({{4, 16, 7, 6, 18, 1, 1, 2, 2, 0, 0, 1, 1, 1}});  // strided: phases without taps
  // Products of whole images, which cuda::gemm computes.
  compare({{1, 20, 9, 5, 18, 1, 1, 1, 1, 0, 0, 1, 1, 1}});
  compare({{2, 18, 16, 33, 22, 1, 1, 1, 1, 0, 0, 1, 1, 1}});
  compare({{2, 18, 16, 33, 9, 1, 1, 1, 1, 0, 0, 1, 1, 1}});
}

TEST(groups) {
  compare({{1, 34, 13, 12, 36, 3, 3, 1, 1, 2, 3, 2, 3, 2}});
  compare({{2, 48, 7, 6, 54, 1, 1, 2, 2, 0, 0, 1, 1, 3}});
  compare({{2, 2, 9, 9, 64, 5, 5, 1, 1, 1, 1, 1, 1, 2}});
  compare({{2, 16, 7, 7, 64, 3, 3, 1, 1, 1, 1, 1, 1, 4}});  // too small
  compare({{2, 32, 9, 9, 32, 3, 3, 1, 1, 1, 1, 1, 1, 32}});
}

TEST(sums_in_pieces) {
  compare({{1, 130, 5, 5, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1}});
  compare({{1, 64, 6, 7, 36, 5, 5, 3, 2, 2, 2, 1, 1, 1}});  // of pixels that differ in their taps
  compare({{8, 16, 16, 17, 16, 3, 1, 1, 1, 1, 0, 1, 1, 1}});
}

TEST(no_images) { compare({{0, 16, 8, 8, 16, 3, 3, 1, 1, 0, 0, 1, 1, 1}}); }

TEST(every_tile) {
  if (!has_tf32()) return;
  compare_tile(kSmall, TALUS_CONV_FORWARD, {{1, 5, 7, 6, 30, 3, 3, 1, 1, 1, 1, 1, 1, 1}});
  compare_tile(kMiddle, TALUS_CONV_FORWARD, {{1, 5, 9, 10, 63, 3, 2, 1, 1, 1, 1, 1, 1, 1}});
  compare_tile(kLarge, TALUS_CONV_FORWARD, {{1, 6, 15, 17, 125, 3, 1, 1, 1, 1, 0, 1, 1, 1}});
  compare_tile(kSmall, TALUS_CONV_BACKWARD_INPUT, {{1, 30, 7, 6, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1}});
  compare_tile(kMiddle, TALUS_CONV_BACKWARD_INPUT, {{1, 63, 9, 10, 5, 3, 2, 1, 1, 1, 1, 1, 1, 1}});
  compare_tile(kLarge, TALUS_CONV_BACKWARD_INPUT, {{1, 125, 15, 17, 6, 3, 1, 1, 1, 1, 0, 1, 1, 1}});
  compare_tile(kSmall, TALUS_CONV_BACKWARD_WEIGHT, {{1, 3, 6, 7, 30, 3, 3, 1, 1, 1, 1, 1, 1, 1}});
  compare_tile(kMiddle, TALUS_CONV_BACKWARD_WEIGHT, {{1, 20, 4, 5, 63, 3, 3, 1, 1, 1, 1, 1, 1, 1}});
  compare_tile(kLarge, TALUS_CONV_BACKWARD_WEIGHT, {{1, 55, 4, 5, 126, 3, 3, 1, 1, 1, 1, 1, 1, 1}});
}

// Without the setting, by the setting of matrices, and for float64, every bit stays.
TEST(nothing_changes_unless_asked_for) {
  const Case cases[] = {{{2, 16, 9, 11, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
                        {{1, 20, 9, 5, 18, 1, 1, 1, 1, 0, 0, 1, 1, 1}}};
  for (const Case& c : cases)
    for (const int pass : kPasses) {
      check::Note note(describe(c, pass));
      const Problem raw(pass, c);
      const Guarded<float> before = raw.actual();
      {
        const ConvPrecision high(TALUS_PRECISION_HIGH);
        CHECK(equal(raw.actual(), before) == !has_tf32());
      }
      {
        const MatmulPrecision high(TALUS_PRECISION_HIGH);
        CHECK(equal(raw.actual(), before));
      }
      CHECK(equal(raw.actual(), before));
      CHECK(!equal(raw.rounded().actual(), before));
    }
  const Conv2dParams p(cases[0].params);
  const std::vector<double> x = random_values<double>(p.n * p.c * p.h * p.w, 1);
  const std::vector<double> w = random_values<double>(p.o * p.c * p.kh * p.kw, 2);
  std::vector<double> expected(static_cast<size_t>(p.n * p.o * p.out_h() * p.out_w())), out = expected;
  talus::ref::conv2d(TALUS_FLOAT64, p, x.data(), w.data(), nullptr, talus::kNoActivation, expected.data());
  const ConvPrecision high(TALUS_PRECISION_HIGH);
  under_test::conv2d(TALUS_FLOAT64, p, x.data(), w.data(), nullptr, talus::kNoActivation, out.data());
  CHECK_ALL_CLOSE(out.data(), expected.data(), static_cast<int64_t>(out.size()), 1e-13, 1e-13, "float64");
}

#if defined(TALUS_TEST_EMULATED)
// The emulator stops a kernel that uses tensor cores which its device has not.
TEST(devices_without_tf32_are_not_asked) {
  emulator::set_device_count(2);
  emulator::set_compute_capability(75);
  talus::cuda::use_device(1);
  CHECK(talus::cuda::properties(1).major == 7 && talus::cuda::properties(1).minor == 5);
  const Case c = {{2, 16, 9, 11, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1}};
  for (const int pass : kPasses) {
    const Problem problem(pass, c);
    std::vector<float> results[2];
    for (std::vector<float>& values : results) {
      const ConvPrecision chosen(&values == results ? TALUS_PRECISION_HIGHEST : TALUS_PRECISION_HIGH);
      const Array x(problem.x), w(problem.w), grad(problem.grad), out(problem.size());
      if (pass == TALUS_CONV_FORWARD)
        talus::cuda::conv2d(TALUS_FLOAT32, problem.p, x.at, w.at, nullptr, talus::kNoActivation, out.at);
      else if (pass == TALUS_CONV_BACKWARD_INPUT)
        talus::cuda::conv2d_backward_input(TALUS_FLOAT32, problem.p, grad.at, w.at, out.at);
      else
        talus::cuda::conv2d_backward_weight(TALUS_FLOAT32, problem.p, grad.at, x.at, out.at);
      values = out.values();
    }
    CHECK(std::memcmp(results[0].data(), results[1].data(), results[0].size() * sizeof(float)) == 0);
  }
  talus::cuda::use_device(0);
  emulator::set_compute_capability(90);
  emulator::set_device_count(1);
}
#endif
