// Which algorithm computes a convolution or one of its gradients: a rule by shape, which a user can override.
#pragma once

#include "params.h"

namespace talus::cpu {

// In the order of talus_conv2d_pass.
enum class ConvPass { Forward, BackwardInput, BackwardWeight };

// Direct: every shape but the input's gradient of a strided and dilated convolution. Gemm: every shape. The others are
// for the shapes that can_convolve names.
enum class ConvAlgorithm { Direct, Gemm, Winograd, Winograd1d, Depthwise, Channels };
constexpr struct {
  ConvAlgorithm algorithm;
  const char* name;
} kConvAlgorithms[] = {{ConvAlgorithm::Direct, "direct"},       {ConvAlgorithm::Gemm, "gemm"},
                       {ConvAlgorithm::Winograd, "winograd"},   {ConvAlgorithm::Winograd1d, "winograd1d"},
                       {ConvAlgorithm::Depthwise, "depthwise"}, {ConvAlgorithm::Channels, "channels"}};

// Whether it can compute this shape of this type at all.
template <class T>
bool can_convolve(ConvAlgorithm algorithm, ConvPass pass, const Conv2dParams& p);

// The rule alone.
template <class T>
ConvAlgorithm choose_algorithm(ConvPass pass, const Conv2dParams& p);

// What a pass uses from now on, by name; where that cannot compute a shape, and for "auto", the rule decides. Throws
// Error(TALUS_INVALID_ARGUMENT) for another name.
void force_algorithm(ConvPass pass, const char* name);

// What conv2d.cpp runs, and its name.
template <class T>
ConvAlgorithm algorithm_for(ConvPass pass, const Conv2dParams& p);
const char* algorithm_name(int dtype, ConvPass pass, const Conv2dParams& p);

}  // namespace talus::cpu
