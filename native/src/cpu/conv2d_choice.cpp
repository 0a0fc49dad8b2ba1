// The rule by which convolutions choose their algorithm, and its override.
#include "cpu/conv2d_choice.h"

#include <atomic>
#include <cstring>

#include "cpu/conv2d_channels.h"
#include "cpu/conv2d_depthwise.h"
#include "cpu/conv2d_rule_shape.h"
#include "cpu/conv2d_winograd.h"
#include "cpu/conv2d_winograd1d.h"
#include "cpu/isa/conv2d_table.h"
#include "dtype.h"
#include "error.h"

namespace talus::cpu {
namespace {

// The condition is written once, as a generic lambda: of a measured shape it is true or false, of a spelled one a text.
struct Rule {
  ConvPass pass;
  ConvAlgorithm algorithm;
  bool (*applies)(const ConvRuleShape<Measured>&);
  Condition (*condition)(const ConvRuleShape<Spelled>&);

  template <class F>
  constexpr Rule(ConvPass of, ConvAlgorithm chosen, F written)
      : pass(of), algorithm(chosen), applies(written), condition(written) {}
};

// The first rule of a pass that applies, and whose algorithm can compute the shape, decides.
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
//  - with AVX-512, measured on Ice Lake, groups of more than 16 and less than 32 are left to the algorithm down
//    columns, which beats tiles by 1.3 to 1.4 times where channels are one register;
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
//  - with AVX-512 kernels whose lanes are channels beat those down columns for 3x3 groups of 16: by 1.07 to 1.15 times
//    forward, by 1.1 to 1.35 for the input, and Winograd for the weights by 1.2 to 1.5 (Ice Lake; 1, 2 and 8 images of
//    14x14). 5x5 groups of 16 gain and lose; groups of 8 are level for 8 images of 28x28 and lose for fewer;
//  - with AVX-512 pairs of registers are for groups of 32, where they beat Winograd for one image of 7x7: by 1.1 times
//    forward, by 1.2 for the weights; with two images they lose (Ice Lake);
//  - with AVX2, measured on Zen 3, they win for 4 to 15 channels and outputs of 16 or 32 channels: for the weights by
//    1.25 to 1.9 times up to 32x32 (at 56x56 they lose 5%), forward by 1.35 to 1.5 times where rows of 10 fill 62% of
//    their registers, not where rows of 13 and more fill over 80%.
constexpr auto kForward = ConvPass::Forward, kInput = ConvPass::BackwardInput, kWeight = ConvPass::BackwardWeight;
constexpr auto kGemm = ConvAlgorithm::Gemm, kDirect = ConvAlgorithm::Direct, kDepthwise = ConvAlgorithm::Depthwise,
               kWinograd = ConvAlgorithm::Winograd, kChannels = ConvAlgorithm::Channels,
               kWinograd1d = ConvAlgorithm::Winograd1d;
constexpr Rule kRules[] = {
    {kForward, kDepthwise, [](const auto& s) { return s.depthwise; }},
    {kForward, kWinograd,
     [](const auto& s) { return (s.tiles_pay() && !s.one_register()) || s.strided_tiles_pay(32); }},
    {kForward, kChannels, [](const auto& s) { return s.registers_pay(); }},
    {kForward, kChannels, [](const auto& s) { return s.few_channels() && s.row_fill < 70; }},
    {kForward, kWinograd1d, [](const auto& s) { return s.columns_pay(); }},
    {kForward, kChannels, [](const auto& s) { return s.grouped && s.strided && s.fewest >= 8; }},
    {kForward, kDirect, [](const auto& s) { return s.few_weights() || (s.grouped && s.inputs <= 32); }},
    {kForward, kGemm, [](const auto& s) { return s.lanes_idle() || s.few_pixels() || s.deep(); }},
    {kForward, kDirect, [](const auto& s) { return s.otherwise(); }},

    {kInput, kDepthwise, [](const auto& s) { return s.depthwise; }},
    {kInput, kWinograd, [](const auto& s) { return (s.tiles_pay() && !s.one_register()) || s.strided_tiles_pay(48); }},
    {kInput, kChannels, [](const auto& s) { return s.registers_pay(); }},
    {kInput, kWinograd1d, [](const auto& s) { return s.columns_pay(); }},
    {kInput, kChannels,
     [](const auto& s) {
       return s.strided && !s.pointwise && s.fewest >= 8 && (s.grouped || (s.wide && s.area >= 1024));
     }},
    {kInput, kDirect, [](const auto& s) { return s.few_weights(); }},
    {kInput, kGemm,
     [](const auto& s) { return s.lanes_idle() || s.few_pixels() || s.deep() || (s.strided && s.inputs >= 32); }},
    {kInput, kDirect, [](const auto& s) { return s.otherwise(); }},
    {kInput, kGemm, [](const auto& s) { return s.otherwise(); }},

    {kWeight, kDepthwise, [](const auto& s) { return s.depthwise; }},
    {kWeight, kWinograd, [](const auto& s) { return s.tiles_pay() && !s.few_tiles(); }},
    {kWeight, kChannels, [](const auto& s) { return s.grouped && s.fewest >= 8; }},
    {kWeight, kChannels, [](const auto& s) { return s.few_channels() && s.area <= 1024; }},
    {kWeight, kGemm, [](const auto& s) { return s.strided && s.inputs >= 8 && (s.inputs >= 16 || s.pixels <= 1024); }},
    {kWeight, kDirect, [](const auto& s) { return s.few_weights(); }},
    {kWeight, kGemm,
     [](const auto& s) { return s.lanes_idle() || (s.weights >= 1 << 14 && s.area <= 2048) || s.pointwise; }},
    {kWeight, kDirect, [](const auto& s) { return s.otherwise(); }},
};

constexpr const char* kPassNames[] = {"forward", "input", "weight"};

const char* name_of(ConvAlgorithm algorithm) {
  for (const auto& row : kConvAlgorithms)
    if (row.algorithm == algorithm) return row.name;
  return nullptr;
}

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
  const auto shape = measured_shape(conv2d_table().of<T>().lanes, sizeof(T), pass, p);
  for (const Rule& rule : kRules)
    if (rule.pass == pass && rule.applies(shape) && can_convolve<T>(rule.algorithm, pass, p)) return rule.algorithm;
  fail(TALUS_INTERNAL_ERROR, "conv2d: the last rules of every pass take all that is left, but no rule took a shape");
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
  return name_of(algorithm);
}

std::string rules_text(int dtype) {
  const auto shape = dispatch_float(dtype, "conv2d", [](auto type) {
    using T = typename decltype(type)::type;
    return spelled_shape(conv2d_table().of<T>().lanes, sizeof(T));
  });
  std::string lines;
  const auto line = [&](const char* kind, const char* name, const std::string& text) {
    lines += std::string(kind) + "\t" + name + "\t" + text + "\n";
  };
  for (const Rule& rule : kRules)
    line(kPassNames[static_cast<int>(rule.pass)], name_of(rule.algorithm), rule.condition(shape).text());
  for (const auto& row : kConvAlgorithms) line("algorithm", row.name, row.shapes);
#define TALUS_EXPLAIN(word, meaning) line("word", #word, meaning);
  TALUS_CONV_WORDS(TALUS_EXPLAIN, TALUS_EXPLAIN)
#undef TALUS_EXPLAIN
  for (int pass = 0; pass < 3; ++pass) {
    const int choice = forced[pass].load(std::memory_order_relaxed);
    if (choice != kRuleDecides) line("forced", kPassNames[pass], name_of(static_cast<ConvAlgorithm>(choice)));
  }
  return lines;
}

#define INSTANTIATE(T)                                                         \
  template bool can_convolve<T>(ConvAlgorithm, ConvPass, const Conv2dParams&); \
  template ConvAlgorithm choose_algorithm<T>(ConvPass, const Conv2dParams&);   \
  template ConvAlgorithm algorithm_for<T>(ConvPass, const Conv2dParams&);
INSTANTIATE(float)
INSTANTIATE(double)
#undef INSTANTIATE

}  // namespace talus::cpu
