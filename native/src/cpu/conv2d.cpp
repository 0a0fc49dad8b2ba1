// Convolution and its gradients: empty shapes, the algorithm that was chosen, and the bias's gradient.
#include "cpu/conv2d_channels.h"
#include "cpu/conv2d_choice.h"
#include "cpu/conv2d_depthwise.h"
#include "cpu/conv2d_direct.h"
#include "cpu/conv2d_im2col.h"
#include "cpu/conv2d_winograd.h"
#include "cpu/conv2d_winograd1d.h"
#include "cpu/isa/conv2d_table.h"
#include "dtype.h"
#include "kernels.h"
#include "parallel.h"

namespace talus::cpu {

void conv2d(int dtype, const Conv2dParams& p, const void* x, const void* w, const void* bias,
            const Activation& activation, void* out) {
  if (p.n == 0 || p.o == 0) return;
  dispatch_float(dtype, "conv2d", [&](auto type) {
    using T = typename decltype(type)::type;
    const T *image = static_cast<const T*>(x), *weight = static_cast<const T*>(w), *b = static_cast<const T*>(bias);
    T* to = static_cast<T*>(out);
    const ConvAlgorithm algorithm = algorithm_for<T>(ConvPass::Forward, p);
    if constexpr (sizeof(T) == sizeof(float)) {
      if (algorithm == ConvAlgorithm::Winograd) return winograd_convolution(p, image, weight, b, activation, to);
      if (algorithm == ConvAlgorithm::Winograd1d) return winograd1d_convolution(p, image, weight, b, activation, to);
    }
    switch (algorithm) {
      case ConvAlgorithm::Gemm:
        return implicit_convolution(DirectShape::forward(p), image, weight, b, activation, to);
      case ConvAlgorithm::Depthwise:
        return depthwise_convolution(p, image, weight, b, activation, to);
      case ConvAlgorithm::Channels:
        return channels_convolution(p, image, weight, b, activation, to);
      default:
        return direct_convolution(DirectShape::forward(p), image, weight, false, b, activation, to);
    }
  });
}

void conv2d_backward_input(int dtype, const Conv2dParams& p, const void* grad, const void* w, void* grad_x) {
  if (p.n == 0 || p.c == 0) return;
  dispatch_float(dtype, "conv2d_backward_input", [&](auto type) {
    using T = typename decltype(type)::type;
    const T *from = static_cast<const T*>(grad), *weight = static_cast<const T*>(w);
    T* to = static_cast<T*>(grad_x);
    const ConvAlgorithm algorithm = algorithm_for<T>(ConvPass::BackwardInput, p);
    if constexpr (sizeof(T) == sizeof(float)) {
      if (algorithm == ConvAlgorithm::Winograd) return winograd_input_gradient(p, from, weight, to);
      if (algorithm == ConvAlgorithm::Winograd1d) return winograd1d_input_gradient(p, from, weight, to);
    }
    switch (algorithm) {
      case ConvAlgorithm::Gemm:
        return im2col_input_gradient(p, from, weight, to);
      case ConvAlgorithm::Depthwise:
        return depthwise_input_gradient(p, from, weight, to);
      case ConvAlgorithm::Channels:
        return channels_input_gradient(p, from, weight, to);
      default:
        if (p.stride_h != 1 || p.stride_w != 1) return direct_strided_input_gradient(p, from, weight, to);
        return direct_convolution(DirectShape::backward_input(p), from, weight, true, static_cast<const T*>(nullptr),
                                  kNoActivation, to);
    }
  });
}

void conv2d_backward_weight(int dtype, const Conv2dParams& p, const void* grad, const void* x, void* grad_w) {
  if (p.o == 0) return;
  dispatch_float(dtype, "conv2d_backward_weight", [&](auto type) {
    using T = typename decltype(type)::type;
    const T *from = static_cast<const T*>(grad), *image = static_cast<const T*>(x);
    T* to = static_cast<T*>(grad_w);
    if (p.n == 0) {
      std::fill_n(to, p.o * p.group_c() * p.kh * p.kw, T{0});
      return;
    }
    const ConvAlgorithm algorithm = algorithm_for<T>(ConvPass::BackwardWeight, p);
    if constexpr (sizeof(T) == sizeof(float)) {
      if (algorithm == ConvAlgorithm::Winograd) return winograd_weight_gradient(p, from, image, to);
    }
    switch (algorithm) {
      case ConvAlgorithm::Gemm:
        return im2col_weight_gradient(p, from, image, to);
      case ConvAlgorithm::Depthwise:
        return depthwise_weight_gradient(p, from, image, to);
      case ConvAlgorithm::Channels:
        return channels_weight_gradient(p, from, image, to);
      default:
        return direct_weight_gradient(p, from, image, to);
    }
  });
}

void conv2d_backward_bias(int dtype, const Conv2dParams& p, const void* grad, void* grad_bias) {
  dispatch_float(dtype, "conv2d_backward_bias", [&](auto type) {
    using T = typename decltype(type)::type;
    const auto& kernels = conv2d_table().of<T>();
    const int64_t area = p.out_h() * p.out_w();
    parallel_for(p.o, kConvParallelWork / 8 / (p.n * area + 1) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        double total = 0;
        for (int64_t n = 0; n < p.n; ++n)
          total += static_cast<double>(kernels.sum(area, static_cast<const T*>(grad) + (n * p.o + o) * area));
        static_cast<T*>(grad_bias)[o] = static_cast<T>(total);
      }
    });
  });
}

}  // namespace talus::cpu
