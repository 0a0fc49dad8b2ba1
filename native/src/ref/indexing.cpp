// Indexing, one element at a time.
#include <type_traits>

#include "dtype.h"
#include "kernels.h"

namespace talus::ref {

namespace {

int64_t checked(int64_t index, int64_t size) {
  if (index < 0 || index >= size) fail(TALUS_INDEX_ERROR, "index %lld is out of range", static_cast<long long>(index));
  return index;
}

// Calls f(position, chosen position) for the elements of [outer, count, inner] and of [outer, size, inner];
// `whole` indices have an entry for every element, the others one for every row.
template <class F>
void for_each_indexed(bool whole, int64_t outer, int64_t size, int64_t inner, int64_t count, const int64_t* index,
                      F&& f) {
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < count; ++i)
      for (int64_t k = 0; k < inner; ++k) {
        const int64_t at = (o * count + i) * inner + k;
        f(at, (o * size + checked(index[whole ? at : i], size)) * inner + k);
      }
}

template <class T>
T sum(T x, T y) {
  if constexpr (std::is_same<T, Bool>::value)
    return x == Bool::True || y == Bool::True ? Bool::True : Bool::False;
  else if constexpr (std::is_integral<T>::value)
    return static_cast<T>(static_cast<uint64_t>(x) + static_cast<uint64_t>(y));
  else
    return x + y;
}

void select(bool whole, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
            const int64_t* index, void* out) {
  dispatch_any(dtype, "select", [&](auto type) {
    using T = typename decltype(type)::type;
    for_each_indexed(whole, outer, size, inner, count, index,
                     [&](int64_t at, int64_t chosen) { static_cast<T*>(out)[at] = static_cast<const T*>(x)[chosen]; });
  });
}

void add(bool whole, int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
         const int64_t* index, void* out) {
  dispatch_any(dtype, "add", [&](auto type) {
    using T = typename decltype(type)::type;
    for_each_indexed(whole, outer, size, inner, count, index, [&](int64_t at, int64_t chosen) {
      T& element = static_cast<T*>(out)[chosen];
      element = sum(element, static_cast<const T*>(x)[at]);
    });
  });
}

}  // namespace

void index_select(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                  const int64_t* index, void* out) {
  select(false, dtype, outer, size, inner, count, x, index, out);
}

void gather(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x, const int64_t* index,
            void* out) {
  select(true, dtype, outer, size, inner, count, x, index, out);
}

void index_add(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
               const int64_t* index, void* out) {
  add(false, dtype, outer, size, inner, count, x, index, out);
}

void scatter_add(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                 const int64_t* index, void* out) {
  add(true, dtype, outer, size, inner, count, x, index, out);
}

void one_hot(int64_t n, int64_t classes, const int64_t* index, int64_t* out) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t c = 0; c < classes; ++c) out[i * classes + c] = checked(index[i], classes) == c;
}

}  // namespace talus::ref
