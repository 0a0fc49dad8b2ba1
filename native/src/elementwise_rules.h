// What element-wise kernels of all devices do before they look for an inner loop.
#pragma once

#include <cmath>
#include <cstdint>

#include "error.h"

namespace talus {

inline bool is_unary_test(int op) { return op == TALUS_LOGICAL_NOT || op == TALUS_IS_NAN || op == TALUS_IS_INF; }
inline bool is_binary_test(int op) { return op >= TALUS_EQ && op <= TALUS_LOGICAL_OR; }

struct UnaryCall {
  int op;
  double p0, p1;
};

// Clamp's bounds as the dtype can hold them: an infinite one bounds no integer, and NaN makes every element NaN.
inline UnaryCall with_rules(int dtype, UnaryCall call) {
  if (call.op != TALUS_CLAMP) return call;
  if (dtype == TALUS_FLOAT32 || dtype == TALUS_FLOAT64) {
    if (std::isnan(call.p0) || std::isnan(call.p1)) return {TALUS_MUL_SCALAR, std::nan(""), call.p1};
    return call;
  }
  if (dtype == TALUS_INT64) return call;
  const double low = dtype == TALUS_UINT8 ? 0 : INT32_MIN, high = dtype == TALUS_UINT8 ? UINT8_MAX : INT32_MAX;
  const auto bound = [&](double p) { return p < low ? low : p > high ? high : p; };
  return {call.op, bound(call.p0), bound(call.p1)};
}

[[noreturn]] inline void fail_op(const char* kernel, int op, int dtype) {
  fail(TALUS_UNSUPPORTED, "%s: operation %d is not defined for dtype %d; see the operation's comment in talus.h",
       kernel, op, dtype);
}

[[noreturn]] inline void fail_division() {
  fail(TALUS_INVALID_ARGUMENT,
       "ZeroDivisionError: an integer tensor is divided by zero; convert to float or mask the zeros");
}

}  // namespace talus
