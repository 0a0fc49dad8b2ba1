// The contract between softmax, cross entropy and their inner loops, which take whole rows.
#pragma once

#include <cstdint>

#include "isa.h"

namespace talus {

// So many rows go through each step together, at most.
constexpr int kSoftmaxRows = 16;

using SoftmaxLoop = void (*)(int64_t rows, int64_t cols, const void* x, void* out);
using SoftmaxBackwardLoop = void (*)(int64_t rows, int64_t cols, const void* grad, const void* y, void* grad_x);
// Of each row of at least one element its greatest one, the sum of exps = exp(x - greatest), and that sum's logarithm;
// exps == nullptr: they are not kept.
using SoftmaxStatisticsLoop = void (*)(int64_t rows, int64_t cols, const void* x, void* exps, void* greatest,
                                       void* sums, void* logs);
// Each row times its factor.
using ScaleRowsLoop = void (*)(int64_t rows, int64_t cols, const void* x, const void* factors, void* out);

struct SoftmaxTable {
  SoftmaxLoop (*forward)(bool log, int dtype);
  SoftmaxBackwardLoop (*backward)(bool log, int dtype);
  SoftmaxStatisticsLoop (*statistics)(int dtype);  // of float32 or float64, as below
  ScaleRowsLoop (*scale)(int dtype);
};

}  // namespace talus

TALUS_ISA_TABLE(SoftmaxTable, softmax_table)
