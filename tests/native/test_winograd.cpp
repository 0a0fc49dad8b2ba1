// Winograd convolution against the definition in float64, on every instruction set.
#include <algorithm>
#include <limits>

#include "check.h"
#include "cpu/conv2d_choice.h"
#include "cpu/conv2d_winograd.h"
#include "kernels.h"

namespace {

struct Case {
  int64_t n, c, h, w, o, pad_h, pad_w, groups = 1, stride = 1;
};

const Case kCases[] = {
    {1, 1, 3, 3, 1, 0, 0},      // one output pixel
    {1, 1, 1, 1, 1, 1, 1},      // one input pixel
    {4, 3, 9, 11, 5, 1, 1},     // channels that fill no register
    {5, 17, 8, 8, 33, 1, 1},    // one more than fills it
    {9, 20, 10, 6, 40, 0, 0},   // no padding: the input's gradient has twice the usual one
    {5, 8, 7, 7, 16, 2, 2},     // the other way round
    {9, 5, 5, 6, 4, 4, 3},      // the input's gradient is cropped
    {2, 6, 5, 13, 7, 0, 2},     // height and width differ
    {1, 3, 6, 700, 5, 1, 1},    // rows in several strips, not all full
    {5, 130, 6, 5, 140, 1, 1},  // weights in several blocks
    {9, 32, 13, 15, 48, 1, 1},  // tiles in parts with sums of their own
    {1, 600, 4, 4, 20, 1, 1},   // few tiles, of 2x2: weights some channels at a time
    {1, 3, 9, 11, 5, 1, 1},     // and the cases above
    {2, 17, 8, 7, 33, 1, 1},
    {1, 8, 7, 7, 16, 2, 2},
    {2, 5, 5, 6, 4, 4, 3},
    {1, 9, 12, 6, 21, 0, 0, 3},
    {2, 300, 12, 12, 20, 1, 1},
    {6, 256, 30, 30, 24, 1, 1},  // tiles in several chunks
    {2, 10, 7, 9, 15, 1, 1, 5},  // groups of few channels
    {3, 34, 8, 6, 70, 0, 1, 2},  // fewer groups than threads, none a whole number of registers
    {9, 64, 13, 15, 128, 1, 1, 4},

    {1, 1, 3, 3, 1, 0, 0, 1, 2},  // stride 2: one output pixel
    {1, 1, 1, 1, 1, 1, 1, 1, 2},
    {2, 3, 9, 11, 5, 1, 1, 1, 2},  // odd sizes: the last row and column belong to an output
    {3, 17, 16, 16, 33, 1, 1, 1, 2},
    {2, 21, 10, 6, 40, 0, 0, 1, 2},  // tiles of the input's gradient begin before the image
    {2, 8, 17, 14, 16, 2, 2, 1, 2},
    {1, 5, 8, 7, 4, 4, 3, 1, 2},  // windows outside of the image
    {2, 6, 5, 13, 7, 0, 1, 1, 2},
    {1, 3, 7, 1100, 5, 1, 1, 1, 2},
    {1, 300, 8, 8, 20, 1, 1, 1, 2},
    {6, 256, 58, 58, 24, 1, 1, 1, 2},
    {2, 10, 7, 9, 15, 1, 1, 5, 2},
    {3, 34, 18, 16, 70, 0, 1, 2, 2},
};

std::string describe(const Case& c) {
  std::ostringstream text;
  text << "n " << c.n << ", " << c.c << " -> " << c.o << " channels of " << c.h << "x" << c.w << ", padding " << c.pad_h
       << ", " << c.pad_w << ", groups " << c.groups << ", stride " << c.stride;
  return text.str();
}

std::vector<double> widened(const std::vector<float>& v) { return {v.begin(), v.end()}; }

struct Problem {
  int64_t params[TALUS_CONV_PARAMS];
  talus::Conv2dParams p;
  std::vector<float> x, w, bias, grad;

  explicit Problem(const Case& c)
      : params{c.n, c.c, c.h, c.w, c.o, 3, 3, c.stride, c.stride, c.pad_h, c.pad_w, 1, 1, c.groups},
        p(params),
        x(random_values<float>(p.n * p.c * p.h * p.w, 1)),
        w(random_values<float>(p.o * p.group_c() * 9, 2)),
        bias(random_values<float>(p.o, 3)),
        grad(random_values<float>(p.n * p.o * p.out_h() * p.out_w(), 4)) {}
};

// The largest error, as a part of the largest value.
double error(const std::vector<double>& expected, const float* actual) {
  double worst = 0, largest = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double off = std::fabs(static_cast<double>(actual[i]) - expected[i]);
    worst = off <= worst ? worst : off;  // NaN stays
    largest = std::max(largest, std::fabs(expected[i]));
  }
  return largest > 0 ? worst / largest : worst;  // relu may leave nothing
}

// Runs `kernel(out)` on every instruction set and number of threads.
template <class Kernel>
void compare(const char* what, const std::vector<double>& expected, double tolerance, Kernel&& kernel) {
  check::Note note(what);
  const int64_t size = static_cast<int64_t>(expected.size());
  for_each_isa([&](const char*) {
    std::vector<float> first;
    for_each_thread_count([&](int) {
      Guarded<float> out(size);
      for (int64_t i = 0; i < size; ++i) out[i] = std::numeric_limits<float>::quiet_NaN();
      kernel(out.data());
      CHECK(out.intact());
      CHECK_NEAR(error(expected, out.data()), 0, tolerance);
      if (first.empty()) first.assign(out.data(), out.data() + size);
      CHECK(std::memcmp(first.data(), out.data(), first.size() * sizeof(float)) == 0);
    });
  });
}

void forward(const Problem& problem, bool with_bias, const talus::Activation& last, double tolerance) {
  const auto& p = problem.p;
  const auto x = widened(problem.x), w = widened(problem.w), bias = widened(problem.bias);
  std::vector<double> expected(problem.grad.size());
  talus::ref::conv2d(TALUS_FLOAT64, p, x.data(), w.data(), with_bias ? bias.data() : nullptr, last, expected.data());
  compare("out", expected, tolerance, [&](float* out) {
    talus::cpu::winograd_convolution(p, problem.x.data(), problem.w.data(), with_bias ? problem.bias.data() : nullptr,
                                     last, out);
  });
}

void forward(const Problem& problem, double tolerance) { forward(problem, false, talus::kNoActivation, tolerance); }

// With a bias and ReLU, then with a bound that cuts off the largest values.
void forward_activated(const Problem& problem, double tolerance) {
  forward(problem, true, talus::kRelu, tolerance);
  const auto& p = problem.p;
  std::vector<float> sums(problem.grad.size());
  talus::ref::conv2d(TALUS_FLOAT32, p, problem.x.data(), problem.w.data(), problem.bias.data(), talus::kRelu,
                     sums.data());
  const float largest = *std::max_element(sums.begin(), sums.end());
  // Errors stay what they were, of half the largest value.
  forward(problem, true, {true, 0, largest / 2}, 2 * tolerance);
}

void input_gradient(const Problem& problem, double tolerance) {
  const auto grad = widened(problem.grad), w = widened(problem.w);
  std::vector<double> expected(problem.x.size());
  talus::ref::conv2d_backward_input(TALUS_FLOAT64, problem.p, grad.data(), w.data(), expected.data());
  compare("grad_x", expected, tolerance, [&](float* out) {
    talus::cpu::winograd_input_gradient(problem.p, problem.grad.data(), problem.w.data(), out);
  });
}

void weight_gradient(const Problem& problem, double tolerance) {
  if (!talus::cpu::winograd_fits(talus::cpu::ConvPass::BackwardWeight, problem.p)) return;
  const auto grad = widened(problem.grad), x = widened(problem.x);
  std::vector<double> expected(problem.w.size());
  talus::ref::conv2d_backward_weight(TALUS_FLOAT64, problem.p, grad.data(), x.data(), expected.data());
  compare("grad_w", expected, tolerance, [&](float* out) {
    talus::cpu::winograd_weight_gradient(problem.p, problem.grad.data(), problem.x.data(), out);
  });
}

// Of the largest value, for random values of either sign; measured at most a third of it.
constexpr double kTolerance = 1e-5;

// The values of a layer's inputs: drawn around zero, or what a ReLU leaves of them.
enum class Values { Uniform, Normal, Rectified };

void redraw(std::vector<float>& values, Values kind, uint32_t seed) {
  if (kind == Values::Uniform) return;
  const auto more = random_values<float>(12 * static_cast<int64_t>(values.size()), seed);
  for (size_t i = 0; i < values.size(); ++i) {
    float sum = 0;
    for (size_t j = 0; j < 12; ++j) sum += more[12 * i + j] / 2;  // the central limit theorem's normal distribution
    values[i] = kind == Values::Rectified ? std::max(0.0f, sum) : sum;
  }
}

template <class F>
void each_case(F&& f) {
  for (const Case& c : kCases) {
    check::Note note(describe(c));
    f(Problem(c));
  }
}

}  // namespace

TEST(forward) {
  each_case([](const Problem& problem) {
    forward(problem, kTolerance);
    forward_activated(problem, kTolerance);
  });
}

TEST(input_gradient) {
  each_case([](const Problem& problem) { input_gradient(problem, kTolerance); });
}

TEST(weight_gradient) {
  each_case([](const Problem& problem) { weight_gradient(problem, kTolerance); });
}

// Sums over 512 channels, and over 3136 pixels: the errors stay an order of magnitude below 1e-4 of the largest value.
TEST(accuracy_on_real_layers) {
  for (const Values kind : {Values::Uniform, Values::Normal, Values::Rectified}) {
    Problem deep({2, 512, 14, 14, 24, 1, 1});
    redraw(deep.x, kind, 5);
    redraw(deep.grad, Values::Normal, 6);
    forward(deep, kTolerance);
    Problem back({2, 24, 14, 14, 512, 1, 1});
    redraw(back.grad, kind, 7);
    input_gradient(back, kTolerance);
    Problem small({1, 512, 14, 14, 24, 1, 1});
    redraw(small.x, kind, 12);
    forward(small, kTolerance);
    Problem strided({1, 512, 28, 28, 24, 1, 1, 1, 2});
    redraw(strided.x, kind, 10);
    forward(strided, kTolerance);
    Problem strided_back({1, 24, 28, 28, 512, 1, 1, 1, 2});
    redraw(strided_back.grad, kind, 11);
    input_gradient(strided_back, kTolerance);
    Problem wide({4, 16, 28, 28, 16, 1, 1});
    redraw(wide.x, kind, 8);
    redraw(wide.grad, Values::Normal, 9);
    weight_gradient(wide, kTolerance);
  }
}

TEST(the_rule_takes_it_for_float32_and_enough_channels) {
  using talus::cpu::ConvAlgorithm;
  using talus::cpu::ConvPass;
  const auto params = [](const Case& c) { return Problem(c).p; };
  const auto residual = params({2, 64, 14, 14, 64, 1, 1}), lenet = params({64, 6, 15, 15, 16, 0, 0});
  const auto groups = params({1, 256, 14, 14, 256, 1, 1, 4}), small_groups = params({1, 64, 14, 14, 64, 1, 1, 8});
  const auto strided = params({1, 64, 56, 56, 128, 1, 1, 1, 2}), few_strided = params({1, 64, 14, 14, 64, 1, 1, 1, 2});
  for (const ConvPass pass : {ConvPass::Forward, ConvPass::BackwardInput, ConvPass::BackwardWeight}) {
    CHECK(talus::cpu::choose_algorithm<float>(pass, residual) == ConvAlgorithm::Winograd);
    CHECK(talus::cpu::choose_algorithm<double>(pass, residual) != ConvAlgorithm::Winograd);
    CHECK(!talus::cpu::can_convolve<double>(ConvAlgorithm::Winograd, pass, residual));
    // Their weights take direct kernels or, with registers of 32 bytes, channels as lanes.
    const auto few_channels = talus::cpu::choose_algorithm<float>(pass, lenet);
    if (pass == ConvPass::BackwardWeight)
      CHECK(few_channels == ConvAlgorithm::Direct || few_channels == ConvAlgorithm::Channels);
    else
      CHECK(few_channels == ConvAlgorithm::Winograd1d);
    CHECK(talus::cpu::choose_algorithm<float>(pass, groups) == ConvAlgorithm::Winograd);
    CHECK(talus::cpu::choose_algorithm<float>(pass, small_groups) ==
          (pass == ConvPass::BackwardWeight ? ConvAlgorithm::Channels : ConvAlgorithm::Winograd1d));
    CHECK((talus::cpu::choose_algorithm<float>(pass, strided) == ConvAlgorithm::Winograd) ==
          (pass != ConvPass::BackwardWeight));
    CHECK(talus::cpu::choose_algorithm<float>(pass, few_strided) != ConvAlgorithm::Winograd);
  }
  const auto some_strided = params({1, 64, 28, 28, 64, 1, 1, 1, 2});
  CHECK(talus::cpu::choose_algorithm<float>(ConvPass::Forward, some_strided) == ConvAlgorithm::Gemm);
}

TEST(it_fits_only_3x3_kernels_of_one_stride) {
  using talus::cpu::ConvPass;
  const auto fits = [](ConvPass pass, const int64_t* fields) {
    return talus::cpu::winograd_fits(pass, talus::Conv2dParams(fields));
  };
  const int64_t plain[TALUS_CONV_PARAMS] = {1, 4, 9, 9, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1};
  const int64_t strided[TALUS_CONV_PARAMS] = {1, 4, 9, 9, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1};
  for (const ConvPass pass : {ConvPass::Forward, ConvPass::BackwardInput, ConvPass::BackwardWeight}) {
    CHECK(fits(pass, plain));
    CHECK(fits(pass, strided) == (pass != ConvPass::BackwardWeight));
    for (const int field : {TALUS_CONV_KH, TALUS_CONV_KW, TALUS_CONV_STRIDE_H, TALUS_CONV_STRIDE_W,
                            TALUS_CONV_DILATION_H, TALUS_CONV_DILATION_W})
      for (const int64_t* fields : {plain, strided}) {
        int64_t other[TALUS_CONV_PARAMS];
        std::copy_n(fields, TALUS_CONV_PARAMS, other);
        other[field] = other[field] == 2 ? 1 : 2;
        CHECK(!fits(pass, other));
      }
  }
}

// The border's functions reach it: what they return is, bit by bit, what it computes.
TEST(the_border_uses_it) {
  const Problem problem({2, 64, 14, 14, 64, 1, 1});
  std::vector<float> own(problem.grad.size()), out(own.size()), own_x(problem.x.size()), grad_x(own_x.size()),
      own_w(problem.w.size()), grad_w(own_w.size());
  const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
    return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
  };
  const float *x = problem.x.data(), *w = problem.w.data(), *grad = problem.grad.data(), *bias = problem.bias.data();
  talus::cpu::winograd_convolution(problem.p, x, w, bias, talus::kRelu, own.data());
  talus::cpu::conv2d(TALUS_FLOAT32, problem.p, x, w, bias, talus::kRelu, out.data());
  CHECK(same(own, out));
  talus::cpu::winograd_input_gradient(problem.p, grad, w, own_x.data());
  talus::cpu::conv2d_backward_input(TALUS_FLOAT32, problem.p, grad, w, grad_x.data());
  CHECK(same(own_x, grad_x));
  talus::cpu::winograd_weight_gradient(problem.p, grad, x, own_w.data());
  talus::cpu::conv2d_backward_weight(TALUS_FLOAT32, problem.p, grad, x, grad_w.data());
  CHECK(same(own_w, grad_w));
}
