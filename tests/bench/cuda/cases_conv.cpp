// Convolutions: every distinct layer of ResNet-50, and MobileNet's depthwise ones, with their gradients, for 32 images.
// ResNet-50's are there twice: in float32, and with operands rounded to TF32.
#include <algorithm>
#include <cstring>

#include "../native/shapes.h"
#include "cases.h"
#include "kernels.h"
#include "precision.h"

namespace bench {

namespace {

enum Pass { kForward, kGradX, kGradW };
const char* const kPassNames[] = {"forward", "grad x", "grad w"};
const char* const kPassKeys[] = {"conv_forward", "conv_grad_x", "conv_grad_w"};

// ResNet-50 shares its first layer and the 3x3 ones of stride 1 with ResNet-18.
bool in_resnet50(const Layer& l) {
  if (std::strcmp(l.net, "resnet50") == 0) return true;
  return std::strcmp(l.net, "resnet18") == 0 && (l.c == 3 || (l.c == l.o && l.kernel == 3 && l.stride == 1));
}

// tf32: with as many channels as the rule for tensor cores asks for.
Layer shrunk(Layer l, bool tf32) {
  const int64_t lanes = l.groups > 1 ? 4 : 1, least = tf32 ? 16 : 4;
  if (l.groups > 1) l.groups = lanes;
  l.c = l.c == 3 ? 3 : l.groups > 1 ? lanes : least + l.c / 256;
  l.o = l.groups > 1 ? lanes : least + l.o / 256;
  l.size = std::min<int64_t>(l.size, 5 + l.size / 14);
  return l;
}

talus::Conv2dParams params_of(int64_t n, const Layer& l) {
  const int64_t params[TALUS_CONV_PARAMS] = {n,        l.c,      l.size, l.size, l.o, l.kernel, l.kernel,
                                             l.stride, l.stride, l.pad,  l.pad,  1,   1,        l.groups};
  return talus::Conv2dParams(params);
}

// The call, in which float32 may be rounded to TF32.
template <class Call>
auto rounding(Call call) {
  return [call](auto kernel, const Addresses& at) {
    talus::set_conv_fp32_precision(TALUS_PRECISION_HIGH);
    call(kernel, at);
    talus::set_conv_fp32_precision(TALUS_PRECISION_HIGHEST);
  };
}

Problem problem_of(Pass pass, bool tf32, const talus::Conv2dParams& c) {
  Problem p;
  const auto kernel = [&](auto device, auto reference, auto call) {
    tf32 ? p.kernel(device, reference, rounding(call)) : p.kernel(device, reference, call);
  };
  // Each factor is off by up to 2^-11 of itself.
  if (tf32) p.tolerance = 2e-3;
  const int64_t x_size = c.n * c.c * c.h * c.w, w_size = c.o * c.group_c() * c.kh * c.kw;
  const int64_t out_size = c.n * c.o * c.out_h() * c.out_w();
  if (pass == kForward) {
    p.input(x_size), p.input(w_size), p.output(out_size);
    kernel(talus::cuda::conv2d, talus::ref::conv2d, [c](auto conv2d, const Addresses& at) {
      conv2d(TALUS_FLOAT32, c, at[0], at[1], nullptr, talus::kNoActivation, at[2]);
    });
  } else if (pass == kGradX) {
    p.input(out_size), p.input(w_size), p.output(x_size);
    kernel(talus::cuda::conv2d_backward_input, talus::ref::conv2d_backward_input,
           [c](auto gradient, const Addresses& at) { gradient(TALUS_FLOAT32, c, at[0], at[1], at[2]); });
  } else {
    p.input(out_size), p.input(x_size), p.output(w_size);
    kernel(talus::cuda::conv2d_backward_weight, talus::ref::conv2d_backward_weight,
           [c](auto gradient, const Addresses& at) { gradient(TALUS_FLOAT32, c, at[0], at[1], at[2]); });
  }
  // Depthwise layers do so few multiplications that memory limits them.
  if (c.group_c() == 1)
    p.count_operands();
  else
    p.count_flops(2.0 * static_cast<double>(out_size) * static_cast<double>(c.group_c() * c.kh * c.kw));
  return p;
}

Case case_of(Pass pass, bool tf32, int64_t n, const Layer& l) {
  const bool depthwise = l.groups == l.c;
  Case c;
  c.family = depthwise ? "depthwise" : tf32 ? "conv tf32" : "conv";
  c.label = std::string(kPassNames[pass]) + " c" + std::to_string(l.c) + " " + std::to_string(l.size) + "x" +
            std::to_string(l.size) + " o" + std::to_string(l.o) + " k" + std::to_string(l.kernel) + " s" +
            std::to_string(l.stride);
  c.torch = torch_work((kPassKeys[pass] + std::string(tf32 ? "_tf32" : "")).c_str(), n, l.c, l.size, l.o, l.kernel,
                       l.stride, l.pad, l.groups);
  c.make = [=] { return problem_of(pass, tf32, params_of(n, l)); };
  c.tensor_cores = tf32;
  // Of cuDNN's TF32 nothing was agreed.
  if (!depthwise && !tf32) c.of_torch = 0.75;
  return c;
}

// Sums over images and positions, of which only the gradient's sizes matter.
Case bias_case(int64_t n, int64_t o, int64_t size) {
  Case c;
  c.family = "conv";
  c.label = "grad bias o" + std::to_string(o) + " " + std::to_string(size) + "x" + std::to_string(size);
  c.torch = torch_work("conv_grad_bias", n, o, size);
  c.make = [=] {
    const int64_t params[TALUS_CONV_PARAMS] = {n, 1, size, size, o, 1, 1, 1, 1, 0, 0, 1, 1, 1};
    const talus::Conv2dParams conv(params);
    Problem p;
    p.input(n * o * size * size), p.output(o);
    p.kernel(talus::cuda::conv2d_backward_bias, talus::ref::conv2d_backward_bias,
             [conv](auto gradient, const Addresses& at) { gradient(TALUS_FLOAT32, conv, at[0], at[1]); });
    p.count_operands();
    // A sum of many numbers around zero is small beside its rounding errors.
    p.tolerance = 1e-3;
    return p;
  };
  return c;
}

}  // namespace

std::vector<Case> conv_cases(bool small) {
  std::vector<Case> cases;
  for (const bool tf32 : {false, true})
    for (const Layer& full : kLayers) {
      const bool depthwise = full.groups == full.c;
      if (depthwise ? tf32 : !in_resnet50(full)) continue;
      const Layer l = small ? shrunk(full, tf32) : full;
      for (const Pass pass : {kForward, kGradX, kGradW}) {
        // Nobody asks for the gradient of the images.
        if (pass == kGradX && l.c == 3) continue;
        cases.push_back(case_of(pass, tf32, small ? 2 : 32, l));
      }
    }
  cases.push_back(small ? bias_case(2, 5, 9) : bias_case(32, 64, 112));
  cases.push_back(small ? bias_case(3, 20, 3) : bias_case(32, 2048, 7));
  return cases;
}

}  // namespace bench
