// The gradient of a convolution's input. At stride 1 it is a direct convolution of the output's gradient; otherwise
// the weights times the gradient give every patch's gradient, image by image, and the patches are added up.
#include "cpu/conv2d_direct.h"
#include "dtype.h"
#include "kernels.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// Output positions o with 0 <= o * stride + shift < size, as [begin, end).
struct Range {
  int64_t begin, end;
  Range(int64_t shift, int64_t stride, int64_t size, int64_t outputs)
      : begin(shift >= 0 ? 0 : (-shift + stride - 1) / stride),
        end(shift >= size ? 0 : std::min(outputs, (size - 1 - shift) / stride + 1)) {}
};

// Adds the patches [C/groups * KH * KW, OH * OW] onto the planes [C/groups, H, W] of one group.
template <class T>
void add_patches(const Conv2dParams& p, const T* patches, T* planes) {
  const int64_t oh = p.out_h(), ow = p.out_w();
  for (int64_t c = 0; c < p.group_c(); ++c, planes += p.h * p.w)
    for (int64_t i = 0; i < p.kh; ++i)
      for (int64_t j = 0; j < p.kw; ++j, patches += oh * ow) {
        const int64_t row_shift = i * p.dilation_h - p.pad_h, column_shift = j * p.dilation_w - p.pad_w;
        const Range rows(row_shift, p.stride_h, p.h, oh), columns(column_shift, p.stride_w, p.w, ow);
        for (int64_t r = rows.begin; r < rows.end; ++r) {
          T* to = planes + (r * p.stride_h + row_shift) * p.w + column_shift;
          const T* from = patches + r * ow;
          for (int64_t q = columns.begin; q < columns.end; ++q) to[q * p.stride_w] += from[q];
        }
      }
}

template <class T>
void strided(int dtype, const Conv2dParams& p, const T* grad, const T* w, T* grad_x) {
  const int64_t area = p.out_h() * p.out_w(), taps = p.group_c() * p.kh * p.kw;
  const int64_t work = p.o * taps * area + 1;
  parallel_for(p.n, kConvParallelWork / work + 1, [&](int64_t begin, int64_t end) {
    const Scratch<T> patches(taps * area);
    std::fill(grad_x + begin * p.c * p.h * p.w, grad_x + end * p.c * p.h * p.w, T{0});
    for (int64_t n = begin; n < end; ++n)
      for (int64_t g = 0; g < p.groups; ++g) {
        const int64_t o = g * p.group_o();
        gemm(dtype, {1, true, false, taps, area, p.group_o(), 1, w + o * taps, taps, 0, grad + (n * p.o + o) * area,
                     area, 0, 0, patches.get(), area, 0, nullptr, TALUS_EPILOGUE_NONE});
        add_patches(p, patches.get(), grad_x + (n * p.c + g * p.group_c()) * p.h * p.w);
      }
  });
}

}  // namespace

void conv2d_backward_input(int dtype, const Conv2dParams& p, const void* grad, const void* w, void* grad_x) {
  if (p.n == 0 || p.c == 0) return;
  dispatch_float(dtype, "conv2d_backward_input", [&](auto type) {
    using T = typename decltype(type)::type;
    const T* from = static_cast<const T*>(grad);
    const T* weight = static_cast<const T*>(w);
    if (p.stride_h == 1 && p.stride_w == 1) {
      direct_convolution(DirectShape::backward_input(p), from, weight, true, static_cast<const T*>(nullptr), false,
                         static_cast<T*>(grad_x));
    } else {
      strided(dtype, p, from, weight, static_cast<T*>(grad_x));
    }
  });
}

}  // namespace talus::cpu
