// Pooling: planes are independent, so they are what the threads share.
#include <limits>
#include <type_traits>

#include "cpu/isa/pool2d_table.h"
#include "dtype.h"
#include "kernels.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

PoolShape shape_of(const Pool2dParams& p) {
  return {p.h,     p.w,          p.out_h(),    p.out_w(),           p.kh,     p.kw, p.stride_h, p.stride_w, p.pad_h,
          p.pad_w, p.dilation_h, p.dilation_w, p.count_include_pad, p.divisor};
}

template <class T>
const Pool2dLoops<T>& loops() {
  if constexpr (std::is_same_v<T, float>) {
    return pool2d_table().f32;
  } else {
    return pool2d_table().f64;
  }
}

// Calls plane(type, shape, input offset, output offset) for every plane. Items of work are window elements, of which
// a thread gets about 30 microseconds' worth.
template <class F>
void for_each_plane(int dtype, const Pool2dParams& p, const char* what, F&& plane) {
  const PoolShape s = shape_of(p);
  if (s.h * s.w > std::numeric_limits<int32_t>::max())
    fail(TALUS_UNSUPPORTED, "%s: a plane has more than 2^31-1 elements", what);
  const int64_t cost = s.oh * s.ow * s.kh * s.kw + 1;
  dispatch_float(dtype, what, [&](auto type) {
    parallel_for(p.planes, 30000 / cost + 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) plane(type, s, i * s.h * s.w, i * s.oh * s.ow);
    });
  });
}

}  // namespace

void max_pool2d(int dtype, const Pool2dParams& p, const void* x, void* out, int32_t* indices) {
  for_each_plane(dtype, p, "max_pool2d", [&](auto type, const PoolShape& s, int64_t in_at, int64_t out_at) {
    using T = typename decltype(type)::type;
    loops<T>().max(s, static_cast<const T*>(x) + in_at, static_cast<T*>(out) + out_at,
                   indices == nullptr ? nullptr : indices + out_at);
  });
}

void max_pool2d_backward(int dtype, const Pool2dParams& p, const void* grad, const int32_t* indices, void* grad_x) {
  for_each_plane(dtype, p, "max_pool2d_backward", [&](auto type, const PoolShape& s, int64_t in_at, int64_t out_at) {
    using T = typename decltype(type)::type;
    if (!loops<T>().max_backward(s, static_cast<const T*>(grad) + out_at, indices + out_at,
                                 static_cast<T*>(grad_x) + in_at))
      fail(TALUS_INDEX_ERROR,
           "max_pool2d_backward: an index points outside its input; indices must be those that "
           "max_pool2d wrote for the same shapes");
  });
}

void avg_pool2d(int dtype, const Pool2dParams& p, const void* x, void* out) {
  for_each_plane(dtype, p, "avg_pool2d", [&](auto type, const PoolShape& s, int64_t in_at, int64_t out_at) {
    using T = typename decltype(type)::type;
    loops<T>().avg(s, static_cast<const T*>(x) + in_at, static_cast<T*>(out) + out_at);
  });
}

void avg_pool2d_backward(int dtype, const Pool2dParams& p, const void* grad, void* grad_x) {
  for_each_plane(dtype, p, "avg_pool2d_backward", [&](auto type, const PoolShape& s, int64_t in_at, int64_t out_at) {
    using T = typename decltype(type)::type;
    loops<T>().avg_backward(s, static_cast<const T*>(grad) + out_at, static_cast<T*>(grad_x) + in_at);
  });
}

}  // namespace talus::cpu
