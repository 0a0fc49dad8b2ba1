#include "cublas.h"

#include <dlfcn.h>

#include "cuda/runtime.h"
#include "error.h"

namespace bench {

// The part of cuBLAS's C interface that is used, as its manual describes it. Matrices are column-major.
struct Cublas::Functions {
  int (*create)(void** handle);
  int (*destroy)(void* handle);
  int (*version)(void* handle, int* version);
  int (*set_stream)(void* handle, CUstream_st* stream);
  int (*set_math_mode)(void* handle, int mode);
  int (*gemm)(void* handle, int trans_a, int trans_b, int m, int n, int k, const void* alpha, const void* a, int type_a,
              int lda, long long stride_a, const void* b, int type_b, int ldb, long long stride_b, const void* beta,
              void* c, int type_c, int ldc, long long stride_c, int batch, int compute_type, int algorithm);
};

namespace {

constexpr int kSuccess = 0, kPlain = 0, kTransposed = 1, kDefaultMath = 0;
// CUDA_R_32F; CUBLAS_COMPUTE_32F and CUBLAS_COMPUTE_32F_FAST_TF32; CUBLAS_GEMM_DEFAULT: it chooses the algorithm.
constexpr int kFloat32 = 0, kCompute32 = 68, kComputeTf32 = 77, kAnyAlgorithm = -1;

void* open_library(const std::string& path, std::string* why) {
  std::string first;
  const char* const names[] = {"libcublas.so.13", "libcublas.so.12", "libcublas.so"};
  if (!path.empty()) {
    if (void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    first = dlerror();
  }
  for (const char* name : names) {
    if (!path.empty()) break;
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
    if (first.empty()) first = dlerror();
  }
  *why = "cuBLAS cannot be loaded: " + first + "; name the file with --cublas, or its folder in LD_LIBRARY_PATH";
  return nullptr;
}

}  // namespace

std::unique_ptr<Cublas> Cublas::load(const std::string& path, std::string* why) {
  void* const library = open_library(path, why);
  if (library == nullptr) return nullptr;
  auto functions = std::make_unique<Functions>();
  const auto find = [&](const char* name, auto& function) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, name));
    if (function == nullptr) *why = std::string("the library has no ") + name + ": is it cuBLAS?";
    return function != nullptr;
  };
  if (!find("cublasCreate_v2", functions->create) || !find("cublasDestroy_v2", functions->destroy) ||
      !find("cublasGetVersion_v2", functions->version) || !find("cublasSetStream_v2", functions->set_stream) ||
      !find("cublasSetMathMode", functions->set_math_mode) || !find("cublasGemmStridedBatchedEx", functions->gemm))
    return nullptr;
  std::unique_ptr<Cublas> cublas(new Cublas);
  cublas->functions_ = std::move(functions);
  const Functions& f = *cublas->functions_;
  int status = f.create(&cublas->handle_);
  if (status != kSuccess) {
    cublas->handle_ = nullptr;
    *why = "cuBLAS does not start: cublasCreate returned " + std::to_string(status);
    return nullptr;
  }
  int version = 0;
  status = f.version(cublas->handle_, &version);
  // Each product's own type of computation decides, as the rows say.
  if (status == kSuccess) status = f.set_math_mode(cublas->handle_, kDefaultMath);
  if (status == kSuccess) status = f.set_stream(cublas->handle_, talus::cuda::current_stream());
  if (status != kSuccess) {
    *why = "cuBLAS refuses its settings with status " + std::to_string(status);
    return nullptr;
  }
  cublas->version_ = std::to_string(version);
  return cublas;
}

Cublas::~Cublas() {
  if (handle_ != nullptr) functions_->destroy(handle_);
}

void Cublas::multiply(const Product& p, const Addresses& at) const {
  const float one = 1, zero = 0;
  const auto operand = [&](int i) { return static_cast<float*>(at[static_cast<size_t>(i)]); };
  const int m = static_cast<int>(p.m), n = static_cast<int>(p.n), k = static_cast<int>(p.k);
  // Row-major C = op(A) op(B) is column-major C^T = op(B)^T op(A)^T, which are the same bytes.
  const int status = functions_->gemm(
      handle_, p.trans_b ? kTransposed : kPlain, p.trans_a ? kTransposed : kPlain, n, m, k, &one, operand(p.b),
      kFloat32, p.trans_b ? k : n, p.k * p.n, operand(p.a), kFloat32, p.trans_a ? m : k, p.m * p.k, &zero, operand(p.c),
      kFloat32, n, p.m * p.n, static_cast<int>(p.batch), p.tf32 ? kComputeTf32 : kCompute32, kAnyAlgorithm);
  if (status != kSuccess)
    talus::fail(TALUS_INTERNAL_ERROR, "cublasGemmStridedBatchedEx returned %d; leave cuBLAS out with --no-cublas",
                status);
}

}  // namespace bench
