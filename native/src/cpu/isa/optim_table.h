// One optimizer step over one run of elements, for each instruction set.
#pragma once

#include <cstdint>

#include "cpu/isa/isa.h"
#include "optim_rules.h"

namespace talus {

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
