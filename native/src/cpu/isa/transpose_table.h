// Transposing matrices of 4 and 8 byte words, for each instruction set.
#pragma once

#include <cstdint>

#include "isa.h"

namespace talus {

// to[c * to_stride + r] = from[r * from_stride + c] for 0 <= r < rows, 0 <= c < cols.
using TransposeLoop = void (*)(const void* from, int64_t from_stride, int64_t rows, int64_t cols, void* to,
                               int64_t to_stride);

struct TransposeTable {
  TransposeLoop words4, words8;
};

}  // namespace talus

TALUS_ISA_TABLE(TransposeTable, transpose_table)
