// CUDA's indexing for tests; see cuda_under_test.h.
#pragma once

#include "cuda_mirror.h"
#include "kernels.h"

namespace under_test {

// An index for every element, or one for every row.
enum class Indices { Elements, Rows };

inline int64_t index_bytes(Indices indices, int64_t outer, int64_t inner, int64_t count) {
  return (indices == Indices::Rows ? count : outer * count * inner) * 8;
}

// From x [outer, x_rows, inner] to out [outer, out_rows, inner].
template <class Kernel>
void by_index(Kernel kernel, Indices indices, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count,
              const void* x, int64_t x_rows, const int64_t* index, void* out, int64_t out_rows) {
  const int64_t slab = outer * inner * talus::size_of(dtype);
  Mirror m;
  m.reads(x, x_rows * slab).reads(index, index_bytes(indices, outer, inner, count)).writes(out, out_rows * slab);
  kernel(dtype, outer, size, inner, count, m(x), m(index), m(out));
  m.finish();
}

inline void index_select(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                         const int64_t* index, void* out) {
  by_index(talus::cuda::index_select, Indices::Rows, dtype, outer, size, inner, count, x, size, index, out, count);
}

inline void gather(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                   const int64_t* index, void* out) {
  by_index(talus::cuda::gather, Indices::Elements, dtype, outer, size, inner, count, x, size, index, out, count);
}

inline void index_add(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                      const int64_t* index, void* out) {
  by_index(talus::cuda::index_add, Indices::Rows, dtype, outer, size, inner, count, x, count, index, out, size);
}

inline void scatter_add(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                        const int64_t* index, void* out) {
  by_index(talus::cuda::scatter_add, Indices::Elements, dtype, outer, size, inner, count, x, count, index, out, size);
}

inline void one_hot(int64_t n, int64_t classes, const int64_t* index, int64_t* out) {
  Mirror m;
  m.reads(index, n * 8).writes(out, n * classes * 8);
  talus::cuda::one_hot(n, classes, m(index), m(out));
  m.finish();
}

}  // namespace under_test
