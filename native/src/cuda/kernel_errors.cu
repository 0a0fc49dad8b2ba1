#include "cuda/kernel_errors.h"

#include <array>
#include <atomic>
#include <mutex>
#include <new>

#include "cuda/device.cuh"
#include "elementwise_rules.h"
#include "index_rules.h"

namespace talus::cuda {

namespace {

constexpr int kMaxDevices = 64;

// By device; made when first asked for, and then for good, as kernels in graphs keep the address.
struct Errors {
  std::mutex mutex;
  std::array<KernelError*, kMaxDevices> of{};

  KernelError*& current() { return of[static_cast<size_t>(current_device())]; }
};

Errors& errors() {
  static Errors& all = *new Errors;
  return all;
}

}  // namespace

KernelError* kernel_error() {
  const std::lock_guard<std::mutex> lock(errors().mutex);
  KernelError*& error = errors().current();
  if (error == nullptr) {
    void* at = nullptr;
    TALUS_CHECK_CUDA(cudaHostAlloc(&at, sizeof(KernelError), cudaHostAllocDefault));
    error = new (at) KernelError{};
  }
  return error;
}

void throw_kernel_error() {
  // One thread throws it.
  const std::lock_guard<std::mutex> lock(errors().mutex);
  KernelError* const error = errors().current();
  if (error == nullptr) return;
  volatile int& state = error->state;
  if (state != KernelError::kReported) return;
  // The rest is read after the state said that it is there, and before kernels may write again.
  std::atomic_thread_fence(std::memory_order_acquire);
  const KernelError e = *error;
  std::atomic_thread_fence(std::memory_order_release);
  state = KernelError::kNone;
  switch (e.kind) {
    case KernelError::kIndex:
      fail_index(e.what, e.index, e.position, e.size);
    case KernelError::kTarget:
      fail_target(e.index, e.size, e.ignore_index);
    case KernelError::kDivision:
      fail_division();
  }
}

}  // namespace talus::cuda
