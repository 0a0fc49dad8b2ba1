// The rule by which convolutions choose their algorithm, and its override.
#include "cpu/conv2d_choice.h"

#include <atomic>
#include <cstring>

#include "cpu/conv2d_channels.h"
#include "cpu/conv2d_depthwise.h"
#include "cpu/conv2d_image.h"
#include "cpu/conv2d_winograd.h"
#include "cpu/conv2d_winograd1d.h"
#include "cpu/isa/conv2d_table.h"
#include "cpu/parts.h"
#include "dtype.h"
#include "error.h"

namespace talus::cpu {
namespace {

// What the rules look at. The input's gradient is seen as the convolution that it is, with the channels exchanged.
struct Shape {
  int64_t channels;  // of the input of one group
  int64_t fewest;    // the smaller number of channels, of the input or the output, in a group
  int64_t outputs;   // channels of a group
  int64_t lanes;     // of a register
  int64_t weights;   // of one group
  int64_t area;      // output pixels of an image
  int64_t pixels;    // of all images
  bool pointwise;    // a 1x1 kernel
  bool strided;
  bool grouped;       // and a larger kernel than 1x1
  bool small_groups;  // whose short rows direct kernels join
  bool few_channels;  // 4 to 15, without groups, whose outputs fill pairs of 32-byte registers
  bool pairs;         // groups of at most 32 channels, whose outputs fill pairs of 32-byte registers
  bool depthwise;     // an input channel has an output or two of its own
  bool wide;          // registers of 64 bytes
  bool lanes_idle;    // rows fill less than 60% of the registers they take
  bool third_idle;    // less than 70%
  int64_t tiles;      // Winograd's, of 4x4 outputs
  bool tiles_idle;    // the output fills less than half of them

  Shape(ConvPass pass, int64_t register_lanes, int64_t element, const Conv2dParams& p) : lanes(register_lanes) {
    const DirectShape s = pass == ConvPass::BackwardInput ? DirectShape::backward_input(p) : DirectShape::forward(p);
    channels = s.group_c();
    outputs = s.group_o();
    fewest = std::min(channels, outputs);
    weights = s.group_o() * s.taps();
    area = s.oh * s.ow;
    pixels = s.n * area;
    pointwise = s.kh * s.kw == 1;
    strided = p.stride_h > 1 || p.stride_w > 1;
    grouped = p.groups > 1 && !pointwise;
    small_groups = grouped && channels <= 32;
    wide = lanes * element >= 64;
    few_channels =
        p.groups == 1 && !pointwise && !wide && lanes == 8 && outputs % 16 == 0 && channels >= 4 && channels < 16;
    pairs = grouped && !wide && lanes == 8 && outputs % 16 == 0 && fewest >= 16 && std::max(channels, outputs) <= 32;
    depthwise = p.group_c() == 1 && p.group_o() <= 2;
    // Direct kernels also copy the pixels that a strided 1x1 kernel skips.
    lanes_idle = s.ow * 10 < (s.ow + lanes - 1) / lanes * lanes * 6 || (pointwise && s.stride_w > 1);
    third_idle = s.ow * 10 < (s.ow + lanes - 1) / lanes * lanes * 7;
    tiles = s.n * ceil_div(s.oh, 4) * ceil_div(s.ow, 4);
    tiles_idle = pixels * 2 < tiles * 16;
  }

  bool few_weights() const { return weights < 1 << 10; }
  bool few_pixels() const { return pixels <= 256 && weights >= 1 << 14; }
  bool tiles_pay() const { return !strided && fewest >= 16 && pixels >= 49 && !tiles_idle && !pairs_pay(); }
  // Groups whose channels fill one register of 64 bytes: too few products for what the transforms cost.
  bool one_register() const { return wide && grouped && fewest < 32; }
  // So few that transforming the sums costs more than it saves.
  bool few_tiles() const { return tiles <= 4 && fewest >= 256; }
  // Tiles of the input's gradient are four times as large.
  bool strided_tiles_pay(int64_t least) const {
    return strided && !grouped && fewest >= 32 && tiles >= least && !tiles_idle;
  }
  // Winograd's weights of groups of 32 repay their transform with the tiles of a few images.
  bool pairs_pay() const { return pairs && (fewest < 32 || pixels <= 256); }
  // Enough channels to repay the transforms, which registers of few lanes feel more.
  bool columns_pay() const {
    const bool enough = channels >= (lanes >= 16 && !lanes_idle ? 4 : 6) && outputs >= 3;
    return enough && area >= 64 && pixels * (wide ? 12 : 8) >= weights;
  }
  // Enough channels to repay the patches, of images whose patches stay in the cache.
  bool deep() const { return channels >= 32 && weights >= 1 << 12 && (pointwise || area <= 4096); }
};

struct Rule {
  ConvPass pass;
  ConvAlgorithm algorithm;
  bool (*applies)(const Shape&);
};

// The first rule that applies, and whose algorithm can compute the shape, decides; after the last one, Direct does,
// or Gemm where it cannot.
//
// Measured in float32 on Zen 4 with AVX-512 and AVX2, at one thread, for 1 and 8 images, on the layers of ResNet-18 and
// 50, VGG-16, ResNeXt-50 and MobileNet v2:
//  - gemm wins from 32 channels on: by 5 to 25% at 14x14 to 56x56, and by 1.5 to 5 times where rows much shorter than
//    a register leave direct kernels half their lanes (7x7), or where they skip pixels (1x1 at stride 2);
//  - direct kernels win for first layers (7x7 of 3 channels: 1.3 times) and for groups of 4 to 16 channels (1.1
//  to 2.5);
//  - for the weights of large images direct kernels win by up to 1.3 times, for those of 28x28 and less gemm by 1.1 to
//    3 times, and for those of 1x1 kernels of any size, by 1.15 to 1.35 times on Zen 3 with AVX2 and by 1 to 2.4 times
//    on Ice Lake with AVX-512;
//  - for a first layer's input gradient gemm wins by 1.5 to 2 times (7x7 at stride 2), as for all strided ones;
//  - depthwise kernels win by 2 to 10 times, but one channel that has many outputs (a first layer of gray images) is
//    read once for all of them by direct kernels;
//  - Winograd wins in every pass from 16 channels, of a group too, on (1.2 to 2.2 times with 16, 2 to 3.5 times with 64
//    and more), and by less for one image of 7x7, where gemm wins for the weights (Zen 3: 66 GFLOP/s against 38, Ice
//    Lake: 114 against 82); with 8 channels it loses;
//  - with AVX-512, measured on Ice Lake, groups of 16 are left to the algorithm down columns: it wins by 1.3 to
//    1.4 times forward, by up to 1.35 times for the input's gradient (for one image the two are level);
//  - at stride 2 it beats gemm from 32 channels and 32 tiles on: on Zen 3 with AVX2 by 1.3 to 1.5 times for one image
//    of 56x56, by 1.15 to 1.4 times for 8 of 14x14 and 28x28; with 16 tiles it loses forward, by 1.1 times;
//  - with fewer channels, Winograd's algorithm down columns beats direct kernels from 4 input channels on (1.2 to 1.65
//    times; AVX2: from 6 on, 1.1 to 1.4), and gemm where rows are short. First layers of 3 channels would gain 1.3
//    times with AVX-512, but stay direct forward: their errors pass through all other layers (ResNet-18's loss after
//    four steps was 0.13% from libtorch's);
//  - for strided groups of 8 channels and more, kernels whose lanes are channels win in every pass, in AVX2 too: by
//    1.05 to 1.5 times forward, by 1.3 to 2.7 times backward; so they do for the weights of groups of 8 without a
//    stride; on Zen 3 with AVX2 they beat Winograd by 1.1 to 1.6 times in every pass of groups of 16, and of 32 while
//    pixels are few, not of 32 for 8 images of 7x7. Without groups they win by 5 to 7% for the input's gradient of
//    images of 56x56, with AVX-512, not of 28x28; with AVX2, which multiplies by elements only after loading them, they
//    lose;
//  - with AVX2, measured on Zen 3, they win for 4 to 15 channels and outputs of 16 or 32 channels: for the weights by
//    1.25 to 1.9 times up to 32x32 (at 56x56 they lose 5%), forward by 1.35 to 1.5 times where rows of 10 fill 62% of
//    their registers, not where rows of 13 and more fill over 80%.
constexpr auto kForward = ConvPass::Forward, kInput = ConvPass::BackwardInput, kWeight = ConvPass::BackwardWeight;
constexpr auto kGemm = ConvAlgorithm::Gemm, kDirect = ConvAlgorithm::Direct, kDepthwise = ConvAlgorithm::Depthwise,
               kWinograd = ConvAlgorithm::Winograd, kChannels = ConvAlgorithm::Channels,
               kWinograd1d = ConvAlgorithm::Winograd1d;
constexpr Rule kRules[] = {
    {kForward, kDepthwise, [](const Shape& s) { return s.depthwise; }},
    {kInput, kDepthwise, [](const Shape& s) { return s.depthwise; }},
    {kWeight, kDepthwise, [](const Shape& s) { return s.depthwise; }},

    {kForward, kWinograd,
     [](const Shape& s) { return (s.tiles_pay() && !s.one_register()) || s.strided_tiles_pay(32); }},
    {kInput, kWinograd, [](const Shape& s) { return (s.tiles_pay() && !s.one_register()) || s.strided_tiles_pay(48); }},
    {kWeight, kWinograd, [](const Shape& s) { return s.tiles_pay() && !s.few_tiles(); }},

    {kForward, kChannels, [](const Shape& s) { return s.pairs_pay(); }},
    {kInput, kChannels, [](const Shape& s) { return s.pairs_pay(); }},

    {kForward, kChannels, [](const Shape& s) { return s.few_channels && s.third_idle; }},
    {kForward, kWinograd1d, [](const Shape& s) { return s.columns_pay(); }},
    {kInput, kWinograd1d, [](const Shape& s) { return s.columns_pay(); }},
    {kForward, kChannels, [](const Shape& s) { return s.grouped && s.strided && s.fewest >= 8; }},
    {kInput, kChannels,
     [](const Shape& s) {
       return s.strided && !s.pointwise && s.fewest >= 8 && (s.grouped || (s.wide && s.area >= 1024));
     }},
    {kWeight, kChannels, [](const Shape& s) { return s.grouped && s.fewest >= 8; }},
    {kWeight, kChannels, [](const Shape& s) { return s.few_channels && s.area <= 1024; }},

    {kForward, kDirect, [](const Shape& s) { return s.few_weights() || s.small_groups; }},
    {kForward, kGemm, [](const Shape& s) { return s.lanes_idle || s.few_pixels() || s.deep(); }},

    {kInput, kDirect, [](const Shape& s) { return s.few_weights(); }},
    {kInput, kGemm,
     [](const Shape& s) { return s.lanes_idle || s.few_pixels() || s.deep() || (s.strided && s.channels >= 32); }},

    {kWeight, kGemm,
     [](const Shape& s) { return s.strided && s.channels >= 8 && (s.channels >= 16 || s.pixels <= 1024); }},
    {kWeight, kDirect, [](const Shape& s) { return s.few_weights(); }},
    {kWeight, kGemm,
     [](const Shape& s) { return s.lanes_idle || (s.weights >= 1 << 14 && s.area <= 2048) || s.pointwise; }},
};

constexpr int kRuleDecides = -1;
std::atomic<int> forced[3] = {{kRuleDecides}, {kRuleDecides}, {kRuleDecides}};

}  // namespace

template <class T>
bool can_convolve(ConvAlgorithm algorithm, ConvPass pass, const Conv2dParams& p) {
  switch (algorithm) {
    case ConvAlgorithm::Direct:
      return pass != ConvPass::BackwardInput || (p.stride_h == 1 && p.stride_w == 1) ||
             (p.dilation_h == 1 && p.dilation_w == 1);
    case ConvAlgorithm::Gemm:
      return true;
    case ConvAlgorithm::Winograd:
      return sizeof(T) == sizeof(float) && winograd_fits(pass, p);  // float64 stays exact
    case ConvAlgorithm::Winograd1d:
      return sizeof(T) == sizeof(float) && winograd1d_fits(pass, p);
    case ConvAlgorithm::Depthwise:
      return depthwise_can(p);
    case ConvAlgorithm::Channels:
      return channels_can<T>(pass, p);
  }
  return false;
}

template <class T>
ConvAlgorithm choose_algorithm(ConvPass pass, const Conv2dParams& p) {
  const Shape shape(pass, conv2d_table().of<T>().lanes, sizeof(T), p);
  for (const Rule& rule : kRules)
    if (rule.pass == pass && rule.applies(shape) && can_convolve<T>(rule.algorithm, pass, p)) return rule.algorithm;
  return can_convolve<T>(ConvAlgorithm::Direct, pass, p) ? ConvAlgorithm::Direct : ConvAlgorithm::Gemm;
}

void force_algorithm(ConvPass pass, const char* name) {
  int choice = kRuleDecides;
  for (const auto& row : kConvAlgorithms)
    if (std::strcmp(name, row.name) == 0) choice = static_cast<int>(row.algorithm);
  if (choice == kRuleDecides && std::strcmp(name, "auto") != 0) {
    std::string names = "auto";
    for (const auto& row : kConvAlgorithms) names += std::string(", ") + row.name;
    fail(TALUS_INVALID_ARGUMENT, "unknown convolution algorithm '%s', expected one of %s", name, names.c_str());
  }
  forced[static_cast<int>(pass)].store(choice, std::memory_order_relaxed);
}

template <class T>
ConvAlgorithm algorithm_for(ConvPass pass, const Conv2dParams& p) {
  const int choice = forced[static_cast<int>(pass)].load(std::memory_order_relaxed);
  if (choice != kRuleDecides && can_convolve<T>(static_cast<ConvAlgorithm>(choice), pass, p))
    return static_cast<ConvAlgorithm>(choice);
  return choose_algorithm<T>(pass, p);
}

const char* algorithm_name(int dtype, ConvPass pass, const Conv2dParams& p) {
  const auto algorithm =
      dispatch_float(dtype, "conv2d", [&](auto type) { return algorithm_for<typename decltype(type)::type>(pass, p); });
  for (const auto& row : kConvAlgorithms)
    if (row.algorithm == algorithm) return row.name;
  return nullptr;
}

#define INSTANTIATE(T)                                                         \
  template bool can_convolve<T>(ConvAlgorithm, ConvPass, const Conv2dParams&); \
  template ConvAlgorithm choose_algorithm<T>(ConvPass, const Conv2dParams&);   \
  template ConvAlgorithm algorithm_for<T>(ConvPass, const Conv2dParams&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace talus::cpu
