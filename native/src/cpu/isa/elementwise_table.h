// The contract between element-wise kernels and their inner loops. Loops run over contiguous operands; the code outside
// splits, gathers and scatters.
#pragma once

#include <cstdint>

#include "isa.h"

namespace talus {

using UnaryLoop = void (*)(int64_t n, const void* x, double p0, double p1, void* out);
// A step is 1, or 0 for one value that stands for all; not both are 0. False: an integer was divided by zero.
using BinaryLoop = bool (*)(int64_t n, const void* x, int x_step, const void* y, int y_step, double p0, void* out);
using WhereLoop = void (*)(int64_t n, const void* condition, const void* x, const void* y, void* out);
// Copies whole lines past the caches, from and to their beginnings; others see them after stream_end.
using StreamLoop = void (*)(int64_t bytes, const void* from, void* to);
using CastLoop = void (*)(int64_t n, const void* x, void* out);

// Each finds the loop for an operation and dtype, or returns nullptr when there is none. out may be an operand.
struct ElementwiseTable {
  UnaryLoop (*unary)(int op, int dtype);
  BinaryLoop (*binary)(int op, int dtype);
  WhereLoop (*where)(int dtype);
  CastLoop (*cast)(int src_dtype, int dst_dtype);
  StreamLoop stream;
  void (*stream_end)();
  // Bytes of a large input that are asked for ahead of what is read; 0 where hardware does so well enough.
  int64_t ahead;
};

}  // namespace talus

TALUS_ISA_TABLE(ElementwiseTable, elementwise_table)
