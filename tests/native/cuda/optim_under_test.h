// CUDA's optimizer steps, called with host arrays: the arrays of addresses are followed, too.
#pragma once

#include "cuda_mirror.h"
#include "kernels.h"

namespace under_test {

// Tensors that arrays of addresses name.
class MirroredTensors {
 public:
  MirroredTensors(int dtype, int count, const int64_t* numels, std::initializer_list<const int64_t*> arrays)
      : count_(count), arrays_(arrays) {
    for (const int64_t* addresses : arrays)
      for (int i = 0; addresses != nullptr && i < count; ++i)
        mirror_.writes(host(addresses[i]), numels[i] * talus::size_of(dtype));
  }

  // The device's addresses for array number k.
  const int64_t* operator()(size_t k) {
    if (arrays_[k] == nullptr) return nullptr;
    auto& list = lists_.emplace_back();
    for (int i = 0; i < count_; ++i)
      list.push_back(static_cast<int64_t>(reinterpret_cast<uintptr_t>(mirror_(host(arrays_[k][i])))));
    return list.data();
  }

  void finish() { mirror_.finish(); }

 private:
  static void* host(int64_t address) { return reinterpret_cast<void*>(static_cast<uintptr_t>(address)); }

  int count_;
  std::vector<const int64_t*> arrays_;
  std::vector<std::vector<int64_t>> lists_;
  Mirror mirror_;
};

inline void sgd_step(int dtype, int count, const int64_t* numels, const int64_t* params, const int64_t* grads,
                     const int64_t* buffers, double lr, double momentum, double dampening, double weight_decay,
                     bool nesterov, bool maximize, bool first) {
  MirroredTensors m(dtype, count, numels, {params, grads, buffers});
  talus::cuda::sgd_step(dtype, count, numels, m(0), m(1), m(2), lr, momentum, dampening, weight_decay, nesterov,
                        maximize, first);
  m.finish();
}

inline void adam_step(int dtype, int count, const int64_t* numels, const int64_t* params, const int64_t* grads,
                      const int64_t* averages, const int64_t* squares, const int64_t* max_squares, double lr,
                      double beta1, double beta2, double eps, double weight_decay, bool decoupled, bool maximize,
                      int64_t step) {
  MirroredTensors m(dtype, count, numels, {params, grads, averages, squares, max_squares});
  talus::cuda::adam_step(dtype, count, numels, m(0), m(1), m(2), m(3), m(4), lr, beta1, beta2, eps, weight_decay,
                         decoupled, maximize, step);
  m.finish();
}

}  // namespace under_test
