// The contract between normalisation and its inner loops. Batch norm hands over blocks of channels, which loops sum up
// and rewrite; layer norm hands over whole rows.
#pragma once

#include <cstdint>

#include "isa.h"

namespace talus {

constexpr int64_t kNormColumns = 64;     // images of this size and less are short
constexpr int64_t kNormElements = 1024;  // of an image in a block, at most, or one channel, if it is larger

// Some images of neighbouring channels: row c of image i, `inner` elements, is at i * stride + c * inner.
struct NormBlock {
  int64_t images, channels, inner, stride;
  bool far;  // what is written passes the caches
};

// What is added up over each channel c, with centre z[c]; sums holds two values a channel.
//   forward:  x - z and (x - z)^2
//   backward: grad and grad * (x - z)
using NormSums = void (*)(const NormBlock& block, const void* x, const void* grad, const void* centre, double* sums);

// Numbers of each channel, of the loop's dtype.
struct NormFactors {
  const void *centre, *scale, *offset, *slope;
};

// forward:  out = (x - centre) * scale + offset
// backward: out = grad * scale + ((centre - x) * slope + offset)
using NormApply = void (*)(const NormBlock& block, const void* x, const void* grad, const NormFactors& f, void* out);

// weight and bias: [cols] or nullptr; mean and rstd: [rows].
using LayerNormLoop = void (*)(int64_t rows, int64_t cols, const void* x, const void* weight, const void* bias,
                               double eps, void* out, void* mean, void* rstd);
// grad_x: nullptr to omit. parameter_sums: adds to double [2][cols], grad_weight's then grad_bias's, nullptr to omit;
// scratch: [2][cols] of the dtype, for those.
using LayerNormBackwardLoop = void (*)(int64_t rows, int64_t cols, const void* grad, const void* x, const void* weight,
                                       const void* mean, const void* rstd, void* grad_x, double* parameter_sums,
                                       void* scratch);

// Each returns nullptr where there is no such loop.
struct NormTable {
  NormSums (*sums)(bool backward, int dtype);
  NormApply (*apply)(bool backward, int dtype);
  LayerNormLoop (*layer_norm)(int dtype);
  LayerNormBackwardLoop (*layer_norm_backward)(int dtype);
};

}  // namespace talus

TALUS_ISA_TABLE(NormTable, norm_table)
