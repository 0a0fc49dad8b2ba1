// Pooling: planes are independent, so they are what the threads share.
#include <algorithm>
#include <type_traits>

#include "caches.h"
#include "cpu/isa/elementwise_table.h"
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

// Planes that are written are collected in a core's caches, so many bytes or one plane that is not much larger, and
// pass the others from there. Gradients of windows that overlap compute more than they move, and lose by it.
constexpr int64_t kCollected = 16 << 10, kLargestPlane = 128 << 10, kLine = 64;

bool collects(const PoolShape& s) { return s.far && s.kh <= s.stride_h && s.kw <= s.stride_w; }

// Calls write(first, n, to) for runs of n of `planes` planes, and puts what it wrote at `to` to its place behind x.
template <class T, class F>
void write_planes(int64_t planes, const PoolShape& s, T* x, F&& write) {
  const int64_t area = s.h * s.w, bytes = area * int64_t{sizeof(T)};
  const int64_t some = bytes == 0 ? 1 : std::max<int64_t>(1, kCollected / bytes);
  if (!collects(s) || bytes > kLargestPlane || bytes % kLine != 0 || reinterpret_cast<uintptr_t>(x) % kLine != 0)
    return write(int64_t{0}, planes, x);
  const Scratch<T> collected(some * area);
  for (int64_t first = 0; first < planes; first += some) {
    const int64_t n = std::min(some, planes - first);
    write(first, n, collected.get());
    elementwise_table().stream(n * bytes, collected.get(), x + first * area);
  }
  elementwise_table().stream_end();
}

// Calls run(type, shape, n, input offset, output offset, workspace) for runs of n planes. Items of work are window
// elements, of which a thread gets about 30 microseconds' worth.
template <class F>
void for_planes(int dtype, const Pool2dParams& p, const char* what, F&& run) {
  PoolShape s = shape_of(p);
  check_window(what, s.kh, s.kw);
  const int64_t cost = s.oh * s.ow * s.kh * s.kw / 4 + s.h * s.w / 4 + 1;
  dispatch_float(dtype, what, [&](auto type) {
    using T = typename decltype(type)::type;
    const int64_t bytes = loops<T>().workspace(s);
    s.far = passes_caches(p.planes * s.h * s.w * int64_t{sizeof(T)});
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
  for_planes(dtype, p, "max_pool2d_backward",
             [&](auto type, const PoolShape& s, int64_t n, int64_t in_at, int64_t out_at, char*) {
               using T = typename decltype(type)::type;
               const int64_t outputs = s.oh * s.ow;
               write_planes(n, s, static_cast<T*>(grad_x) + in_at, [&](int64_t first, int64_t count, T* to) {
                 const int64_t at = out_at + first * outputs;
                 const void* from = static_cast<const char*>(taps) + at * tap_bytes(s.kh, s.kw);
                 if (!loops<T>().max_backward(s, count, static_cast<const T*>(grad) + at, from, to))
                   fail(TALUS_INDEX_ERROR,
                        "max_pool2d_backward: a tap lies outside its window; taps must be those that max_pool2d wrote "
                        "for the same shapes");
               });
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
               write_planes(n, s, static_cast<T*>(grad_x) + in_at, [&](int64_t first, int64_t count, T* to) {
                 loops<T>().avg_backward(s, count, static_cast<const T*>(grad) + out_at + first * s.oh * s.ow, to,
                                         workspace);
               });
             });
}

}  // namespace talus::cpu
