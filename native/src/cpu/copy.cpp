// Copies, casts, fills. A transposed copy goes through squares, so that both sides move whole cache lines.
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "caches.h"
#include "copy_rules.h"
#include "cpu/elementwise_blocks.h"
#include "cpu/isa/elementwise_table.h"
#include "cpu/transpose.h"
#include "dtype.h"
#include "kernels.h"

namespace talus::cpu {

namespace {

constexpr int64_t kGrain = 65536;
// Rows of a transposed copy that are written side by side: as many elements are read in a row.
constexpr int64_t kBand = 64;

template <class Word>
void copy_transposed(const Geometry<2>& g, int dim, const Word* src, Word* dst) {
  const int last = g.ndim - 1;
  const int64_t rows = g.size[dim], cols = g.size[last];
  const int64_t dst_row = g.stride[0][dim], src_col = g.stride[1][last];
  // The other dimensions number the planes.
  int others = 0;
  int64_t size[kMaxDims], stride[2][kMaxDims], planes = 1;
  for (int d = 0; d < last; ++d) {
    if (d == dim) continue;
    size[others] = g.size[d];
    planes *= g.size[d];
    for (int o = 0; o < 2; ++o) stride[o][others] = g.stride[o][d];
    ++others;
  }
  const int64_t bands = (rows + kBand - 1) / kBand, band_size = (rows < kBand ? rows : kBand) * cols;
  parallel_for(planes * bands, (kGrain + band_size - 1) / band_size, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t row = item % bands * kBand, count = row + kBand < rows ? kBand : rows - row;
      const Word* from = src;
      Word* to = dst;
      int64_t rest = item / bands;
      for (int d = others - 1; d >= 0; --d) {
        to += rest % size[d] * stride[0][d];
        from += rest % size[d] * stride[1][d];
        rest /= size[d];
      }
      transpose<Word>(from + row, src_col, cols, count, to + row * dst_row, dst_row);
    }
  });
}

// Run by run, without a buffer in between.
template <class Word>
void copy_strided(const Geometry<2>& g, const Word* src, Word* dst) {
  const int64_t dst_inner = g.ndim == 0 ? 1 : g.stride[0][g.ndim - 1];
  const int64_t src_inner = g.ndim == 0 ? 1 : g.stride[1][g.ndim - 1];
  const int64_t* const strides[] = {g.stride[0], g.stride[1]};
  parallel_for(g.n, kGrain, [&](int64_t begin, int64_t end) {
    for_each_run(g.ndim, g.size, strides, begin, end, [&](int64_t count, const int64_t* offset, int64_t) {
      copy_run<Word>(count, src + offset[1], src_inner, dst + offset[0], dst_inner);
    });
  });
}

// Past the caches: what does not fit them need not be read before it is overwritten.
template <class T>
void stream_zeros(int64_t n, T* to) {
  int64_t i = 0;
#if defined(__SSE2__)
  constexpr int64_t kLine = 64, kItems = kLine / int64_t{sizeof(T)};
  while (i < n && reinterpret_cast<uintptr_t>(to + i) % kLine != 0) to[i++] = T{};
  for (; i + kItems <= n; i += kItems)
    for (int k = 0; k < 4; ++k) _mm_stream_si128(reinterpret_cast<__m128i*>(to + i) + k, _mm_setzero_si128());
  _mm_sfence();
#endif
  for (; i < n; ++i) to[i] = T{};
}

// Other values were measured to go more slowly past the caches than through them. -0 is not zero here.
template <class T>
bool is_large_zero(const Geometry<1>& g, T value) {
  const T zero{};
  return g.n * int64_t{sizeof(T)} >= caches().l3 / 2 && std::memcmp(&value, &zero, sizeof value) == 0 &&
         detail::all_plain(g);
}

template <class T>
void fill_strided(const Geometry<1>& g, T value, T* out) {
  if (is_large_zero(g, value)) {
    parallel_for(g.n, kGrain, [&](int64_t begin, int64_t end) { stream_zeros(end - begin, out + begin); });
    return;
  }
  const int64_t inner = g.ndim == 0 ? 1 : g.stride[0][g.ndim - 1];
  const int64_t* const strides[] = {g.stride[0]};
  parallel_for(g.n, kGrain, [&](int64_t begin, int64_t end) {
    for_each_run(g.ndim, g.size, strides, begin, end, [&](int64_t count, const int64_t* offset, int64_t) {
      T* to = out + *offset;
      if (inner == 1) {
        for (int64_t i = 0; i < count; ++i) to[i] = value;
      } else {
        for (int64_t i = 0; i < count; ++i) to[i * inner] = value;
      }
    });
  });
}

}  // namespace

void copy(int src_dtype, int dst_dtype, const Geometry<2>& g, const void* src, void* dst) {
  if (g.n == 0) return;
  if (src_dtype == dst_dtype) {
    with_word(size_of(src_dtype), [&](auto* null) {
      using Word = std::remove_reference_t<decltype(*null)>;
      const Word* from = static_cast<const Word*>(src);
      Word* to = static_cast<Word*>(dst);
      const int dim = transposed_dim(g);
      if (dim >= 0)
        copy_transposed(g, dim, from, to);
      else
        copy_strided(g, from, to);
    });
    return;
  }
  const CastLoop loop = elementwise_table().cast(src_dtype, dst_dtype);
  const Operand operands[] = {output(dst, size_of(dst_dtype)), input(src, size_of(src_dtype))};
  for_each_block<false>(g, operands, kGrain, [&](int64_t n, char* const* p, const int*) { loop(n, p[1], p[0]); });
}

void fill(int dtype, const Geometry<1>& g, double value, int64_t int_value, void* out) {
  dispatch_any(dtype, "fill", [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (std::is_floating_point<T>::value)
      fill_strided(g, T(value), static_cast<T*>(out));
    else if constexpr (std::is_same<T, Bool>::value)
      fill_strided(g, uint8_t(int_value != 0), static_cast<uint8_t*>(out));
    else
      fill_strided(g, T(int_value), static_cast<T*>(out));
  });
}

// Floating elements are computed in double and rounded once; integers truncate start and step first, as in PyTorch.
void arange(int dtype, int64_t n, double start, double step, void* out) {
  dispatch_number(dtype, "arange", [&](auto type) {
    using T = typename decltype(type)::type;
    T* to = static_cast<T*>(out);
    parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
      if constexpr (std::is_floating_point<T>::value) {
        for (int64_t i = begin; i < end; ++i) to[i] = T(start + double(i) * step);
      } else {
        const uint64_t first = uint64_t(int64_t(start)), difference = uint64_t(int64_t(step));
        for (int64_t i = begin; i < end; ++i) to[i] = T(first + uint64_t(i) * difference);
      }
    });
  });
}

}  // namespace talus::cpu
