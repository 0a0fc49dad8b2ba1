// Optimizer steps, in the order of operations and with the roundings of PyTorch's loops over whole tensors.
//
// The usual steps are one loop each. With rarer options, elements go through the steps of the formula in blocks that
// stay in the first-level cache, so that each option is a loop of its own that vectorises, not a branch in one.
#include "cpu/isa/optim_table.h"

namespace talus::TALUS_ISA_NS {
namespace {

constexpr int64_t kBlock = 512;

// `g` += `scale` * `x`.
template <class T>
void add_scaled(int64_t n, T* __restrict g, double scale, const T* __restrict x) {
  const T s = static_cast<T>(scale);
  for (int64_t i = 0; i < n; ++i) g[i] += s * x[i];
}

// The gradient a step goes by: its sign turned to maximise, the weights' share added.
template <class T>
void effective_gradient(int64_t n, const T* __restrict param, const T* __restrict grad, bool maximize,
                        double weight_decay, T* __restrict g) {
  const T sign = maximize ? T(-1) : T(1);
  for (int64_t i = 0; i < n; ++i) g[i] = sign * grad[i];
  if (weight_decay != 0) add_scaled(n, g, weight_decay, param);
}

// The usual steps. Loops over blocks would read memory in short runs of each array in turn.
template <class T, bool Decay>
void sgd_plain(int64_t n, T minus_lr, T decay, T* __restrict param, const T* __restrict grad) {
  for (int64_t i = 0; i < n; ++i) {
    const T g = Decay ? grad[i] + decay * param[i] : grad[i];
    param[i] += minus_lr * g;
  }
}

template <class T, bool Decay>
void sgd_momentum(int64_t n, T minus_lr, T decay, T momentum, T fresh, T* __restrict param, const T* __restrict grad,
                  T* __restrict buffer) {
  for (int64_t i = 0; i < n; ++i) {
    const T g = Decay ? grad[i] + decay * param[i] : grad[i];
    const T moved = momentum * buffer[i] + fresh * g;
    buffer[i] = moved;
    param[i] += minus_lr * moved;
  }
}

template <class T>
void sgd_block(const SgdStep& step, int64_t n, T* __restrict param, const T* __restrict grad, T* __restrict buffer) {
  T g[kBlock];
  effective_gradient(n, param, grad, step.maximize, step.weight_decay, g);
  if (buffer == nullptr) return add_scaled<T>(n, param, -step.lr, g);
  if (step.first) {
    for (int64_t i = 0; i < n; ++i) buffer[i] = g[i];
  } else {
    const T momentum = static_cast<T>(step.momentum), fresh = static_cast<T>(1 - step.dampening);
    for (int64_t i = 0; i < n; ++i) buffer[i] = momentum * buffer[i] + fresh * g[i];
  }
  if (!step.nesterov) return add_scaled<T>(n, param, -step.lr, buffer);
  add_scaled(n, g, step.momentum, buffer);
  add_scaled<T>(n, param, -step.lr, g);
}

// PyTorch interpolates between average and gradient from the nearer end.
bool near_average(const AdamStep& step) { return 1 - step.beta1 < 0.5; }

float root(float x) { return __builtin_sqrtf(x); }
double root(double x) { return __builtin_sqrt(x); }

// Adam and AdamW: the divisions and the root of one element run while memory brings the next ones.
template <class T, bool Decay>
void adam_plain(const AdamStep& step, int64_t n, T* __restrict param, const T* __restrict grad, T* __restrict average,
                T* __restrict square) {
  const T fresh1 = static_cast<T>(1 - step.beta1), beta2 = static_cast<T>(step.beta2);
  const T fresh2 = static_cast<T>(1 - step.beta2), decay = static_cast<T>(step.weight_decay);
  const T shrink = static_cast<T>(step.shrink), minus_step = static_cast<T>(-step.step_size);
  const T correction = static_cast<T>(step.root_of_correction2), eps = static_cast<T>(step.eps);
  for (int64_t i = 0; i < n; ++i) {
    const T g = Decay ? grad[i] + decay * param[i] : grad[i];
    const T first = average[i] + fresh1 * (g - average[i]);
    const T second = beta2 * square[i] + (fresh2 * g) * g;
    average[i] = first;
    square[i] = second;
    param[i] = param[i] * shrink + minus_step * first / (root(second) / correction + eps);
  }
}

template <class T>
void adam_block(const AdamStep& step, int64_t n, T* __restrict param, const T* __restrict grad, T* __restrict average,
                T* __restrict square, T* __restrict max_square) {
  T g[kBlock];
  effective_gradient(n, param, grad, step.maximize, step.weight_decay, g);
  const T fresh1 = static_cast<T>(1 - step.beta1), beta2 = static_cast<T>(step.beta2);
  const T fresh2 = static_cast<T>(1 - step.beta2);
  if (near_average(step)) {
    for (int64_t i = 0; i < n; ++i) average[i] += fresh1 * (g[i] - average[i]);
  } else {
    const T old1 = T(1) - fresh1;
    for (int64_t i = 0; i < n; ++i) average[i] = g[i] - (g[i] - average[i]) * old1;
  }
  for (int64_t i = 0; i < n; ++i) square[i] = beta2 * square[i] + (fresh2 * g[i]) * g[i];
  const T* second = square;
  if (max_square != nullptr) {
    for (int64_t i = 0; i < n; ++i) {
      const T kept = max_square[i], now = square[i];
      // A NaN stays, an arriving one comes in.
      max_square[i] = ((now > kept) | (now != now)) ? now : kept;
    }
    second = max_square;
  }
  const T shrink = static_cast<T>(step.shrink), minus_step = static_cast<T>(-step.step_size);
  const T correction = static_cast<T>(step.root_of_correction2), eps = static_cast<T>(step.eps);
  for (int64_t i = 0; i < n; ++i) {
    const T denominator = root(second[i]) / correction + eps;
    param[i] = param[i] * shrink + minus_step * average[i] / denominator;
  }
}

template <class T>
T* at(T* array, int64_t i) {
  return array == nullptr ? nullptr : array + i;
}

template <class T>
void sgd(const SgdStep& step, int64_t n, T* param, const T* grad, T* buffer) {
  const T minus_lr = static_cast<T>(-step.lr), decay = static_cast<T>(step.weight_decay);
  if (!step.maximize && buffer == nullptr)
    return step.weight_decay != 0 ? sgd_plain<T, true>(n, minus_lr, decay, param, grad)
                                  : sgd_plain<T, false>(n, minus_lr, decay, param, grad);
  if (!step.maximize && !step.first && !step.nesterov) {
    const T momentum = static_cast<T>(step.momentum), fresh = static_cast<T>(1 - step.dampening);
    return step.weight_decay != 0 ? sgd_momentum<T, true>(n, minus_lr, decay, momentum, fresh, param, grad, buffer)
                                  : sgd_momentum<T, false>(n, minus_lr, decay, momentum, fresh, param, grad, buffer);
  }
  for (int64_t i = 0; i < n; i += kBlock)
    sgd_block(step, n - i < kBlock ? n - i : kBlock, param + i, grad + i, at(buffer, i));
}

template <class T>
void adam(const AdamStep& step, int64_t n, T* param, const T* grad, T* average, T* square, T* max_square) {
  if (!step.maximize && max_square == nullptr && near_average(step))
    return step.weight_decay != 0 ? adam_plain<T, true>(step, n, param, grad, average, square)
                                  : adam_plain<T, false>(step, n, param, grad, average, square);
  for (int64_t i = 0; i < n; i += kBlock)
    adam_block(step, n - i < kBlock ? n - i : kBlock, param + i, grad + i, average + i, square + i, at(max_square, i));
}

}  // namespace

extern const OptimTable optim_table;
const OptimTable optim_table = {{sgd<float>, adam<float>}, {sgd<double>, adam<double>}};

}  // namespace talus::TALUS_ISA_NS
