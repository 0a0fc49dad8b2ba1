// Packing of GEMM's operands: panels of A and tiles of B, as the register tiles read them.
#pragma once

#include "cpu/isa/gemm_partial.h"
#include "cpu/isa/transpose.h"

namespace talus::TALUS_ISA_NS {

// Rows that share a cache set are read this many elements at a time.
constexpr int64_t kPackDepth = 64;

template <class T>
static void pack_rows(int64_t k, int count, const T* from, int64_t stride, int width, T* to) {
  constexpr int L = kLanes<T>;
  for (int64_t begin = 0; begin < k; begin += kPackDepth) {
    const int64_t end = k - begin < kPackDepth ? k : begin + kPackDepth;
    for (int i = 0; i < width; i += L) {
      const int lanes = width - i < L ? width - i : L;
      for (int64_t p = begin; p < end; p += L) {
        const int depth = end - p < L ? static_cast<int>(end - p) : L;
        Vec<T> block[L];
        TALUS_UNROLL
        for (int r = 0; r < L; ++r) {
          const T* row = from + (i + r) * stride + p;
          block[r] = i + r >= count ? Vec<T>{} : depth == L ? load(row) : load_partial(row, depth);
        }
        transpose<T>(block);
        T* out = to + p * width + i;
        // A register may reach into what the next ones overwrite.
        const bool whole = lanes == L || (width < L && (k - p - L) * width >= L - width);
        if (depth == L && whole) {
          TALUS_UNROLL
          for (int q = 0; q < L; ++q) store(out + q * width, block[q]);
        } else {
          TALUS_UNROLL
          for (int q = 0; q < L; ++q)
            if (q < depth) store_partial(out + q * width, block[q], lanes);
        }
      }
    }
  }
}

// Long rows are on a page each, where hardware does not foresee the next.
constexpr int64_t kRowsAhead = 16;

// Whole registers.
template <class T, int Vectors>
static void copy_columns(int64_t k, const T* from, int64_t stride, T* to) {
  constexpr int L = kLanes<T>;
  for (int64_t p = 0; p < k; ++p, from += stride, to += Vectors * L) {
    __builtin_prefetch(from + kRowsAhead * stride);
    unroll<Vectors>([&](auto v) TALUS_INLINE_LAMBDA { store(to + v * L, load(from + v * L)); });
  }
}

template <class T>
static void pack_columns(int64_t k, int count, const T* from, int64_t stride, int width, T* to) {
  constexpr int L = kLanes<T>;
  if (count == 2 * L && width == count) return copy_columns<T, 2>(k, from, stride, to);
  // Registers reach into the next row, which overwrites what they wrote there; the last row has none.
  const int whole = (width + L - 1) / L * L;
  if (count == width && whole <= 2 * width && stride >= L && k > 0) {
    for (; k > 1; --k, from += stride, to += width)
      for (int i = 0; i < width; i += L) store(to + i, load(from + i));
  }
  for (int64_t p = 0; p < k; ++p, from += stride, to += width) {
    for (int i = 0; i < width; i += L) {
      const int have = count - i < L ? count - i : L;
      const int lanes = width - i < L ? width - i : L;
      const Vec<T> v = have == L ? load(from + i) : have > 0 ? load_partial(from + i, have) : Vec<T>{};
      if (lanes == L) {
        store(to + i, v);
      } else {
        store_partial(to + i, v, lanes);
      }
    }
  }
}

}  // namespace talus::TALUS_ISA_NS
