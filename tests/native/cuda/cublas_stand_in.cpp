// The stand-in for cuBLAS by the names that are looked up in cuBLAS's library: the library with emulated devices is
// also one of cuBLAS for tests of what lies above the border.
#include "cuda/cublas_stand_in.h"

#define STAND_IN extern "C" __attribute__((visibility("default")))

STAND_IN int cublasCreate_v2(void** handle);
STAND_IN int cublasSetStream_v2(void* handle, CUstream_st* stream);
STAND_IN int cublasSetWorkspace_v2(void* handle, void* workspace, size_t bytes);
STAND_IN const char* cublasGetStatusString(int status);
STAND_IN int cublasGemmStridedBatchedEx_64(void* handle, int op_a, int op_b, int64_t m, int64_t n, int64_t k,
                                           const void* alpha, const void* a, int type_a, int64_t lda,
                                           long long stride_a, const void* b, int type_b, int64_t ldb,
                                           long long stride_b, const void* beta, void* c, int type_c, int64_t ldc,
                                           long long stride_c, int64_t batch, int compute, int algorithm);

int cublasCreate_v2(void** handle) { return stand_in::create(handle); }

int cublasSetStream_v2(void* handle, CUstream_st* stream) { return stand_in::set_stream(handle, stream); }

int cublasSetWorkspace_v2(void* handle, void* workspace, size_t bytes) {
  return stand_in::set_workspace(handle, workspace, bytes);
}

const char* cublasGetStatusString(int status) { return stand_in::status_string(status); }

int cublasGemmStridedBatchedEx_64(void* handle, int op_a, int op_b, int64_t m, int64_t n, int64_t k, const void* alpha,
                                  const void* a, int type_a, int64_t lda, long long stride_a, const void* b, int type_b,
                                  int64_t ldb, long long stride_b, const void* beta, void* c, int type_c, int64_t ldc,
                                  long long stride_c, int64_t batch, int compute, int algorithm) {
  return stand_in::gemm(handle, op_a, op_b, m, n, k, alpha, a, type_a, lda, stride_a, b, type_b, ldb, stride_b, beta, c,
                        type_c, ldc, stride_c, batch, compute, algorithm);
}
