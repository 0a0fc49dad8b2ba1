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
  int (*sgemm)(void* handle, int trans_a, int trans_b, int m, int n, int k, const float* alpha, const float* a, int lda,
               long long stride_a, const float* b, int ldb, long long stride_b, const float* beta, float* c, int ldc,
               long long stride_c, int batch);
};

namespace {

constexpr int kSuccess = 0, kPlain = 0, kTransposed = 1, kDefaultMath = 0;

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
      !find("cublasSetMathMode", functions->set_math_mode) || !find("cublasSgemmStridedBatched", functions->sgemm))
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
  // Plain float32 arithmetic, as the rows say.
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
  const int status =
      functions_->sgemm(handle_, p.trans_b ? kTransposed : kPlain, p.trans_a ? kTransposed : kPlain, n, m, k, &one,
                        operand(p.b), p.trans_b ? k : n, p.k * p.n, operand(p.a), p.trans_a ? m : k, p.m * p.k, &zero,
                        operand(p.c), n, p.m * p.n, static_cast<int>(p.batch));
  if (status != kSuccess)
    talus::fail(TALUS_INTERNAL_ERROR, "cublasSgemmStridedBatched returned %d; leave cuBLAS out with --no-cublas",
                status);
}

}  // namespace bench
