// Pooling, as ResNet-50 and its like do it.
#include "cases.h"
#include "kernels.h"

namespace bench {

namespace {

constexpr int kFloat = TALUS_FLOAT32;

struct Window {
  int64_t planes, size, kernel, stride, pad;
};

talus::Pool2dParams params_of(const Window& w) {
  const int64_t params[TALUS_POOL_PARAMS] = {w.planes, w.size, w.size, w.kernel, w.kernel, w.stride, w.stride,
                                             w.pad,    w.pad,  1,      1,        0,        1,        0};
  return talus::Pool2dParams(params);
}

Case row(const char* what, const char* key, const Window& w, std::function<Problem()> make) {
  Case c;
  c.family = "pooling";
  c.label = std::string(what) + " " + std::to_string(w.planes) + " of " + std::to_string(w.size) + "x" +
            std::to_string(w.size) + " k" + std::to_string(w.kernel) + " s" + std::to_string(w.stride);
  c.torch = torch_work(key, w.planes, w.size, w.kernel, w.stride, w.pad);
  c.of_ceiling = kBandwidthTarget;
  c.make = std::move(make);
  return c;
}

Case max_case(const Window& w) {
  return row("max", "max_pool", w, [=] {
    const talus::Pool2dParams q = params_of(w);
    const int64_t out = q.planes * q.out_h() * q.out_w();
    Problem p;
    p.input(q.planes * q.h * q.w), p.output(out), p.byte_output(out);
    p.kernel(talus::cuda::max_pool2d, talus::ref::max_pool2d,
             [=](auto pool, const Addresses& at) { pool(kFloat, q, at[0], at[1], at[2]); });
    p.count_operands();
    return p;
  });
}

Case max_backward_case(const Window& w) {
  return row("max gradient", "max_pool_backward", w, [=] {
    const talus::Pool2dParams q = params_of(w);
    const int64_t out = q.planes * q.out_h() * q.out_w();
    Problem p;
    // The middle of a window lies in the input, so these taps could have been chosen.
    p.input(out), p.bytes(out, 1), p.output(q.planes * q.h * q.w);
    const int middle = static_cast<int>(w.kernel / 2 * (w.kernel + 1));
    p.operands[1].low = middle, p.operands[1].high = middle + 1;
    p.kernel(talus::cuda::max_pool2d_backward, talus::ref::max_pool2d_backward,
             [=](auto gradient, const Addresses& at) { gradient(kFloat, q, at[0], at[1], at[2]); });
    p.count_operands();
    return p;
  });
}

Case average_case(bool backward, const Window& w) {
  return row(backward ? "average gradient" : "average", backward ? "avg_pool_backward" : "avg_pool", w, [=] {
    const talus::Pool2dParams q = params_of(w);
    const int64_t in = q.planes * q.h * q.w, out = q.planes * q.out_h() * q.out_w();
    Problem p;
    p.input(backward ? out : in), p.output(backward ? in : out);
    p.kernel(backward ? talus::cuda::avg_pool2d_backward : talus::cuda::avg_pool2d,
             backward ? talus::ref::avg_pool2d_backward : talus::ref::avg_pool2d,
             [=](auto pool, const Addresses& at) { pool(kFloat, q, at[0], at[1]); });
    p.count_operands();
    return p;
  });
}

Case global_case(bool backward, int64_t planes, int64_t size) {
  return row(backward ? "global average gradient" : "global average", backward ? "global_pool_backward" : "global_pool",
             {planes, size, size, size, 0}, [=] {
               const talus::AdaptivePool2dParams q = {planes, size, size, 1, 1};
               const int64_t in = planes * size * size;
               Problem p;
               p.input(backward ? planes : in), p.output(backward ? in : planes);
               p.kernel(backward ? talus::cuda::adaptive_avg_pool2d_backward : talus::cuda::adaptive_avg_pool2d,
                        backward ? talus::ref::adaptive_avg_pool2d_backward : talus::ref::adaptive_avg_pool2d,
                        [=](auto pool, const Addresses& at) { pool(kFloat, q, at[0], at[1]); });
               p.count_operands();
               return p;
             });
}

}  // namespace

std::vector<Case> pool_cases(bool small) {
  const Window first = small ? Window{4, 11, 3, 2, 1} : Window{32 * 64, 112, 3, 2, 1};
  const Window half = small ? Window{4, 12, 2, 2, 0} : Window{32 * 256, 56, 2, 2, 0};
  return {max_case(first),
          max_case(half),
          max_backward_case(first),
          max_backward_case(half),
          average_case(false, half),
          average_case(true, half),
          small ? global_case(false, 9, 5) : global_case(false, 256 * 2048, 7),
          small ? global_case(true, 9, 5) : global_case(true, 256 * 2048, 7)};
}

}  // namespace bench
