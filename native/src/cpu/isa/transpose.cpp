// Squares of one register by as many are transposed in registers: both sides move whole cache lines, which therefore
// need not stay in the cache, where lines a power of two apart evict each other.
#include "transpose_table.h"

#include "lanes.h"

namespace talus::TALUS_ISA_NS {

// Exchanges the blocks of Distance lanes off the diagonal of two rows that are Distance apart.
template <class T, int Distance, int... Lane>
static inline void exchange(Vec<T>& x, Vec<T>& y, std::integer_sequence<int, Lane...>) {
  const Vec<T> first = __builtin_shufflevector(x, y, ((Lane & Distance) == 0 ? Lane : Lane - Distance + kLanes<T>)...);
  y = __builtin_shufflevector(x, y, ((Lane & Distance) == 0 ? Lane + Distance : Lane + kLanes<T>)...);
  x = first;
}

template <class T, int Distance>
static inline void transpose_lanes(Vec<T>* rows) {
  if constexpr (Distance < kLanes<T>) {
    for (int i = 0; i < kLanes<T>; ++i)
      if ((i & Distance) == 0) exchange<T, Distance>(rows[i], rows[i + Distance], Sequence<T>());
    transpose_lanes<T, 2 * Distance>(rows);
  }
}

// At most kLanes<T> rows and columns.
template <class T>
static inline void transpose_square(const T* from, int64_t from_stride, int64_t rows, int64_t cols, T* to,
                                    int64_t to_stride) {
  Vec<T> v[kLanes<T>];
  for (int i = 0; i < kLanes<T>; ++i) v[i] = i < rows ? load_part<T>(from + i * from_stride, cols, T(0)) : Vec<T>{};
  transpose_lanes<T, 1>(v);
  for (int i = 0; i < kLanes<T>; ++i)
    if (i < cols) store_part<T>(to + i * to_stride, v[i], rows);
}

// Few rows to a dense matrix, as images to pixels: whole registers where a square would store a few lanes each time.
template <class T, int Rows>
static void interleave(const T* __restrict from, int64_t from_stride, int64_t cols, T* __restrict to) {
  for (int64_t c = 0; c < cols; ++c)
    for (int r = 0; r < Rows; ++r) to[c * Rows + r] = from[r * from_stride + c];
}

template <class T>
static void transpose_words(const void* from_words, int64_t from_stride, int64_t rows, int64_t cols, void* to_words,
                            int64_t to_stride) {
  constexpr int64_t kL = kLanes<T>;
  const T* from = static_cast<const T*>(from_words);
  T* to = static_cast<T*>(to_words);
  if (rows == to_stride && rows == 2) return interleave<T, 2>(from, from_stride, cols, to);
  if (rows == to_stride && rows == 3) return interleave<T, 3>(from, from_stride, cols, to);
  if (rows == to_stride && rows == 4) return interleave<T, 4>(from, from_stride, cols, to);
  for (int64_t r = 0; r < rows; r += kL)
    for (int64_t c = 0; c < cols; c += kL) {
      const T* square = from + r * from_stride + c;
      T* transposed = to + c * to_stride + r;
      const int64_t height = rows - r < kL ? rows - r : kL, width = cols - c < kL ? cols - c : kL;
      // Rows far apart are in no pattern that the processor would fetch ahead by itself.
      for (int64_t i = kL; i < 2 * kL; ++i) __builtin_prefetch(square + i * from_stride);
      // Known sizes have no masks.
      if (height == kL && width == kL)
        transpose_square<T>(square, from_stride, kL, kL, transposed, to_stride);
      else
        transpose_square<T>(square, from_stride, height, width, transposed, to_stride);
    }
}

extern const TransposeTable transpose_table;
const TransposeTable transpose_table = {transpose_words<float>, transpose_words<double>};

}  // namespace talus::TALUS_ISA_NS
