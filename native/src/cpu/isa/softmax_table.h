// The contract between softmax and its inner loops, which take whole rows.
#pragma once

#include <cstdint>

#include "isa.h"

namespace talus {

using SoftmaxLoop = void (*)(int64_t rows, int64_t cols, const void* x, void* out);
using SoftmaxBackwardLoop = void (*)(int64_t rows, int64_t cols, const void* grad, const void* y, void* grad_x);

struct SoftmaxTable {
  SoftmaxLoop (*forward)(bool log, int dtype);
  SoftmaxBackwardLoop (*backward)(bool log, int dtype);
};

}  // namespace talus

TALUS_ISA_TABLE(SoftmaxTable, softmax_table)
