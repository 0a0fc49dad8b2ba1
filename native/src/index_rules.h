// How values add up by index, and what all devices say about indices out of range.
#pragma once

#include <cstdint>
#include <type_traits>

#include "dtype.h"
#include "error.h"

namespace talus {

// x + y as their dtype adds: integers wrap, bool is "or". CUDA's kernels call it, too.
template <class T>
constexpr T index_sum(T x, T y) {
  if constexpr (std::is_same<T, Bool>::value)
    return x == Bool::True ? x : y;
  else if constexpr (std::is_integral<T>::value)
    return T(uint64_t(x) + uint64_t(y));
  else
    return x + y;
}

[[noreturn]] inline void fail_index(const char* what, int64_t index, int64_t position, int64_t size) {
  fail(TALUS_INDEX_ERROR, "%s: index %lld at position %lld is out of range for a dimension of size %lld", what,
       static_cast<long long>(index), static_cast<long long>(position), static_cast<long long>(size));
}

[[noreturn]] inline void fail_target(int64_t target, int64_t classes, int64_t ignore_index) {
  fail(TALUS_INDEX_ERROR, "Target %lld is out of bounds. Expected a class in [0, %lld) or ignore_index %lld",
       static_cast<long long>(target), static_cast<long long>(classes), static_cast<long long>(ignore_index));
}

}  // namespace talus
