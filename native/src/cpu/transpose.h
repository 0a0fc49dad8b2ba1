// to[c * to_stride + r] = from[r * from_stride + c]: one call for words of 1, 4 or 8 bytes.
#pragma once

#include <cstdint>

#include "cpu/isa/transpose_table.h"

namespace talus::cpu {

template <class Word>
void transpose(const Word* from, int64_t from_stride, int64_t rows, int64_t cols, Word* to, int64_t to_stride) {
  if constexpr (sizeof(Word) == 4) {
    transpose_table().words4(from, from_stride, rows, cols, to, to_stride);
  } else if constexpr (sizeof(Word) == 8) {
    transpose_table().words8(from, from_stride, rows, cols, to, to_stride);
  } else {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < cols; ++c) to[c * to_stride + r] = from[r * from_stride + c];
  }
}

}  // namespace talus::cpu
