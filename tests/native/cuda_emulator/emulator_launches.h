// What the tests of the emulator share: arrays on the device, launches, and launches that must be found wrong.
#pragma once

#include <numeric>

#include "check.h"
#include "cuda_runtime.h"
#include "emulator.h"

using emulator::checking;

inline void ok(const char* what, cudaError_t error) {
  if (error != cudaSuccess) check::failed(what, 0, cudaGetErrorString(error));
}
#define OK(call) ok(#call, call)

template <class T>
struct Array {
  explicit Array(const std::vector<T>& values) : n(values.size()) {
    OK(cudaMalloc(reinterpret_cast<void**>(&at), n * sizeof(T)));
    OK(cudaMemcpy(at, values.data(), n * sizeof(T), cudaMemcpyHostToDevice));
  }
  explicit Array(size_t count) : n(count) { OK(cudaMalloc(reinterpret_cast<void**>(&at), n * sizeof(T))); }
  ~Array() { OK(cudaFree(at)); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  std::vector<T> values() const {
    std::vector<T> host(n);
    OK(cudaMemcpy(host.data(), at, n * sizeof(T), cudaMemcpyDeviceToHost));
    return host;
  }

  size_t n;
  T* at = nullptr;
};

template <class... P, class... A>
cudaError_t launch_on(cudaStream_t stream, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, A... arguments) {
  const cudaLaunchConfig_t config = {grid, block, shared, stream, nullptr, 0};
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

// Launches and waits.
template <class... P, class... A>
cudaError_t run(void (*kernel)(P...), dim3 grid, dim3 block, A... arguments) {
  const cudaError_t error = launch_on(nullptr, kernel, grid, block, 0, arguments...);
  return error == cudaSuccess ? cudaDeviceSynchronize() : error;
}

// Launches a kernel that does wrong; the report must say what.
template <class... P, class... A>
void finds(const char* part, void (*kernel)(P...), dim3 grid, dim3 block, A... arguments) {
  CHECK(run(kernel, grid, block, arguments...) == cudaErrorLaunchFailure);
  const std::string text = cudaGetErrorString(cudaErrorLaunchFailure);
  if (text.find(part) == std::string::npos) check::failed(part, 0, "found instead: " + text);
}

inline void for_each_seed(const std::function<void()>& body) {
  for (const uint64_t seed : {0, 1, 2, 3}) {
    check::Note note("seed " + std::to_string(seed));
    emulator::set_seed(seed);
    body();
  }
  emulator::set_seed(0);
}

inline std::vector<int> counted(int n) {
  std::vector<int> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), 0);
  return values;
}

// Kernels that are right with their barrier only.
template <int N, bool Barrier>
__global__ void reverse(int* x) {
  CUDA_SHARED(int[N], row);
  const int i = static_cast<int>(threadIdx.x), at = static_cast<int>(blockIdx.x) * N;
  row[N - 1 - i] = 0;
  __syncthreads();
  row[i] = x[at + i];
  if (Barrier) __syncthreads();
  x[at + i] = row[N - 1 - i];
}

template <bool Sync>
__global__ void exchange_in_warp(int* out) {
  CUDA_SHARED(int[64], row);
  const int t = static_cast<int>(threadIdx.x);
  row[t] = 0;
  __syncwarp();
  row[t] = t;
  if (Sync) __syncwarp();
  out[t] = row[t ^ 1];
}
