// Pooling: planes are independent, so they are what the threads share.
#include <type_traits>

#include "cpu/isa/pool2d_table.h"
#include "dtype.h"
#include "kernels.h"
#include "memory.h"
#include "parallel.h"
#include "pool2d_rules.h"

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

// Calls run(type, shape, n, input offset, output offset, workspace) for runs of n planes. Items of work are window
// elements, of which a thread gets about 30 microseconds' worth.
template <class F>
void for_planes(int dtype, const Pool2dParams& p, const char* what, F&& run) {
  const PoolShape s = shape_of(p);
  check_window(what, s.kh, s.kw);
  const int64_t cost = s.oh * s.ow * s.kh * s.kw / 4 + s.h * s.w / 4 + 1;
  dispatch_float(dtype, what, [&](auto type) {
    using T = typename decltype(type)::type;
    const int64_t bytes = loops<T>().workspace(s);
    parallel_for(p.planes, 30000 / cost + 1, [&](int64_t begin, int64_t end) {
      const Scratch<char> workspace(bytes);
      run(type, s, end - begin, begin * s.h * s.w, begin * s.oh * s.ow, workspace.get());
    });
  });
}

}  // namespace

void max_pool2d(int dtype, const Pool2dParams& p, const void* x, void* out, void* taps) {
  for_planes(dtype, p, "max_pool2d",
             [&](auto type, const PoolShape& s, int64_t n, int64_t in_at, int64_t out_at, char* workspace) {
               using T = typename decltype(type)::type;
               void* to = taps == nullptr ? nullptr : static_cast<char*>(taps) + out_at * tap_bytes(s.kh, s.kw);
               loops<T>().max(s, n, static_cast<const T*>(x) + in_at, static_cast<T*>(out) + out_at, to, workspace);
             });
}

void max_pool2d_backward(int dtype, const Pool2dParams& p, const void* grad, const void* taps, void* grad_x) {
  for_planes(
      dtype, p, "max_pool2d_backward",
      [&](auto type, const PoolShape& s, int64_t n, int64_t in_at, int64_t out_at, char*) {
        using T = typename decltype(type)::type;
        const void* from = static_cast<const char*>(taps) + out_at * tap_bytes(s.kh, s.kw);
        if (!loops<T>().max_backward(s, n, static_cast<const T*>(grad) + out_at, from, static_cast<T*>(grad_x) + in_at))
          fail(TALUS_INDEX_ERROR,
               "max_pool2d_backward: a tap lies outside its window; taps must be those that max_pool2d wrote "
               "for the same shapes");
      });
}

void avg_pool2d(int dtype, const Pool2dParams& p, const void* x, void* out) {
  for_planes(dtype, p, "avg_pool2d",
             [&](auto type, const PoolShape& s, int64_t n, int64_t in_at, int64_t out_at, char* workspace) {
               using T = typename decltype(type)::type;
               loops<T>().avg(s, n, static_cast<const T*>(x) + in_at, static_cast<T*>(out) + out_at, workspace);
             });
}

void avg_pool2d_backward(int dtype, const Pool2dParams& p, const void* grad, void* grad_x) {
  for_planes(dtype, p, "avg_pool2d_backward",
             [&](auto type, const PoolShape& s, int64_t n, int64_t in_at, int64_t out_at, char* workspace) {
               using T = typename decltype(type)::type;
               loops<T>().avg_backward(s, n, static_cast<const T*>(grad) + out_at, static_cast<T*>(grad_x) + in_at,
                                       workspace);
             });
}

}  // namespace talus::cpu
