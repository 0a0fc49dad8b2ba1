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

template <class Kernel>
void select(Kernel kernel, Indices indices, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count,
            const void* x, const int64_t* index, void* out) {
  const int64_t item = talus::size_of(dtype);
  Mirror m;
  m.reads(x, outer * size * inner * item).reads(index, index_bytes(indices, outer, inner, count));
  m.writes(out, outer * count * inner * item);
  kernel(dtype, outer, size, inner, count, m(x), m(index), m(out));
  m.finish();
}

template <class Kernel>
void add(Kernel kernel, Indices indices, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count,
         const void* x, const int64_t* index, void* out) {
  const int64_t item = talus::size_of(dtype);
  Mirror m;
  m.reads(x, outer * count * inner * item).reads(index, index_bytes(indices, outer, inner, count));
  m.writes(out, outer * size * inner * item);
  kernel(dtype, outer, size, inner, count, m(x), m(index), m(out));
  m.finish();
}

inline void index_select(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                         const int64_t* index, void* out) {
  select(talus::cuda::index_select, Indices::Rows, dtype, outer, size, inner, count, x, index, out);
}

inline void gather(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                   const int64_t* index, void* out) {
  select(talus::cuda::gather, Indices::Elements, dtype, outer, size, inner, count, x, index, out);
}

inline void index_add(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                      const int64_t* index, void* out) {
  add(talus::cuda::index_add, Indices::Rows, dtype, outer, size, inner, count, x, index, out);
}

inline void scatter_add(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                        const int64_t* index, void* out) {
  add(talus::cuda::scatter_add, Indices::Elements, dtype, outer, size, inner, count, x, index, out);
}

inline void one_hot(int64_t n, int64_t classes, const int64_t* index, int64_t* out) {
  Mirror m;
  m.reads(index, n * 8).writes(out, n * classes * 8);
  talus::cuda::one_hot(n, classes, m(index), m(out));
  m.finish();
}

}  // namespace under_test
