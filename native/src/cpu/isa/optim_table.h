// One optimizer step over one run of elements, for each instruction set.
#pragma once

#include <cstdint>

#include "cpu/isa/isa.h"

namespace talus {

// The numbers of talus_sgd_step that all elements share.
struct SgdStep {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize, first;
};

// Those of talus_adam_step, with what depends on the step worked out. `shrink` is the decoupled weight decay's factor,
// `weight_decay` the other kind's; the one not in use is 1 or 0.
struct AdamStep {
  double beta1, beta2, eps, weight_decay, shrink, step_size, root_of_correction2;
  bool maximize;
};

template <class T>
struct OptimLoops {
  // buffer may be null: no momentum.
  void (*sgd)(const SgdStep& step, int64_t n, T* param, const T* grad, T* buffer);
  // max_square may be null: no amsgrad.
  void (*adam)(const AdamStep& step, int64_t n, T* param, const T* grad, T* average, T* square, T* max_square);
};

struct OptimTable {
  OptimLoops<float> f32;
  OptimLoops<double> f64;
};

}  // namespace talus

TALUS_ISA_TABLE(OptimTable, optim_table)
