// The definition of convolution and its gradients: one loop over every product of a pixel and a weight.
#include <vector>

#include "dtype.h"
#include "kernels.h"

namespace talus::ref {
namespace {

// Calls f(x index, w index, out index) for every product of the forward pass.
template <class F>
void each_product(const Conv2dParams& p, F&& f) {
  const int64_t oh = p.out_h(), ow = p.out_w(), gc = p.group_c();
  for (int64_t n = 0; n < p.n; ++n)
    for (int64_t o = 0; o < p.o; ++o)
      for (int64_t y = 0; y < oh; ++y)
        for (int64_t x = 0; x < ow; ++x)
          for (int64_t c = 0; c < gc; ++c)
            for (int64_t i = 0; i < p.kh; ++i)
              for (int64_t j = 0; j < p.kw; ++j) {
                const int64_t row = y * p.stride_h - p.pad_h + i * p.dilation_h;
                const int64_t column = x * p.stride_w - p.pad_w + j * p.dilation_w;
                if (row < 0 || row >= p.h || column < 0 || column >= p.w) continue;
                f(((n * p.c + o / p.group_o() * gc + c) * p.h + row) * p.w + column,
                  ((o * gc + c) * p.kh + i) * p.kw + j, ((n * p.o + o) * oh + y) * ow + x);
              }
}

template <class T>
void write(const std::vector<double>& sums, void* out) {
  for (size_t i = 0; i < sums.size(); ++i) static_cast<T*>(out)[i] = static_cast<T>(sums[i]);
}

int64_t output_size(const Conv2dParams& p) { return p.n * p.o * p.out_h() * p.out_w(); }

}  // namespace

void conv2d(int dtype, const Conv2dParams& p, const void* x, const void* w, const void* bias,
            const Activation& activation, void* out) {
  dispatch_float(dtype, "conv2d", [&](auto type) {
    using T = typename decltype(type)::type;
    std::vector<double> sums(static_cast<size_t>(output_size(p)));
    each_product(p, [&](int64_t in, int64_t weight, int64_t to) {
      sums[to] += static_cast<double>(static_cast<const T*>(x)[in]) * static_cast<const T*>(w)[weight];
    });
    for (int64_t i = 0; i < output_size(p); ++i) {
      if (bias != nullptr) sums[i] += static_cast<const T*>(bias)[i / (p.out_h() * p.out_w()) % p.o];
      sums[i] = activated(activation, sums[i]);
    }
    write<T>(sums, out);
  });
}

void conv2d_backward_input(int dtype, const Conv2dParams& p, const void* grad, const void* w, void* grad_x) {
  dispatch_float(dtype, "conv2d_backward_input", [&](auto type) {
    using T = typename decltype(type)::type;
    std::vector<double> sums(static_cast<size_t>(p.n * p.c * p.h * p.w));
    each_product(p, [&](int64_t in, int64_t weight, int64_t to) {
      sums[in] += static_cast<double>(static_cast<const T*>(grad)[to]) * static_cast<const T*>(w)[weight];
    });
    write<T>(sums, grad_x);
  });
}

void conv2d_backward_weight(int dtype, const Conv2dParams& p, const void* grad, const void* x, void* grad_w) {
  dispatch_float(dtype, "conv2d_backward_weight", [&](auto type) {
    using T = typename decltype(type)::type;
    std::vector<double> sums(static_cast<size_t>(p.o * p.group_c() * p.kh * p.kw));
    each_product(p, [&](int64_t in, int64_t weight, int64_t to) {
      sums[weight] += static_cast<double>(static_cast<const T*>(grad)[to]) * static_cast<const T*>(x)[in];
    });
    write<T>(sums, grad_w);
  });
}

void conv2d_backward_bias(int dtype, const Conv2dParams& p, const void* grad, void* grad_bias) {
  dispatch_float(dtype, "conv2d_backward_bias", [&](auto type) {
    using T = typename decltype(type)::type;
    std::vector<double> sums(static_cast<size_t>(p.o));
    for (int64_t i = 0; i < output_size(p); ++i)
      sums[i / (p.out_h() * p.out_w()) % p.o] += static_cast<double>(static_cast<const T*>(grad)[i]);
    write<T>(sums, grad_bias);
  });
}

}  // namespace talus::ref
