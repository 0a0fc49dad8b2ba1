// The contract between reductions and their inner loops: a loop reduces a chunk of contiguous elements to a Partial;
// the code outside cuts, merges in order, and finishes.
#pragma once

#include <cstdint>

#include "isa.h"

namespace talus {

// Sums within a chunk are in the dtype itself, over SIMD lanes and in two levels; beyond, they are double.
constexpr int64_t kReduceChunk = 2048;
// Columns that are reduced side by side.
constexpr int64_t kColumns = 256;
// Sums and extremes that are read in place are cut less often: each cut holds up the stream from memory.
constexpr int64_t kLongChunk = 65536;

// A reduced piece. Which fields mean something depends on the operation:
//   SUM MEAN   floating: value, extra (what rounding lost); else integer
//   PROD       floating: value; else integer
//   MAX MIN    value or integer, and index of its first occurrence
//   VAR        value: mean, extra: squared deviations from it, integer: count
//   NORM2      value: sum of squares
//   ALL ANY    integer: 0 or 1
//   LOGSUMEXP  value: shift, extra: sum of exp(x - shift)
struct Partial {
  double value;
  double extra;
  int64_t integer;
  int64_t index;
};

// 1 <= n <= kReduceChunk, for sums and extremes kLongChunk. The index is only set when asked for.
using ReduceLoop = void (*)(const void* x, int64_t n, bool want_index, Partial* out);
// values[c] = the sum or extreme of x[r * row_stride + c] over 1 <= rows <= kReduceChunk, for 0 <= c < cols <=
// kColumns.
using ColumnLoop = void (*)(const void* x, int64_t row_stride, int64_t rows, int64_t cols, double* values);
// values[r] = the sum, product or extreme of x[r * row_stride + i] over 0 <= i < n, 1 <= n <= kLongChunk, for 0 <= r <
// rows.
using RowLoop = void (*)(const void* x, int64_t row_stride, int64_t rows, int64_t n, double* values);
// The sum of (x - y)^2 over n <= kReduceChunk.
using SquaredDifferenceLoop = double (*)(const void* x, const void* y, int64_t n);

// Each returns nullptr where there is no such loop.
struct ReduceTable {
  ReduceLoop (*reduce)(int op, int dtype);
  // SUM, MEAN, MAX and MIN of floating columns.
  ColumnLoop (*column)(int op, int dtype);
  // SUM, MEAN, PROD, MAX and MIN of floating rows.
  RowLoop (*row)(int op, int dtype);
  SquaredDifferenceLoop (*squared_difference)(int dtype);
};

}  // namespace talus

TALUS_ISA_TABLE(ReduceTable, reduce_table)
