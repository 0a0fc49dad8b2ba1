// What the rules for a convolution's algorithm look at. The code and the printed table use the same words.
#pragma once

#include <algorithm>

#include "cpu/conv2d_choice.h"
#include "cpu/conv2d_image.h"
#include "cpu/parts.h"
#include "cpu/rule_text.h"

namespace talus::cpu {

// Every word with its meaning. The input's gradient is seen as the convolution that it is, with the channels exchanged.
#define TALUS_CONV_WORDS(NUMBER, TRUTH)                                                                    \
  NUMBER(inputs, "channels of a group that are read: the input's; for the input's gradient, the output's") \
  NUMBER(outputs, "channels of a group that result: the output's; for the input's gradient, the input's")  \
  NUMBER(fewest, "the smaller one of inputs and outputs")                                                  \
  NUMBER(most, "the larger one of inputs and outputs")                                                     \
  NUMBER(weights, "elements of a group's kernels")                                                         \
  NUMBER(area, "pixels of an image of the output; for the input's gradient, of the input")                 \
  NUMBER(pixels, "area times the number of images")                                                        \
  NUMBER(tiles, "of 4x4 pixels that cover all of these images")                                            \
  NUMBER(row_fill,                                                                                         \
         "percent of its registers that a row of these images fills; to 1x1 kernels that only multiply, "  \
         "without padding and skipped pixels, an image is one row")                                        \
  TRUTH(depthwise, "an input channel has one output or two of its own")                                    \
  TRUTH(pointwise, "1x1 kernels")                                                                          \
  TRUTH(strided, "a stride above 1")                                                                       \
  TRUTH(skipping, "1x1 kernels that skip pixels of a row; never for the input's gradient")                 \
  TRUTH(grouped, "groups, and larger kernels than 1x1")

// What a shape is measured in, and what a table is printed in.
struct Measured {
  using Number = int64_t;
  using Truth = bool;
};
struct Spelled {
  using Number = Amount;
  using Truth = Condition;
};

template <class Kind>
struct ConvRuleShape {
  using Number = typename Kind::Number;
  using Truth = typename Kind::Truth;

  // Of the processor.
  int64_t lanes;  // of a register
  bool wide;      // registers of 64 bytes
#define TALUS_DECLARE_NUMBER(word, meaning) Number word;
#define TALUS_DECLARE_TRUTH(word, meaning) Truth word;
  TALUS_CONV_WORDS(TALUS_DECLARE_NUMBER, TALUS_DECLARE_TRUTH)
#undef TALUS_DECLARE_NUMBER
#undef TALUS_DECLARE_TRUTH

  // Eight lanes in registers of 32 bytes.
  bool narrow() const { return lanes == 8 && !wide; }

  Truth few_weights() const { return weights < 1 << 10; }
  Truth few_pixels() const { return pixels <= 256 && weights >= 1 << 14; }
  // Direct kernels also copy the pixels that a strided 1x1 kernel skips.
  Truth lanes_idle() const { return row_fill < 60 || skipping; }
  // Without groups, with outputs that fill pairs of registers.
  Truth few_channels() const {
    return narrow() && !grouped && !pointwise && outputs % 16 == 0 && inputs >= 4 && inputs < 16;
  }

  Truth tiles_pay() const { return !strided && fewest >= 16 && pixels >= 49 && !tiles_idle() && !registers_pay(); }
  // Groups whose channels fill one register of 64 bytes: too few products for what the transforms cost.
  Truth one_register() const { return wide && grouped && fewest < 32; }
  // So few that transforming the sums costs more than it saves.
  Truth few_tiles() const { return tiles <= 4 && fewest >= 256; }
  // The output fills less than half of them.
  Truth tiles_idle() const { return pixels < tiles * 8; }
  // Tiles of the input's gradient are four times as large.
  Truth strided_tiles_pay(int64_t least) const {
    return strided && !grouped && fewest >= 32 && tiles >= least && !tiles_idle();
  }

  // Groups whose outputs fill registers, or pairs of them. Winograd's weights of groups of 32 repay their transform
  // with the tiles of a few images, or of a second one.
  Truth registers_pay() const {
    return grouped && most <= 32 &&
           ((narrow() && outputs % 16 == 0 && fewest >= 16 && (fewest < 32 || pixels <= 256)) ||
            (wide && lanes == 16 && outputs % 16 == 0 &&
             ((fewest >= 16 && most < 32 && weights <= 16 * 16 * 9) || (fewest >= 32 && pixels < 98))));
  }
  // Enough channels to repay the transforms, which registers of few lanes feel more.
  Truth columns_pay() const {
    return (inputs >= 6 || (lanes >= 16 && inputs >= 4 && !lanes_idle())) && outputs >= 3 && area >= 64 &&
           pixels * (wide ? 12 : 8) >= weights;
  }
  // Enough channels to repay the patches, of images whose patches stay in the cache.
  Truth deep() const { return inputs >= 32 && weights >= 1 << 12 && (pointwise || area <= 4096); }
  Truth otherwise() const { return true; }
};

inline ConvRuleShape<Measured> measured_shape(int64_t lanes, int64_t element, ConvPass pass, const Conv2dParams& p) {
  const DirectShape s = pass == ConvPass::BackwardInput ? DirectShape::backward_input(p) : DirectShape::forward(p);
  ConvRuleShape<Measured> shape;
  shape.lanes = lanes;
  shape.wide = lanes * element >= 64;
  shape.inputs = s.group_c();
  shape.outputs = s.group_o();
  shape.fewest = std::min(shape.inputs, shape.outputs);
  shape.most = std::max(shape.inputs, shape.outputs);
  shape.weights = s.group_o() * s.taps();
  shape.area = s.oh * s.ow;
  shape.pixels = s.n * shape.area;
  shape.tiles = s.n * ceil_div(s.oh, 4) * ceil_div(s.ow, 4);
  const int64_t row_lanes = ceil_div(s.ow, lanes) * lanes;
  shape.row_fill = row_lanes == 0 ? 100 : s.ow * 100 / row_lanes;
  shape.depthwise = p.group_c() == 1 && p.group_o() <= 2;
  shape.pointwise = s.kh * s.kw == 1;
  shape.strided = p.stride_h > 1 || p.stride_w > 1;
  shape.skipping = shape.pointwise && s.stride_w > 1;
  shape.grouped = p.groups > 1 && !shape.pointwise;
  return shape;
}

inline ConvRuleShape<Spelled> spelled_shape(int64_t lanes, int64_t element) {
#define TALUS_SPELL_NUMBER(word, meaning) , Amount(#word)
#define TALUS_SPELL_TRUTH(word, meaning) , Condition(#word, "not " #word)
  return {lanes, lanes * element >= 64 TALUS_CONV_WORDS(TALUS_SPELL_NUMBER, TALUS_SPELL_TRUTH)};
#undef TALUS_SPELL_NUMBER
#undef TALUS_SPELL_TRUTH
}

}  // namespace talus::cpu
