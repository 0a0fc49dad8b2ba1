// Takes cuBLAS's place in tests: functions with its signatures and its rules, which multiply by its definition, one
// thread an element. Emulated kernels only.
#pragma once

#include "cuda/cublas_asked.h"
#include "cuda/device.cuh"

namespace stand_in {

// Matrices lie column after column, ld elements apart.
template <class T>
__global__ void multiply(int op_a, int op_b, int64_t m, int64_t k, T alpha, const T* a, int64_t lda, int64_t stride_a,
                         const T* b, int64_t ldb, int64_t stride_b, T beta, T* c, int64_t ldc, int64_t stride_c,
                         char* workspace) {
  const int64_t row = threadIdx.x + blockIdx.x * int64_t{blockDim.x}, col = blockIdx.y, entry = blockIdx.z;
  if (row >= m) return;
  // So that a workspace which somebody else uses at the same time is found.
  if (row + col + entry == 0) *workspace = 1;
  double sum = 0;
  for (int64_t i = 0; i < k; ++i) {
    const T x = a[entry * stride_a + (op_a == 0 ? i * lda + row : row * lda + i)];
    const T y = b[entry * stride_b + (op_b == 0 ? col * ldb + i : i * ldb + col)];
    sum += static_cast<double>(x) * static_cast<double>(y);
  }
  T& to = c[entry * stride_c + col * ldc + row];
  const double before = beta == T{0} ? 0 : static_cast<double>(beta) * static_cast<double>(to);
  to = static_cast<T>(static_cast<double>(alpha) * sum + before);
}

template <class T>
int launch(int op_a, int op_b, int64_t m, int64_t n, int64_t k, const void* alpha, const void* a, int64_t lda,
           int64_t stride_a, const void* b, int64_t ldb, int64_t stride_b, const void* beta, void* c, int64_t ldc,
           int64_t stride_c, int64_t batch) {
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>((m + 31) / 32), static_cast<unsigned>(n), static_cast<unsigned>(batch));
  config.blockDim = dim3(32);
  config.stream = asked().stream;
  const cudaError_t error =
      cudaLaunchKernelEx(&config, multiply<T>, op_a, op_b, m, k, *static_cast<const T*>(alpha),
                         static_cast<const T*>(a), lda, stride_a, static_cast<const T*>(b), ldb, stride_b,
                         *static_cast<const T*>(beta), static_cast<T*>(c), ldc, stride_c, asked().workspace);
  return error == cudaSuccess ? 0 : kExecutionFailed;
}

inline int gemm(void* handle, int op_a, int op_b, int64_t m, int64_t n, int64_t k, const void* alpha, const void* a,
                int type_a, int64_t lda, long long stride_a, const void* b, int type_b, int64_t ldb, long long stride_b,
                const void* beta, void* c, int type_c, int64_t ldc, long long stride_c, int64_t batch, int compute,
                int algorithm) {
  if (next_status() != 0) return std::exchange(next_status(), 0);
  if (handle != &asked()) return kNotInitialized;
  if (op_a < 0 || op_a > 1 || op_b < 0 || op_b > 1 || m < 1 || n < 1 || k < 1 || batch < 1) return kInvalidValue;
  if (lda < (op_a == 0 ? m : k) || ldb < (op_b == 0 ? k : n) || ldc < m) return kInvalidValue;
  // CUDA_R_32F is 0 and CUDA_R_64F 1, CUBLAS_COMPUTE_32F 68, 77 with TF32, and CUBLAS_COMPUTE_64F 70,
  // CUBLAS_GEMM_DEFAULT -1.
  if (type_a != type_b || type_a != type_c || algorithm != -1) return kNotSupported;
  if (asked().workspace == nullptr) return kAllocFailed;
  ++asked().products;
  asked().compute = compute;
  if (type_a == 0 && (compute == 68 || compute == 77))
    return launch<float>(op_a, op_b, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b, beta, c, ldc, stride_c, batch);
  if (type_a == 1 && compute == 70)
    return launch<double>(op_a, op_b, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b, beta, c, ldc, stride_c,
                          batch);
  return kNotSupported;
}

inline int create(void** handle) {
  ++asked().handles;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  if (cudaStreamIsCapturing(talus::cuda::current_stream(), &status) != cudaSuccess) return kExecutionFailed;
  if (status != cudaStreamCaptureStatusNone) asked().made_while_capturing = true;
  *handle = &asked();
  return 0;
}

// As cuBLAS's, it forgets the workspace.
inline int set_stream(void* handle, CUstream_st* stream) {
  if (handle != &asked()) return kNotInitialized;
  asked().stream = stream;
  asked().workspace = nullptr;
  return 0;
}

inline int set_workspace(void* handle, void* workspace, size_t bytes) {
  if (handle != &asked()) return kNotInitialized;
  if (reinterpret_cast<uintptr_t>(workspace) % 256 != 0 || bytes < (16 << 10)) return kInvalidValue;
  asked().workspace = static_cast<char*>(workspace);
  return 0;
}

inline const char* status_string(int status) { return status == kInvalidValue ? "invalid value" : "other"; }

}  // namespace stand_in
