// Optimizer steps: one launch for many tensors, whose addresses travel with the kernel's parameters. Blocks are handed
// out tensor by tensor; each does one run of elements.
#include <type_traits>

#include "cuda/graph.h"
#include "cuda/map.cuh"
#include "cuda/math.cuh"
#include "dtype.h"
#include "kernels.h"
#include "optim_rules.h"

namespace talus::cuda {

namespace {

constexpr int kThreads = 256;
// Elements of a block: what keeps its threads busy for a while, and small tensors from wasting many.
constexpr int kRun = 4096;
// Tensors of a launch; all that a kernel is given must fit 4096 bytes.
constexpr int kTensors = 64;

// In the order of the kernel's loads: parameter, gradient, then the optimizer's own.
template <class T, int Arrays>
struct Tensors {
  T* at[Arrays][kTensors];
  int64_t numel[kTensors];
  uint32_t end[kTensors];  // one past the last block of each tensor
};

template <class T>
__device__ __forceinline__ static T root(T x) {
  return math::sqrt(x);
}

// v: parameter, gradient, momentum buffer if Momentum.
template <class T, bool Momentum>
struct Sgd {
  static constexpr int kArrays = Momentum ? 3 : 2;
  T minus_lr, momentum, fresh, decay;
  bool nesterov, maximize, first;

  explicit Sgd(const SgdStep& s)
      : minus_lr(static_cast<T>(-s.lr)),
        momentum(static_cast<T>(s.momentum)),
        fresh(static_cast<T>(1 - s.dampening)),
        decay(static_cast<T>(s.weight_decay)),
        nesterov(s.nesterov),
        maximize(s.maximize),
        first(s.first) {}

  __device__ void operator()(T (&v)[kArrays]) const {
    T g = maximize ? -v[1] : v[1];
    // Not with a decay of 0: weights may be infinite.
    if (decay != T(0)) g += decay * v[0];
    if constexpr (Momentum) {
      const T moved = first ? g : momentum * v[2] + fresh * g;
      v[2] = moved;
      g = nesterov ? g + momentum * moved : moved;
    }
    v[0] += minus_lr * g;
  }
};

// v: parameter, gradient, average, square, greatest square so far if Amsgrad.
template <class T, bool Amsgrad>
struct Adam {
  static constexpr int kArrays = Amsgrad ? 5 : 4;
  T fresh1, beta2, fresh2, decay, shrink, minus_step, correction, eps;
  bool near_average, maximize;

  explicit Adam(const AdamStep& s)
      : fresh1(static_cast<T>(1 - s.beta1)),
        beta2(static_cast<T>(s.beta2)),
        fresh2(static_cast<T>(1 - s.beta2)),
        decay(static_cast<T>(s.weight_decay)),
        shrink(static_cast<T>(s.shrink)),
        minus_step(static_cast<T>(-s.step_size)),
        correction(static_cast<T>(s.root_of_correction2)),
        eps(static_cast<T>(s.eps)),
        near_average(1 - s.beta1 < 0.5),
        maximize(s.maximize) {}

  __device__ void operator()(T (&v)[kArrays]) const {
    T g = maximize ? -v[1] : v[1];
    if (decay != T(0)) g += decay * v[0];
    // PyTorch interpolates between average and gradient from the nearer end.
    const T away = g - v[2];
    v[2] = near_average ? v[2] + fresh1 * away : g - away * (T(1) - fresh1);
    v[3] = beta2 * v[3] + (fresh2 * g) * g;
    T second = v[3];
    if constexpr (Amsgrad) {
      // A NaN stays, an arriving one comes in.
      second = v[3] > v[4] || v[3] != v[3] ? v[3] : v[4];
      v[4] = second;
    }
    v[0] = v[0] * shrink + minus_step * v[2] / (root(second) / correction + eps);
  }
};

// N elements from `at` on, all arrays but the gradient written back.
template <int N, class T, class Step>
__device__ __forceinline__ static void step_pack(const Step& step, T* const (&array)[Step::kArrays], int64_t at) {
  Pack<T, N> packs[Step::kArrays];
#pragma unroll
  for (int a = 0; a < Step::kArrays; ++a) packs[a] = *reinterpret_cast<const Pack<T, N>*>(array[a] + at);
#pragma unroll
  for (int i = 0; i < N; ++i) {
    T v[Step::kArrays];
#pragma unroll
    for (int a = 0; a < Step::kArrays; ++a) v[a] = packs[a].values[i];
    step(v);
#pragma unroll
    for (int a = 0; a < Step::kArrays; ++a) packs[a].values[i] = v[a];
  }
#pragma unroll
  for (int a = 0; a < Step::kArrays; ++a)
    if (a != 1) *reinterpret_cast<Pack<T, N>*>(array[a] + at) = packs[a];
}

template <class T, class Step>
__global__ void __launch_bounds__(kThreads)
    step_tensors(Step step, const Step* kept, Tensors<T, Step::kArrays> tensors, int count) {
  if (kept != nullptr) step = *kept;
  // The first tensor that ends beyond this block.
  int i = 0;
  for (int half = kTensors / 2; half > 0; half /= 2)
    if (i + half <= count && tensors.end[i + half - 1] <= blockIdx.x) i += half;
  constexpr int kPack = static_cast<int>(16 / sizeof(T));
  T* array[Step::kArrays];
  bool aligned = true;
#pragma unroll
  for (int a = 0; a < Step::kArrays; ++a) {
    array[a] = tensors.at[a][i];
    aligned = aligned && reinterpret_cast<uintptr_t>(array[a]) % 16 == 0;
  }
  const int64_t begin = int64_t{blockIdx.x - (i == 0 ? 0 : tensors.end[i - 1])} * kRun;
  const int64_t end = begin + kRun < tensors.numel[i] ? begin + kRun : tensors.numel[i];
  int64_t at = begin;
  if (aligned) {
    for (at += static_cast<int>(threadIdx.x) * kPack; at + kPack <= end; at += kThreads * kPack)
      step_pack<kPack>(step, array, at);
    at = end - (end - begin) % kPack;
  }
  for (at += threadIdx.x; at < end; at += kThreads) step_pack<1>(step, array, at);
}

template <class Step>
__global__ void set_parameters(Step step, Step* kept) {
  *kept = step;
}

template <class T, class Step>
void launch_step(const Step& step, int count, const int64_t* numels, const int64_t* const (&addresses)[Step::kArrays]) {
  // Rates and counters change from one replay of a graph to the next, so there the kernel reads them from memory.
  if (void* const at = renewed_parameters(sizeof step))
    return launch(set_parameters<Step>, dim3(1), dim3(1), 0, step, static_cast<Step*>(at));
  const auto* const kept = static_cast<const Step*>(captured_parameters(sizeof step));
  Tensors<T, Step::kArrays> tensors;
  static_assert(sizeof tensors + sizeof step + sizeof kept + sizeof count <= 4096, "kernels take 4096 bytes");
  int filled = 0;
  uint32_t blocks = 0;
  const auto flush = [&] {
    if (filled > 0) launch(step_tensors<T, Step>, dim3(blocks), dim3(kThreads), 0, step, kept, tensors, filled);
    filled = 0;
    blocks = 0;
  };
  for (int i = 0; i < count; ++i) {
    if (numels[i] == 0) continue;
    const int64_t wanted = (numels[i] + kRun - 1) / kRun;
    // The device counts blocks in 31 bits.
    if (filled == kTensors || blocks + wanted > INT32_MAX) flush();
    for (int a = 0; a < Step::kArrays; ++a)
      tensors.at[a][filled] = reinterpret_cast<T*>(static_cast<uintptr_t>(addresses[a][i]));
    tensors.numel[filled] = numels[i];
    tensors.end[filled++] = blocks += static_cast<uint32_t>(wanted);
  }
  flush();
}

}  // namespace

void sgd_step(int dtype, int count, const int64_t* numels, const int64_t* params, const int64_t* grads,
              const int64_t* buffers, double lr, double momentum, double dampening, double weight_decay, bool nesterov,
              bool maximize, bool first) {
  const SgdStep step = {lr, momentum, dampening, weight_decay, nesterov, maximize, first};
  dispatch_float(dtype, "sgd_step", [&](auto type) {
    using T = typename decltype(type)::type;
    if (buffers == nullptr)
      launch_step<T>(Sgd<T, false>(step), count, numels, {params, grads});
    else
      launch_step<T>(Sgd<T, true>(step), count, numels, {params, grads, buffers});
  });
}

void adam_step(int dtype, int count, const int64_t* numels, const int64_t* params, const int64_t* grads,
               const int64_t* averages, const int64_t* squares, const int64_t* max_squares, double lr, double beta1,
               double beta2, double eps, double weight_decay, bool decoupled, bool maximize, int64_t step) {
  const AdamStep shared = adam_step_at(step, lr, beta1, beta2, eps, weight_decay, decoupled, maximize);
  dispatch_float(dtype, "adam_step", [&](auto type) {
    using T = typename decltype(type)::type;
    if (max_squares == nullptr)
      launch_step<T>(Adam<T, false>(shared), count, numels, {params, grads, averages, squares});
    else
      launch_step<T>(Adam<T, true>(shared), count, numels, {params, grads, averages, squares, max_squares});
  });
}

}  // namespace talus::cuda
