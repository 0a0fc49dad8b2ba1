// What all devices say about indices out of range.
#pragma once

#include <cstdint>

#include "error.h"

namespace talus {

[[noreturn]] inline void fail_index(const char* what, int64_t index, int64_t position, int64_t size) {
  fail(TALUS_INDEX_ERROR, "%s: index %lld at position %lld is out of range for a dimension of size %lld", what,
       static_cast<long long>(index), static_cast<long long>(position), static_cast<long long>(size));
}

[[noreturn]] inline void fail_target(int64_t target, int64_t classes, int64_t ignore_index) {
  fail(TALUS_INDEX_ERROR, "Target %lld is out of bounds. Expected a class in [0, %lld) or ignore_index %lld",
       static_cast<long long>(target), static_cast<long long>(classes), static_cast<long long>(ignore_index));
}

}  // namespace talus
