// Packing of GEMM's operands: panels of A and tiles of B, as the register tiles read them.
#pragma once

#include "cpu/isa/gemm_partial.h"
#include "cpu/isa/transpose.h"

namespace talus::TALUS_ISA_NS {

// Rows that share a cache set are read this many elements at a time.
constexpr int64_t kPackDepth = 64;

#if defined(__AVX512F__)

using HalfVec = float __attribute__((vector_size(32)));

static TALUS_INLINE HalfVec load_half(const float* from) { return (HalfVec)_mm256_loadu_ps(from); }
static TALUS_INLINE void store_half(float* to, HalfVec v) { _mm256_storeu_ps(to, (__m256)v); }

// Lane: its number in the pair of registers, of which the first is x.
template <int... Lane>
static TALUS_INLINE Vec<float> pick(Vec<float> x, Vec<float> y) {
  return __builtin_shufflevector(x, y, Lane...);
}

// Sixteen columns of eight rows: a register takes two whole columns, so that 16 shuffles and whole stores do what the
// transpose of a square, half of it empty, does with 64 shuffles and stores across lines. Rows 0 to 3 are joined with
// rows 4 to 7 as they are loaded, side by side in one register.
static TALUS_INLINE void pack_eight_rows(const float* from, int64_t stride, float* to) {
  Vec<float> v[2][4];  // [columns 0-7 or 8-15][row]: those columns of row and row + 4
  unroll<2>([&](auto side) TALUS_INLINE_LAMBDA {
    unroll<4>([&](auto row) TALUS_INLINE_LAMBDA {
      const float* at = from + row * stride + side * 8;
      v[side][row] = __builtin_shufflevector(load_half(at), load_half(at + 4 * stride), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
                                             10, 11, 12, 13, 14, 15);
    });
  });
  unroll<2>([&](auto side) TALUS_INLINE_LAMBDA {
    const Vec<float>* row = v[side];
    // Two rows' columns in turn: pairs 0 1 | 4 5 of one register, 2 3 | 6 7 of the other.
    const auto low = [&](int i) TALUS_INLINE_LAMBDA {
      return pick<0, 16, 8, 24, 1, 17, 9, 25, 4, 20, 12, 28, 5, 21, 13, 29>(row[i], row[i + 1]);
    };
    const auto high = [&](int i) TALUS_INLINE_LAMBDA {
      return pick<2, 18, 10, 26, 3, 19, 11, 27, 6, 22, 14, 30, 7, 23, 15, 31>(row[i], row[i + 1]);
    };
    const Vec<float> a = low(0), b = low(2), c = high(0), d = high(2);
    // A column's rows 0 1, of one register, 2 3 of the other; then 4 5 and 6 7.
    const auto first = [&](Vec<float> x, Vec<float> y) TALUS_INLINE_LAMBDA {
      return pick<0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23>(x, y);
    };
    const auto second = [&](Vec<float> x, Vec<float> y) TALUS_INLINE_LAMBDA {
      return pick<8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31>(x, y);
    };
    float* out = to + side * 64;
    store(out, first(a, b));
    store(out + 16, first(c, d));
    store(out + 32, second(a, b));
    store(out + 48, second(c, d));
  });
}

#endif

template <class T>
static void pack_rows(int64_t k, int count, const T* from, int64_t stride, int width, T* to) {
  constexpr int L = kLanes<T>;
#if defined(__AVX512F__)
  if constexpr (L == 16) {
    if (width == 8 && count == 8) {
      for (; k >= L; k -= L, from += L, to += L * 8) pack_eight_rows(from, stride, to);
      if (k == 0) return;
    }
  }
#endif
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
  if (count == 3 * L && width == count) return copy_columns<T, 3>(k, from, stride, to);
#if defined(__AVX512F__)
  if constexpr (L == 16) {
    if (width == 8 && count == 8) {
      for (; k > 0; --k, from += stride, to += 8) store_half(to, load_half(from));
      return;
    }
  }
#endif
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
