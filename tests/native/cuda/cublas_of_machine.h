// The machine's cuBLAS for tests on a GPU, behind functions that note what it is asked. Without one the program is
// skipped, before its first test; a file that TALUS_TEST_CUBLAS names must be one.
#pragma once

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <type_traits>
#include <vector>

#include "cuda/cublas_asked.h"
#include "cuda/graph.h"

namespace stand_in {

struct Machine {
  decltype(&stand_in::create) create = nullptr;
  decltype(&stand_in::set_stream) set_stream = nullptr;
  decltype(&stand_in::set_workspace) set_workspace = nullptr;
  decltype(&stand_in::status_string) status_string = nullptr;
  decltype(&stand_in::gemm) gemm = nullptr;
};

[[noreturn]] inline void end_without(bool named, const std::string& why) {
  std::printf("%s: no cuBLAS of CUDA 12 or later: %s; TALUS_TEST_CUBLAS names the file\n", named ? "failed" : "skipped",
              why.c_str());
  std::exit(named ? 1 : 77);
}

inline Machine load_machine() {
  const char* const file = std::getenv("TALUS_TEST_CUBLAS");
  const bool named = file != nullptr && *file != '\0';
  const std::vector<std::string> names =
      named ? std::vector<std::string>{file} : std::vector<std::string>{"libcublas.so.13", "libcublas.so.12"};
  void* library = nullptr;
  std::string why;
  for (const std::string& name : names) {
    if (library == nullptr) library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) why += std::string(why.empty() ? "" : ", ") + dlerror();
  }
  if (library == nullptr) end_without(named, why);
  Machine found;
  const auto find = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    if (function == nullptr) end_without(named, std::string("the library has no ") + name);
  };
  find("cublasCreate_v2", found.create);
  find("cublasSetStream_v2", found.set_stream);
  find("cublasSetWorkspace_v2", found.set_workspace);
  find("cublasGetStatusString", found.status_string);
  find("cublasGemmStridedBatchedEx_64", found.gemm);
  return found;
}
inline const Machine machine = load_machine();

int create(void** handle) {
  ++asked().handles;
  if (talus::cuda::capture_number() != 0) asked().made_while_capturing = true;
  return machine.create(handle);
}

int set_stream(void* handle, CUstream_st* stream) {
  asked().stream = stream;
  asked().workspace = nullptr;
  return machine.set_stream(handle, stream);
}

int set_workspace(void* handle, void* workspace, size_t bytes) {
  asked().workspace = static_cast<char*>(workspace);
  return machine.set_workspace(handle, workspace, bytes);
}

const char* status_string(int status) { return machine.status_string(status); }

int gemm(void* handle, int op_a, int op_b, int64_t m, int64_t n, int64_t k, const void* alpha, const void* a,
         int type_a, int64_t lda, long long stride_a, const void* b, int type_b, int64_t ldb, long long stride_b,
         const void* beta, void* c, int type_c, int64_t ldc, long long stride_c, int64_t batch, int compute,
         int algorithm) {
  if (next_status() != 0) return std::exchange(next_status(), 0);
  // Without one, cuBLAS would take its own.
  if (asked().workspace == nullptr) return kAllocFailed;
  ++asked().products;
  asked().compute = compute;
  return machine.gemm(handle, op_a, op_b, m, n, k, alpha, a, type_a, lda, stride_a, b, type_b, ldb, stride_b, beta, c,
                      type_c, ldc, stride_c, batch, compute, algorithm);
}

}  // namespace stand_in
