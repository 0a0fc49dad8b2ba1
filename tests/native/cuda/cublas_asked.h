// What tests see of a cuBLAS that Talus was given: functions with its signatures, which note what they are asked. One
// of two headers defines them: cublas_stand_in.h multiplies itself, cublas_of_machine.h lets the machine's cuBLAS do
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "talus/talus.h"

struct CUstream_st;

namespace stand_in {

// What was asked of it.
struct Asked {
  int handles = 0, products = 0;
  int compute = 0;  // of the last product
  bool made_while_capturing = false;
  CUstream_st* stream = nullptr;
  char* workspace = nullptr;
};
inline Asked& asked() {
  static Asked all;
  return all;
}
// The status of the next product; 0 multiplies.
inline int& next_status() {
  static int status = 0;
  return status;
}

// cublasStatus_t
constexpr int kNotInitialized = 1, kAllocFailed = 3, kInvalidValue = 7, kExecutionFailed = 13, kNotSupported = 15;

inline int create(void** handle);
inline int set_stream(void* handle, CUstream_st* stream);
inline int set_workspace(void* handle, void* workspace, size_t bytes);
inline const char* status_string(int status);
inline int gemm(void* handle, int op_a, int op_b, int64_t m, int64_t n, int64_t k, const void* alpha, const void* a,
                int type_a, int64_t lda, long long stride_a, const void* b, int type_b, int64_t ldb, long long stride_b,
                const void* beta, void* c, int type_c, int64_t ldc, long long stride_c, int64_t batch, int compute,
                int algorithm);

template <class F>
int64_t address(F* function) {
  return static_cast<int64_t>(reinterpret_cast<uintptr_t>(function));
}

// Fills the array that the border takes.
inline void entries(int64_t (&to)[TALUS_CUBLAS_ENTRIES]) {
  to[TALUS_CUBLAS_CREATE] = address(create);
  to[TALUS_CUBLAS_SET_STREAM] = address(set_stream);
  to[TALUS_CUBLAS_SET_WORKSPACE] = address(set_workspace);
  to[TALUS_CUBLAS_STATUS_STRING] = address(status_string);
  to[TALUS_CUBLAS_GEMM] = address(gemm);
}

}  // namespace stand_in
