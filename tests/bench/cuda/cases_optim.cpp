// Steps of optimizers over as many parameters as a small network, ResNet-18 and ResNet-152 have.
#include <cstdio>

#include "cases.h"
#include "kernels.h"

namespace bench {

namespace {

// `kinds` arrays for each tensor: parameters, gradients and what the optimizer keeps; the gradients are only read.
Problem tensors(int kinds, int64_t count, int64_t numel) {
  Problem p;
  for (int kind = 0; kind < kinds; ++kind)
    for (int64_t i = 0; i < count; ++i) kind == 1 ? p.input(numel) : p.updated(numel, 0, 1);
  return p;
}

// The addresses of all tensors of one kind.
std::vector<int64_t> of_kind(const Addresses& at, int kind, int64_t count) {
  std::vector<int64_t> addresses;
  for (int64_t i = 0; i < count; ++i)
    addresses.push_back(static_cast<int64_t>(reinterpret_cast<uintptr_t>(at[static_cast<size_t>(kind * count + i)])));
  return addresses;
}

Case optim_case(bool adam, int64_t count, int64_t numel) {
  char label[96];
  std::snprintf(label, sizeof label, "%s, %.3g M in %d tensors", adam ? "Adam" : "SGD with momentum",
                static_cast<double>(count * numel) * 1e-6, static_cast<int>(count));
  Case c;
  c.family = "optimizer";
  c.label = label;
  c.torch = torch_work(adam ? "adam" : "sgd", count, numel);
  c.of_ceiling = kBandwidthTarget;
  const std::vector<int64_t> numels(static_cast<size_t>(count), numel);
  const int n = static_cast<int>(count);
  if (adam)
    c.make = [=] {
      Problem p = tensors(4, count, numel);
      p.kernel(talus::cuda::adam_step, talus::ref::adam_step, [=](auto step, const Addresses& at) {
        step(TALUS_FLOAT32, n, numels.data(), of_kind(at, 0, count).data(), of_kind(at, 1, count).data(),
             of_kind(at, 2, count).data(), of_kind(at, 3, count).data(), nullptr, 1e-3, 0.9, 0.999, 1e-8, 0, false,
             false, 10);
      });
      p.count_operands();
      return p;
    };
  else
    c.make = [=] {
      Problem p = tensors(3, count, numel);
      p.kernel(talus::cuda::sgd_step, talus::ref::sgd_step, [=](auto step, const Addresses& at) {
        step(TALUS_FLOAT32, n, numels.data(), of_kind(at, 0, count).data(), of_kind(at, 1, count).data(),
             of_kind(at, 2, count).data(), 1e-3, 0.9, 0, 0, false, false, false);
      });
      p.count_operands();
      return p;
    };
  return c;
}

}  // namespace

std::vector<Case> optim_cases(bool small) {
  std::vector<Case> cases;
  for (const bool adam : {false, true}) {
    if (small) {
      cases.push_back(optim_case(adam, 3, 1001));
      continue;
    }
    cases.push_back(optim_case(adam, 8, 125000));
    cases.push_back(optim_case(adam, 62, 180000));
    cases.push_back(optim_case(adam, 155, 388000));
  }
  return cases;
}

}  // namespace bench
