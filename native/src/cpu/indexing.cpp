// Selecting, gathering and adding by index. All indices are checked before anything is written.
#include <cstring>
#include <type_traits>

#include "cpu/elementwise_blocks.h"
#include "dtype.h"
#include "kernels.h"

namespace talus::cpu {

namespace {

constexpr int64_t kGrain = 65536;

void check_indices(const char* what, const int64_t* index, int64_t n, int64_t size) {
  // One comparison finds both negative and too large values.
  bool bad = false;
  for (int64_t i = 0; i < n; ++i) bad |= uint64_t(index[i]) >= uint64_t(size);
  if (!bad) return;
  for (int64_t i = 0; i < n; ++i)
    if (index[i] < 0 || index[i] >= size)
      fail(TALUS_INDEX_ERROR, "%s: index %lld at position %lld is out of range for a dimension of size %lld", what,
           static_cast<long long>(index[i]), static_cast<long long>(i), static_cast<long long>(size));
}

// So many of the items, each of `cost` elements, that a thread has enough to do.
int64_t grain_of(int64_t cost) { return kGrain / (cost + 1) + 1; }

// x + y as their dtype adds: integers wrap, bool is "or".
template <class T>
T sum(T x, T y) {
  if constexpr (std::is_same<T, Bool>::value)
    return x == Bool::True ? x : y;
  else if constexpr (std::is_integral<T>::value)
    return T(uint64_t(x) + uint64_t(y));
  else
    return x + y;
}

constexpr int64_t kLine = 64;  // bytes of a cache line

// Rows lie anywhere: while one is copied, the next one's lines are asked for.
void copy_row(char* to, const char* from, int64_t bytes, const char* next) {
  int64_t at = 0;
  for (; at + kLine <= bytes; at += kLine) {
    __builtin_prefetch(next + at);
    std::memcpy(to + at, from + at, kLine);
  }
  std::memcpy(to + at, from + at, static_cast<size_t>(bytes - at));
}

}  // namespace

void index_select(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                  const int64_t* index, void* out) {
  check_indices("index_select", index, count, size);
  const int64_t bytes = size_of(dtype), row = inner * bytes;
  if (row == 0) return;
  parallel_for(outer * count, grain_of(inner), [&](int64_t begin, int64_t end) {
    const char* from = static_cast<const char*>(x);
    char* to = static_cast<char*>(out);
    if (inner == 1) {
      with_word(bytes, [&](auto* null) {
        using Word = std::remove_reference_t<decltype(*null)>;
        for (int64_t i = begin; i < end; ++i)
          reinterpret_cast<Word*>(to)[i] = reinterpret_cast<const Word*>(from)[i / count * size + index[i % count]];
      });
      return;
    }
    const auto source = [&](int64_t i) { return from + (i / count * size + index[i % count]) * row; };
    for (int64_t i = begin; i < end; ++i) copy_row(to + i * row, source(i), row, source(i + 1 < end ? i + 1 : i));
  });
}

void index_add(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
               const int64_t* index, void* out) {
  check_indices("index_add", index, count, size);
  // Threads share the columns, so that every element is added to in index order.
  constexpr int64_t kColumns = 64;
  const int64_t tiles = (inner + kColumns - 1) / kColumns;
  dispatch_any(dtype, "index_add", [&](auto type) {
    using T = typename decltype(type)::type;
    parallel_for(outer * tiles, grain_of(count * (inner < kColumns ? inner : kColumns)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t item = begin; item < end; ++item) {
                     const int64_t o = item / tiles, first = item % tiles * kColumns;
                     const int64_t last = first + kColumns < inner ? first + kColumns : inner;
                     for (int64_t i = 0; i < count; ++i) {
                       const T* from = static_cast<const T*>(x) + (o * count + i) * inner;
                       T* to = static_cast<T*>(out) + (o * size + index[i]) * inner;
                       for (int64_t k = first; k < last; ++k) to[k] = sum(to[k], from[k]);
                     }
                   }
                 });
  });
}

void gather(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x, const int64_t* index,
            void* out) {
  check_indices("gather", index, outer * count * inner, size);
  with_word(size_of(dtype), [&](auto* null) {
    using Word = std::remove_reference_t<decltype(*null)>;
    const Word* from = static_cast<const Word*>(x);
    Word* to = static_cast<Word*>(out);
    parallel_for(outer * count, grain_of(inner), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        for (int64_t k = 0; k < inner; ++k)
          to[row * inner + k] = from[(row / count * size + index[row * inner + k]) * inner + k];
    });
  });
}

void scatter_add(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                 const int64_t* index, void* out) {
  check_indices("scatter_add", index, outer * count * inner, size);
  dispatch_any(dtype, "scatter_add", [&](auto type) {
    using T = typename decltype(type)::type;
    const T* from = static_cast<const T*>(x);
    T* to = static_cast<T*>(out);
    parallel_for(outer, grain_of(count * inner), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin * count; row < end * count; ++row)
        for (int64_t k = 0; k < inner; ++k) {
          T& element = to[(row / count * size + index[row * inner + k]) * inner + k];
          element = sum(element, from[row * inner + k]);
        }
    });
  });
}

void one_hot(int64_t n, int64_t classes, const int64_t* index, int64_t* out) {
  check_indices("one_hot", index, n, classes);
  parallel_for(n, grain_of(classes), [&](int64_t begin, int64_t end) {
    std::memset(out + begin * classes, 0, static_cast<size_t>((end - begin) * classes) * sizeof(int64_t));
    for (int64_t i = begin; i < end; ++i) out[i * classes + index[i]] = 1;
  });
}

}  // namespace talus::cpu
