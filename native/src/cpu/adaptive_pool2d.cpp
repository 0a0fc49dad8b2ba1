// Adaptive average pooling.
#include "cpu/isa/adaptive_pool2d_table.h"
#include "dtype.h"
#include "kernels.h"
#include "memory.h"
#include "parallel.h"
#include "pool2d_rules.h"

namespace talus::cpu {
namespace {

// Calls run(loops, n, input offset, output offset, line) for runs of n planes, about 30 microseconds' worth each.
template <class F>
void for_planes(int dtype, const AdaptivePool2dParams& p, const char* what, F&& run) {
  const int64_t in = p.h * p.w, out = p.out_h * p.out_w, cost = in + 4 * out + p.out_h * p.w;
  dispatch_float(dtype, what, [&](auto type) {
    using T = typename decltype(type)::type;
    const AdaptivePool2dTable& table = adaptive_pool2d_table();
    parallel_for(p.planes, 30000 / cost + 1, [&](int64_t begin, int64_t end) {
      const Scratch<T> line(p.w);
      if constexpr (sizeof(T) == 4)
        run(type, table.f32, end - begin, begin * in, begin * out, line.get());
      else
        run(type, table.f64, end - begin, begin * in, begin * out, line.get());
    });
  });
}

}  // namespace

void adaptive_avg_pool2d(int dtype, const AdaptivePool2dParams& p, const void* x, void* out) {
  if (even_windows(p)) return avg_pool2d(dtype, average_windows(p), x, out);
  for_planes(dtype, p, "adaptive_avg_pool2d",
             [&](auto type, const auto& loops, int64_t n, int64_t in_at, int64_t out_at, auto* line) {
               using T = typename decltype(type)::type;
               loops.avg(n, p.h, p.w, p.out_h, p.out_w, static_cast<const T*>(x) + in_at, static_cast<T*>(out) + out_at,
                         line);
             });
}

void adaptive_avg_pool2d_backward(int dtype, const AdaptivePool2dParams& p, const void* grad, void* grad_x) {
  if (even_windows(p)) return avg_pool2d_backward(dtype, average_windows(p), grad, grad_x);
  for_planes(dtype, p, "adaptive_avg_pool2d_backward",
             [&](auto type, const auto& loops, int64_t n, int64_t in_at, int64_t out_at, auto* line) {
               using T = typename decltype(type)::type;
               loops.avg_backward(n, p.h, p.w, p.out_h, p.out_w, static_cast<const T*>(grad) + out_at,
                                  static_cast<T*>(grad_x) + in_at, line);
             });
}

}  // namespace talus::cpu
