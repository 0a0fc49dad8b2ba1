// From a talus_dtype at run time to a C++ type at compile time.
#pragma once

#include <cstdint>

#include "error.h"

namespace talus {

// A byte that is 0 or 1; its own type, so that templates can tell it from uint8_t.
enum class Bool : uint8_t { False = 0, True = 1 };

template <class T>
struct Type {
  using type = T;
};

// Calls f(Type<T>{}) for the floating dtypes.
template <class F>
decltype(auto) dispatch_float(int dtype, const char* what, F&& f) {
  switch (dtype) {
    case TALUS_FLOAT32:
      return f(Type<float>{});
    case TALUS_FLOAT64:
      return f(Type<double>{});
    default:
      fail(TALUS_UNSUPPORTED, "%s: dtype %d is not supported, expected float32 or float64", what, dtype);
  }
}

// Calls f(Type<T>{}) for every dtype but bool.
template <class F>
decltype(auto) dispatch_number(int dtype, const char* what, F&& f) {
  switch (dtype) {
    case TALUS_FLOAT32:
      return f(Type<float>{});
    case TALUS_FLOAT64:
      return f(Type<double>{});
    case TALUS_INT64:
      return f(Type<int64_t>{});
    case TALUS_INT32:
      return f(Type<int32_t>{});
    case TALUS_UINT8:
      return f(Type<uint8_t>{});
    default:
      fail(TALUS_UNSUPPORTED, "%s: dtype %d is not supported, expected a numeric type", what, dtype);
  }
}

// Calls f(Type<T>{}) for every dtype.
template <class F>
decltype(auto) dispatch_any(int dtype, const char* what, F&& f) {
  if (dtype == TALUS_BOOL) return f(Type<Bool>{});
  return dispatch_number(dtype, what, f);
}

inline int64_t size_of(int dtype) {
  return dispatch_any(dtype, "size", [](auto type) -> int64_t { return sizeof(typename decltype(type)::type); });
}

}  // namespace talus
