// What reductions of all devices check and cut before they look at elements.
#pragma once

#include "geometry.h"

namespace talus {

// Dimensions [begin, end) of the border's raw array for a reduction.
inline Geometry<1> reduce_part(int ndim, const int64_t* geometry, int begin, int end) {
  int64_t raw[2 * kMaxDims] = {};
  if (ndim > kMaxDims)
    fail(TALUS_UNSUPPORTED, "reduce: a tensor has %d dimensions, at most %d are supported", ndim, kMaxDims);
  for (int d = begin; d < end; ++d) {
    raw[d - begin] = geometry[d];
    raw[end - begin + d - begin] = geometry[ndim + d];
  }
  return Geometry<1>(1, end - begin, raw);
}

inline void check_reduce(int op, int dtype, bool known) {
  if (known) return;
  fail(TALUS_UNSUPPORTED, "reduce: operation %d is not defined for dtype %d; see the operation's comment in talus.h",
       op, dtype);
}

[[noreturn]] inline void fail_no_extreme(int op) {
  fail(TALUS_INVALID_ARGUMENT,
       "%s: the reduced dimensions hold no elements, so there is no %s; check for empty tensors first",
       op == TALUS_MAX ? "max" : "min", op == TALUS_MAX ? "maximum" : "minimum");
}

}  // namespace talus
