// The strided operands of one element-wise kernel, with dimensions merged where memory allows it.
#pragma once

#include <cstdint>

#include "error.h"

namespace talus {

constexpr int kMaxDims = 16;

// Sizes, and one row of strides for each operand, in elements. Dimensions of size 1 are dropped and neighbours that
// are contiguous for every operand are merged, so a contiguous tensor of any rank has ndim 1 (0 for one element).
template <int Operands>
struct Geometry {
  int ndim = 0;
  int64_t n = 0;
  // Of the first ndim dimensions; the rest is not set, for clearing it would take as long as adding ten numbers.
  int64_t size[kMaxDims];
  int64_t stride[Operands][kMaxDims];

  // `raw`: ndim sizes, then ndim strides for each operand; NULL: all contiguous, n elements.
  Geometry(int64_t count, int raw_ndim, const int64_t* raw) : n(count) {
    if (raw == nullptr) {
      if (count == 1) return;
      ndim = 1;
      size[0] = count;
      for (auto& s : stride) s[0] = 1;
      return;
    }
    if (raw_ndim > kMaxDims)
      fail(TALUS_UNSUPPORTED, "a tensor has %d dimensions, at most %d are supported", raw_ndim, kMaxDims);
    n = 1;
    for (int d = 0; d < raw_ndim; ++d) append(raw, raw_ndim, d);
  }

  bool contiguous(int operand) const {
    int64_t step = 1;
    for (int d = ndim - 1; d >= 0; step *= size[d--])
      if (stride[operand][d] != step) return false;
    return true;
  }
  bool contiguous() const {
    for (int operand = 0; operand < Operands; ++operand)
      if (!contiguous(operand)) return false;
    return true;
  }

 private:
  void append(const int64_t* raw, int raw_ndim, int d) {
    const int64_t extent = raw[d];
    n *= extent;
    if (extent == 1) return;
    const auto raw_stride = [&](int operand) { return raw[(operand + 1) * raw_ndim + d]; };
    bool merge = ndim > 0;
    for (int operand = 0; operand < Operands && merge; ++operand)
      merge = stride[operand][ndim - 1] == extent * raw_stride(operand);
    if (!merge) {
      ++ndim;
      size[ndim - 1] = 1;
    }
    size[ndim - 1] *= extent;
    for (int operand = 0; operand < Operands; ++operand) stride[operand][ndim - 1] = raw_stride(operand);
  }
};

}  // namespace talus
