// Selecting, gathering and adding by index. Indices that are used many times are all checked before anything is
// written; those of single elements are checked piece by piece, each right before it is used.
#include <atomic>
#include <cstring>
#include <type_traits>

#include "cpu/elementwise_blocks.h"
#include "dtype.h"
#include "index_rules.h"
#include "kernels.h"

namespace talus::cpu {

namespace {

// Elements that are worth waking a thread for: neighbours, and single ones that lie anywhere.
constexpr int64_t kGrain = 65536, kScattered = 16384;

[[noreturn]] void fail_first(const char* what, const int64_t* index, int64_t n, int64_t size) {
  int64_t i = 0;
  while (i + 1 < n && uint64_t(index[i]) < uint64_t(size)) ++i;
  fail_index(what, index[i], i, size);
}

bool all_in_range(const int64_t* index, int64_t n, int64_t size) {
  // Negative where an index, or what is left of the dimension behind it, is; four sums do not wait for each other.
  int64_t signs[4] = {};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4)
    for (int k = 0; k < 4; ++k) signs[k] |= index[i + k] | int64_t(uint64_t(size) - 1 - uint64_t(index[i + k]));
  for (; i < n; ++i) signs[0] |= index[i] | int64_t(uint64_t(size) - 1 - uint64_t(index[i]));
  return (signs[0] | signs[1] | signs[2] | signs[3]) >= 0;
}

void check_indices(const char* what, const int64_t* index, int64_t n, int64_t size) {
  std::atomic<bool> bad{false};
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
    if (!all_in_range(index + begin, end - begin, size)) bad = true;
  });
  if (bad) fail_first(what, index, n, size);
}

// Calls f(first, last) for pieces of the elements [first, last) whose indices, which are then in the first-level cache,
// are all in range. Returns whether that were all.
template <class F>
bool for_checked(const int64_t* index, int64_t first, int64_t last, int64_t size, F&& f) {
  constexpr int64_t kPiece = 1024;
  for (; first < last; first += kPiece) {
    const int64_t end = first + kPiece < last ? first + kPiece : last;
    if (!all_in_range(index + first, end - first, size)) return false;
    f(first, end);
  }
  return true;
}

// So many of the items, each of `cost` elements, that a thread has enough to do.
int64_t grain_of(int64_t cost, int64_t elements = kGrain) { return elements / (cost + 1) + 1; }

// Calls f(row, first, last) for the parts of rows of `count` that make up the elements [begin, end).
template <class F>
void for_rows(int64_t begin, int64_t end, int64_t count, F&& f) {
  for (int64_t i = begin; i < end;) {
    const int64_t row = i / count, first = i - row * count;
    const int64_t last = count < end - row * count ? count : end - row * count;
    f(row, first, last);
    i = row * count + last;
  }
}

// to[i] = from[index[i]]
template <class Word>
void pick(int64_t n, const Word* from, const int64_t* index, Word* to) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const Word a = from[index[i]], b = from[index[i + 1]], c = from[index[i + 2]], d = from[index[i + 3]];
    to[i] = a;
    to[i + 1] = b;
    to[i + 2] = c;
    to[i + 3] = d;
  }
  for (; i < n; ++i) to[i] = from[index[i]];
}

// to[index[i]] += from[i], in order.
template <class T>
void add_at(int64_t n, const T* from, const int64_t* index, T* to) {
  for (int64_t i = 0; i < n; ++i) to[index[i]] = index_sum(to[index[i]], from[i]);
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
        for_rows(begin, end, count, [&](int64_t o, int64_t first, int64_t last) {
          pick(last - first, reinterpret_cast<const Word*>(from) + o * size, index + first,
               reinterpret_cast<Word*>(to) + o * count + first);
        });
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
    if (inner == 1) {
      parallel_for(outer, grain_of(count), [&](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; ++o)
          add_at(count, static_cast<const T*>(x) + o * count, index, static_cast<T*>(out) + o * size);
      });
      return;
    }
    parallel_for(outer * tiles, grain_of(count * (inner < kColumns ? inner : kColumns)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t item = begin; item < end; ++item) {
                     const int64_t o = item / tiles, first = item % tiles * kColumns;
                     const int64_t last = first + kColumns < inner ? first + kColumns : inner;
                     for (int64_t i = 0; i < count; ++i) {
                       const T* from = static_cast<const T*>(x) + (o * count + i) * inner;
                       T* to = static_cast<T*>(out) + (o * size + index[i]) * inner;
                       for (int64_t k = first; k < last; ++k) to[k] = index_sum(to[k], from[k]);
                     }
                   }
                 });
  });
}

void gather(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x, const int64_t* index,
            void* out) {
  const int64_t n = outer * count * inner;
  std::atomic<bool> bad{false};
  with_word(size_of(dtype), [&](auto* null) {
    using Word = std::remove_reference_t<decltype(*null)>;
    const Word* from = static_cast<const Word*>(x);
    Word* to = static_cast<Word*>(out);
    parallel_for(n, kScattered, [&](int64_t begin, int64_t end) {
      const bool good = for_checked(index, begin, end, size, [&](int64_t first, int64_t last) {
        for_rows(first, last, inner == 1 ? count : inner, [&](int64_t row, int64_t at, int64_t stop) {
          if (inner == 1) {
            pick(stop - at, from + row * size, index + row * count + at, to + row * count + at);
            return;
          }
          for (int64_t k = at; k < stop; ++k)
            to[row * inner + k] = from[(row / count * size + index[row * inner + k]) * inner + k];
        });
      });
      if (!good) bad = true;
    });
  });
  if (bad) fail_first("gather", index, n, size);
}

void scatter_add(int dtype, int64_t outer, int64_t size, int64_t inner, int64_t count, const void* x,
                 const int64_t* index, void* out) {
  const int64_t block = count * inner;
  std::atomic<bool> bad{false};
  dispatch_any(dtype, "scatter_add", [&](auto type) {
    using T = typename decltype(type)::type;
    const T* from = static_cast<const T*>(x);
    T* to = static_cast<T*>(out);
    // Threads share the blocks, so that every element is added to in index order.
    parallel_for(outer, grain_of(block, kScattered), [&](int64_t begin, int64_t end) {
      const bool good = for_checked(index, begin * block, end * block, size, [&](int64_t first, int64_t last) {
        for_rows(first, last, inner == 1 ? count : inner, [&](int64_t row, int64_t at, int64_t stop) {
          if (inner == 1) {
            add_at(stop - at, from + row * count + at, index + row * count + at, to + row * size);
            return;
          }
          for (int64_t k = at; k < stop; ++k) {
            T& element = to[(row / count * size + index[row * inner + k]) * inner + k];
            element = index_sum(element, from[row * inner + k]);
          }
        });
      });
      if (!good) bad = true;
    });
  });
  if (bad) fail_first("scatter_add", index, outer * block, size);
}

void one_hot(int64_t n, int64_t classes, const int64_t* index, int64_t* out) {
  check_indices("one_hot", index, n, classes);
  parallel_for(n, grain_of(classes), [&](int64_t begin, int64_t end) {
    std::memset(out + begin * classes, 0, static_cast<size_t>((end - begin) * classes) * sizeof(int64_t));
    for (int64_t i = begin; i < end; ++i) out[i * classes + index[i]] = 1;
  });
}

}  // namespace talus::cpu
