// Selecting, gathering and adding by index. Sums are added up in index order, as on the CPU: indices are sorted with
// their positions, and one thread adds all that an element is given. Where there are few indices, threads go through
// them in order instead. Indices out of range are left aside and reported.
#include <algorithm>

#include "cuda/kernel_errors.cuh"
#include "cuda/map.cuh"
#include "cuda/memory.h"
#include "cuda/sort.h"
#include "dtype.h"
#include "index_rules.h"
#include "kernels.h"

namespace talus::cuda {

namespace {

constexpr int kThreads = 256;
// Elements of a thread: their loads wait together.
constexpr int kItems = 4;
// So few indices are not sorted; somewhat more are not if there is a column for every thread of a large device.
constexpr int64_t kFew = 16, kMoreThanFew = 256, kManyColumns = 32768;

// Indices choose among `size` rows of `inner` elements, `count` times in each of `outer` slabs. Indices of all elements
// or of rows: Whole or not.
struct Indexed {
  int64_t outer, size, inner, count;
  uint32_t n;  // elements that are chosen, or chosen for
  Divisor by_inner, by_count;

  Indexed(const char* what, int64_t o, int64_t s, int64_t i, int64_t c)
      : outer(o), size(s), inner(i), count(c), n(static_cast<uint32_t>(o * c * i)) {
    if (o * c * i > kMaxStrided)
      fail(TALUS_UNSUPPORTED, "%s: more than 2^30 elements are not supported on CUDA; index parts", what);
    by_inner = Divisor(static_cast<uint32_t>(i));
    by_count = Divisor(static_cast<uint32_t>(c));
  }

  // Where element e lies.
  struct Place {
    uint32_t slab, row, column;
  };
  __device__ __forceinline__ Place place(uint32_t e) const {
    const uint32_t row = by_inner.quotient(e), slab = by_count.quotient(row);
    return {slab, row - slab * by_count.divisor, e - row * by_inner.divisor};
  }
  __device__ __forceinline__ int64_t chosen(const Place& p, int64_t index) const {
    return (p.slab * size + index) * inner + p.column;
  }
};

__global__ void __launch_bounds__(kThreads) check_indices(int64_t n, IndexCheck check, const int64_t* index) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < n && !check.fits(index[i])) check.refuse(index[i], i);
}

// Where a kernel has no elements, indices are checked all the same.
void check_alone(int64_t n, const IndexCheck& check, const int64_t* index) {
  if (n > 0) launch(check_indices, blocks_for(n, kThreads), dim3(kThreads), 0, n, check, index);
}

template <bool Whole, class Word>
__global__ void __launch_bounds__(kThreads)
    select_words(Indexed shape, IndexCheck check, const Word* x, const int64_t* index, Word* out) {
  const uint32_t first = blockIdx.x * (kThreads * kItems) + threadIdx.x;
  Word words[kItems];
#pragma unroll
  for (int k = 0; k < kItems; ++k) {
    const uint32_t e = first + static_cast<uint32_t>(k) * kThreads;
    words[k] = Word{};
    if (e >= shape.n) continue;
    const Indexed::Place p = shape.place(e);
    const int64_t at = Whole ? e : p.row, i = index[at];
    if (check.fits(i))
      words[k] = x[shape.chosen(p, i)];
    else if (Whole || (p.slab == 0 && p.column == 0))
      check.refuse(i, at);
  }
#pragma unroll
  for (int k = 0; k < kItems; ++k) {
    const uint32_t e = first + static_cast<uint32_t>(k) * kThreads;
    if (e < shape.n) out[e] = words[k];
  }
}

template <bool Whole, class Word>
void select(const char* what, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
            const int64_t* index, void* out) {
  const Indexed shape(what, outer, size, inner, count);
  launch(select_words<Whole, Word>, blocks_for(shape.n, kThreads * kItems), dim3(kThreads), 0, shape,
         IndexCheck(what, size), static_cast<const Word*>(x), index, static_cast<Word*>(out));
}

// A thread takes a column of a slab.
template <bool Whole, class T>
__global__ void __launch_bounds__(kThreads)
    add_columns(Indexed shape, uint32_t columns, IndexCheck check, const T* x, const int64_t* index, T* out) {
  const uint32_t c = blockIdx.x * kThreads + threadIdx.x;
  if (c >= columns) return;
  const uint32_t slab = shape.by_inner.quotient(c), column = c - slab * shape.by_inner.divisor;
  for (uint32_t row = 0; row < shape.by_count.divisor; ++row) {
    const int64_t e = (slab * shape.count + row) * shape.inner + column, at = Whole ? e : row, i = index[at];
    if (check.fits(i)) {
      T& element = out[shape.chosen({slab, row, column}, i)];
      element = index_sum(element, x[e]);
    } else if (Whole || c == 0) {
      check.refuse(i, at);
    }
  }
}

// Keys: the element or row that an index chooses, or `none`.
template <bool Whole>
__global__ void __launch_bounds__(kThreads)
    make_keys(Indexed shape, uint32_t n, uint32_t none, IndexCheck check, const int64_t* index, uint32_t* keys) {
  const uint32_t e = blockIdx.x * kThreads + threadIdx.x;
  if (e >= n) return;
  const int64_t i = index[e];
  const bool fits = check.fits(i);
  if (!fits) check.refuse(i, e);
  if constexpr (Whole)
    keys[e] = fits ? static_cast<uint32_t>(shape.chosen(shape.place(e), i)) : none;
  else
    keys[e] = fits ? static_cast<uint32_t>(i) : none;
}

// The thread of the first of equal keys adds them all up; shape.size is the key of none.
template <class T>
__global__ void __launch_bounds__(kThreads) add_sorted(Indexed shape, const uint32_t* keys, const T* x, T* out) {
  constexpr int kAhead = 4;  // elements that are asked for together
  const uint32_t e = blockIdx.x * kThreads + threadIdx.x, count = shape.by_count.divisor;
  if (e >= shape.n) return;
  const Indexed::Place p = shape.place(e);
  const uint32_t* const positions = keys + count;
  const uint32_t key = keys[p.row];
  if (key >= shape.size || (p.row > 0 && keys[p.row - 1] == key)) return;
  x += p.slab * shape.count * shape.inner + p.column;
  T& element = out[shape.chosen(p, key)];
  T sum = element;
  bool more = true;
  for (uint32_t i = p.row; more; i += kAhead) {
    T values[kAhead];
    bool has[kAhead];
#pragma unroll
    for (uint32_t k = 0; k < kAhead; ++k) {
      has[k] = more = more && i + k < count && keys[i + k] == key;
      if (more) values[k] = x[positions[i + k] * shape.inner];
    }
#pragma unroll
    for (uint32_t k = 0; k < kAhead; ++k)
      if (has[k]) sum = index_sum(sum, values[k]);
  }
  element = sum;
}

template <bool Whole, class T>
void add(const char* what, int64_t outer, int64_t size, int64_t inner, int64_t count, const T* x, const int64_t* index,
         T* out) {
  const Indexed shape(what, outer, size, inner, count);
  const IndexCheck check(what, size);
  const int64_t columns = outer * inner;
  if (count <= kFew || (Whole && count <= kMoreThanFew && columns >= kManyColumns))
    return launch(add_columns<Whole, T>, blocks_for(columns, kThreads), dim3(kThreads), 0, shape,
                  static_cast<uint32_t>(columns), check, x, index, out);
  const int64_t n = Whole ? shape.n : count, none = Whole ? columns * size : size;
  if (none >= UINT32_MAX)
    fail(TALUS_UNSUPPORTED, "%s: more than 2^32 %s to add to are not supported on CUDA; add to parts", what,
         Whole ? "elements" : "rows");
  int bits = 0;
  while (none >> bits != 0) ++bits;
  const Scratch<uint32_t> keys(4 * n);
  launch(make_keys<Whole>, blocks_for(n, kThreads), dim3(kThreads), 0, shape, static_cast<uint32_t>(n),
         static_cast<uint32_t>(none), check, index, keys.get());
  const uint32_t* const sorted = sort_keys(keys.get(), n, bits);
  // Sorted elements are rows of one.
  const Indexed in_order = Whole ? Indexed(what, 1, none, 1, n) : shape;
  launch(add_sorted<T>, blocks_for(shape.n, kThreads), dim3(kThreads), 0, in_order, sorted, x, out);
}

template <bool Whole>
void add_any(const char* what, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
             const int64_t* index, void* out) {
  dispatch_any(dtype, what, [&](auto type) {
    using T = typename decltype(type)::type;
    add<Whole>(what, outer, size, inner, count, static_cast<const T*>(x), index, static_cast<T*>(out));
  });
}

__global__ void __launch_bounds__(kThreads)
    one_hot_rows(Indexed shape, IndexCheck check, const int64_t* index, int64_t* out) {
  const uint32_t e = blockIdx.x * kThreads + threadIdx.x;
  if (e >= shape.n) return;
  const Indexed::Place p = shape.place(e);
  const int64_t i = index[p.row];
  out[e] = i == p.column;
  if (p.column == 0 && !check.fits(i)) check.refuse(i, p.row);
}

}  // namespace

void index_select(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                  const int64_t* index, void* out) {
  constexpr const char* kWhat = "index_select";
  const int64_t row = inner * size_of(dtype);
  if (outer == 0 || row == 0 || count == 0) return check_alone(count, IndexCheck(kWhat, size), index);
  // Rows are moved in the largest words that they and both addresses are multiples of.
  const auto words_of = [&](int64_t bytes) {
    return row % bytes == 0 && reinterpret_cast<uintptr_t>(x) % static_cast<uintptr_t>(bytes) == 0 &&
           reinterpret_cast<uintptr_t>(out) % static_cast<uintptr_t>(bytes) == 0;
  };
  if (words_of(16)) return select<false, Pack<uint64_t, 2>>(kWhat, outer, size, row / 16, count, x, index, out);
  if (words_of(8)) return select<false, uint64_t>(kWhat, outer, size, row / 8, count, x, index, out);
  if (words_of(4)) return select<false, uint32_t>(kWhat, outer, size, row / 4, count, x, index, out);
  select<false, uint8_t>(kWhat, outer, size, row, count, x, index, out);
}

void gather(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x, const int64_t* index,
            void* out) {
  if (outer == 0 || inner == 0 || count == 0) return;
  switch (size_of(dtype)) {
    case 1:
      return select<true, uint8_t>("gather", outer, size, inner, count, x, index, out);
    case 4:
      return select<true, uint32_t>("gather", outer, size, inner, count, x, index, out);
    default:
      return select<true, uint64_t>("gather", outer, size, inner, count, x, index, out);
  }
}

void index_add(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
               const int64_t* index, void* out) {
  if (outer == 0 || inner == 0 || count == 0) return check_alone(count, IndexCheck("index_add", size), index);
  add_any<false>("index_add", dtype, outer, size, inner, count, x, index, out);
}

void scatter_add(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                 const int64_t* index, void* out) {
  if (outer == 0 || inner == 0 || count == 0) return;
  add_any<true>("scatter_add", dtype, outer, size, inner, count, x, index, out);
}

void one_hot(int64_t n, int64_t classes, const int64_t* index, int64_t* out) {
  const IndexCheck check("one_hot", classes);
  if (n == 0 || classes == 0) return check_alone(n, check, index);
  const Indexed shape("one_hot", 1, classes, classes, n);
  launch(one_hot_rows, blocks_for(shape.n, kThreads), dim3(kThreads), 0, shape, check, index, out);
}

}  // namespace talus::cuda
