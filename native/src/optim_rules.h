// The numbers of an optimizer step that all elements share, the same on every device.
#pragma once

#include <cmath>
#include <cstdint>

namespace talus {

// Those of talus_sgd_step.
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

inline AdamStep adam_step_at(int64_t step, double lr, double beta1, double beta2, double eps, double weight_decay,
                             bool decoupled, bool maximize) {
  const double correction1 = 1 - std::pow(beta1, static_cast<double>(step));
  const double correction2 = 1 - std::pow(beta2, static_cast<double>(step));
  return {beta1,
          beta2,
          eps,
          decoupled ? 0 : weight_decay,
          decoupled ? 1 - lr * weight_decay : 1,
          lr / correction1,
          std::sqrt(correction2),
          maximize};
}

}  // namespace talus
