#include "cuda/index_errors.h"

#include <array>
#include <atomic>
#include <mutex>
#include <new>

#include "cuda/device.cuh"
#include "index_rules.h"

namespace talus::cuda {

namespace {

constexpr int kMaxDevices = 64;

// By device; made when first asked for, and then for good, as kernels in graphs keep the address.
struct Errors {
  std::mutex mutex;
  std::array<IndexError*, kMaxDevices> of{};

  IndexError*& current() { return of[static_cast<size_t>(current_device())]; }
};

Errors& errors() {
  static Errors& all = *new Errors;
  return all;
}

}  // namespace

IndexError* index_error() {
  const std::lock_guard<std::mutex> lock(errors().mutex);
  IndexError*& error = errors().current();
  if (error == nullptr) {
    void* at = nullptr;
    TALUS_CHECK_CUDA(cudaHostAlloc(&at, sizeof(IndexError), cudaHostAllocDefault));
    error = new (at) IndexError{};
  }
  return error;
}

void throw_index_error() {
  // One thread throws it.
  const std::lock_guard<std::mutex> lock(errors().mutex);
  IndexError* const error = errors().current();
  if (error == nullptr) return;
  volatile int& state = error->state;
  if (state != IndexError::kReported) return;
  // The rest is read after the state said that it is there, and before kernels may write again.
  std::atomic_thread_fence(std::memory_order_acquire);
  const IndexError e = *error;
  std::atomic_thread_fence(std::memory_order_release);
  state = IndexError::kNone;
  if (e.what == nullptr) fail_target(e.index, e.size, e.ignore_index);
  fail_index(e.what, e.index, e.position, e.size);
}

}  // namespace talus::cuda
