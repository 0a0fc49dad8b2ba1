// Which algorithm computes a convolution or one of its gradients: a rule by shape, which a user can override.
#pragma once

#include <string>

#include "params.h"

namespace talus::cpu {

// In the order of talus_conv2d_pass.
enum class ConvPass { Forward, BackwardInput, BackwardWeight };

enum class ConvAlgorithm { Direct, Gemm, Winograd, Winograd1d, Depthwise, Channels };
// The shapes say in words what can_convolve decides.
constexpr struct {
  ConvAlgorithm algorithm;
  const char *name, *shapes;
} kConvAlgorithms[] = {
    {ConvAlgorithm::Direct, "direct", "all but the input's gradient of what is strided and dilated"},
    {ConvAlgorithm::Gemm, "gemm", "all"},
    {ConvAlgorithm::Winograd, "winograd",
     "float32, 3x3 kernels without dilation, stride 1 or, but for the weights' gradient, 2"},
    {ConvAlgorithm::Winograd1d, "winograd1d",
     "float32, kernels 3 high without dilation, stride 1, not the weights' gradient; padding less than the kernel "
     "for the input's gradient"},
    {ConvAlgorithm::Depthwise, "depthwise",
     "one input channel a group, 3x3 or 5x5 kernels without dilation, stride 1 or 2, padding up to 8"},
    {ConvAlgorithm::Channels, "channels",
     "no dilation, outputs of a group that fill registers or halves of them, forward a horizontal stride of 1 or 2"}};

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

// The rules of this type as talus_conv2d_rules returns them.
std::string rules_text(int dtype);

}  // namespace talus::cpu
