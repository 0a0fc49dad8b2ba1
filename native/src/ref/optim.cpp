// The formulas of the pages torch.optim.SGD and torch.optim.Adam of PyTorch's documentation, element by element.
#include <cmath>

#include "dtype.h"
#include "kernels.h"

namespace talus::ref {
namespace {

// Calls body(type, tensor, element) for every element of every tensor.
template <class F>
void for_each_element(int dtype, const char* what, int count, const int64_t* numels, F&& body) {
  dispatch_float(dtype, what, [&](auto type) {
    for (int t = 0; t < count; ++t)
      for (int64_t i = 0; i < numels[t]; ++i) body(type, t, i);
  });
}

template <class T>
T& value(const int64_t* addresses, int tensor, int64_t i) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(addresses[tensor]))[i];
}

}  // namespace

void sgd_step(int dtype, int count, const int64_t* numels, const int64_t* params, const int64_t* grads,
              const int64_t* buffers, double lr, double momentum, double dampening, double weight_decay, bool nesterov,
              bool maximize, bool first) {
  for_each_element(dtype, "sgd_step", count, numels, [&](auto type, int t, int64_t i) {
    using T = typename decltype(type)::type;
    const double theta = value<T>(params, t, i), raw = value<T>(grads, t, i);
    double g = (maximize ? -raw : raw) + weight_decay * theta;
    if (buffers != nullptr) {
      const double b = first ? g : momentum * value<T>(buffers, t, i) + (1 - dampening) * g;
      value<T>(buffers, t, i) = static_cast<T>(b);
      g = nesterov ? g + momentum * b : b;
    }
    value<T>(params, t, i) = static_cast<T>(theta - lr * g);
  });
}

void adam_step(int dtype, int count, const int64_t* numels, const int64_t* params, const int64_t* grads,
               const int64_t* averages, const int64_t* squares, const int64_t* max_squares, double lr, double beta1,
               double beta2, double eps, double weight_decay, bool decoupled, bool maximize, int64_t step) {
  for_each_element(dtype, "adam_step", count, numels, [&](auto type, int t, int64_t i) {
    using T = typename decltype(type)::type;
    double theta = value<T>(params, t, i), g = value<T>(grads, t, i);
    if (maximize) g = -g;
    if (decoupled) theta -= lr * weight_decay * theta;
    if (!decoupled) g += weight_decay * value<T>(params, t, i);
    const double m = beta1 * value<T>(averages, t, i) + (1 - beta1) * g;
    const double v = beta2 * value<T>(squares, t, i) + (1 - beta2) * g * g;
    value<T>(averages, t, i) = static_cast<T>(m);
    value<T>(squares, t, i) = static_cast<T>(v);
    double second = v;
    if (max_squares != nullptr) {
      const double kept = value<T>(max_squares, t, i);
      second = std::isnan(v) || v > kept ? v : kept;
      value<T>(max_squares, t, i) = static_cast<T>(second);
    }
    const double m_hat = m / (1 - std::pow(beta1, static_cast<double>(step)));
    const double v_hat = second / (1 - std::pow(beta2, static_cast<double>(step)));
    value<T>(params, t, i) = static_cast<T>(theta - lr * m_hat / (std::sqrt(v_hat) + eps));
  });
}

}  // namespace talus::ref
