// Copies, casts and fills, element by element.
#include <cmath>
#include <type_traits>

#include "dtype.h"
#include "kernels.h"
#include "ref/elementwise_walk.h"

namespace talus::ref {

namespace {

template <class To, class From>
To cast(From x) {
  if constexpr (std::is_same<From, Bool>::value) {
    return cast<To>(static_cast<uint8_t>(x));
  } else if constexpr (std::is_same<To, Bool>::value) {
    return x != From(0) ? Bool::True : Bool::False;
  } else if constexpr (std::is_floating_point<From>::value && std::is_integral<To>::value) {
    const double whole = std::trunc(static_cast<double>(x));
    if (std::is_same<To, int32_t>::value)
      return static_cast<To>(std::fabs(whole + 0.5) < 2147483648.0 ? int32_t(whole) : INT32_MIN);
    const bool fits = whole >= -9223372036854775808.0 && whole < 9223372036854775808.0;
    return static_cast<To>(fits ? int64_t(whole) : INT64_MIN);
  } else {
    return static_cast<To>(x);
  }
}

}  // namespace

void copy(int src_dtype, int dst_dtype, const Geometry<2>& g, const void* src, void* dst) {
  dispatch_any(src_dtype, "copy", [&](auto from_type) {
    dispatch_any(dst_dtype, "copy", [&](auto to_type) {
      using From = typename decltype(from_type)::type;
      using To = typename decltype(to_type)::type;
      for (int64_t i = 0; i < g.n; ++i)
        static_cast<To*>(dst)[offset_of(g, 0, i)] = cast<To>(static_cast<const From*>(src)[offset_of(g, 1, i)]);
    });
  });
}

void fill(int dtype, const Geometry<1>& g, double value, int64_t int_value, void* out) {
  dispatch_any(dtype, "fill", [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t i = 0; i < g.n; ++i) {
      T& element = static_cast<T*>(out)[offset_of(g, 0, i)];
      if (std::is_floating_point<T>::value)
        element = cast<T>(value);
      else
        element = cast<T>(int_value);
    }
  });
}

void arange(int dtype, int64_t n, double start, double step, void* out) {
  dispatch_number(dtype, "arange", [&](auto type) {
    using T = typename decltype(type)::type;
    for (int64_t i = 0; i < n; ++i) {
      if (std::is_floating_point<T>::value)
        static_cast<T*>(out)[i] = cast<T>(start + step * static_cast<double>(i));
      else
        static_cast<T*>(out)[i] = cast<T>(cast<int64_t>(start) + cast<int64_t>(step) * i);
    }
  });
}

}  // namespace talus::ref
