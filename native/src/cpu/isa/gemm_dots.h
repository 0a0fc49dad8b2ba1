// Dot products of rows of A and rows of a transposed B: nothing need be packed where it would not be reused.
#pragma once

#include "cpu/isa/gemm_partial.h"
#include "cpu/isa/gemm_table.h"

namespace talus::TALUS_ISA_NS {

// Sums that share loads: the largest block whose accumulators and operands fit the registers.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kDotRows = 4, kDotColumns = 6;
#else
constexpr int kDotRows = 3, kDotColumns = 3;
#endif
static_assert(kDotRows <= kMaxBlockRows && kDotColumns <= kMaxBlockColumns, "the table has no room for this block");

// t.b: row j of the stored, transposed B at b + j * b_stride. t.n is not read.
template <class T, int Rows, int Columns>
static void dots(const GemmTile<T>& t) {
  constexpr int L = kLanes<T>, count = Rows * Columns, padded = (count + L - 1) / L * L;
  Vec<T> acc[padded];
  unroll<padded>([&](auto i) TALUS_INLINE_LAMBDA { acc[i] = Vec<T>{}; });
  const T *a = t.a, *b = t.b;
  const int64_t a_stride = t.a_stride, b_stride = t.b_stride;
  const auto step = [&](auto&& read) TALUS_INLINE_LAMBDA {
    Vec<T> column[Columns];
    unroll<Columns>([&](auto j) TALUS_INLINE_LAMBDA { column[j] = read(b + j * b_stride); });
    unroll<Rows>([&](auto i) TALUS_INLINE_LAMBDA {
      const Vec<T> row = read(a + i * a_stride);
      unroll<Columns>([&](auto j) TALUS_INLINE_LAMBDA { acc[i * Columns + j] += row * column[j]; });
    });
    a += L;
    b += L;
  };
  int64_t k = t.k;
  for (; k >= L; k -= L) step([](const T* from) TALUS_INLINE_LAMBDA { return load(from); });
  if (k > 0) {
    const int rest = static_cast<int>(k);
    step([rest](const T* from) TALUS_INLINE_LAMBDA { return load_partial(from, rest); });
  }
  T sums[padded];
  unroll<padded / L>([&](auto i) TALUS_INLINE_LAMBDA { store(sums + i * L, sum_each<T>(acc + i * L)); });
  // Steps apart, as for tiles.
  if (t.alpha != T{1})
    for (T& sum : sums) sum *= t.alpha;
  if (t.beta != T{0}) {
    for (int i = 0; i < count; ++i) sums[i] += t.beta * t.c[i / Columns * t.ldc + i % Columns];
  }
  if (t.bias != nullptr)
    for (int i = 0; i < count; ++i) sums[i] += t.bias[i % Columns];
  if (t.row_bias != nullptr)
    for (int i = 0; i < count; ++i) sums[i] += t.row_bias[i / Columns];
  if (t.activation.clamps)
    for (T& sum : sums) sum = activated(t.activation, sum);
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Columns; ++j) t.c[i * t.ldc + j] = sums[i * Columns + j];
}

template <class T, int Rows, int Columns>
static constexpr void fill_dots(GemmKernels<T>& kernels) {
  kernels.dots[Rows - 1][Columns - 1] = dots<T, Rows, Columns>;
  if constexpr (Columns > 1) {
    fill_dots<T, Rows, Columns - 1>(kernels);
  } else if constexpr (Rows > 1) {
    fill_dots<T, Rows - 1, kDotColumns>(kernels);
  }
}

}  // namespace talus::TALUS_ISA_NS
