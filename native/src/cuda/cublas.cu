// Matrix products by cuBLAS: how its columns-first matrices and its lack of epilogues fit what talus_gemm promises.
#include "cuda/cublas.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <type_traits>

#include "cuda/device.cuh"
#include "cuda/graph.h"
#include "cuda/memory.h"
#include "dtype.h"
#include "error.h"
#include "params.h"

namespace talus::cuda {

namespace {

using Handle = void*;

// The functions as cublas_api.h declares them, of CUDA 12 and later: those with 64-bit sizes.
struct Functions {
  int (*create)(Handle*) = nullptr;
  int (*set_stream)(Handle, CUstream_st*) = nullptr;
  int (*set_workspace)(Handle, void*, size_t) = nullptr;
  const char* (*status_string)(int) = nullptr;
  int (*gemm)(Handle, int op_a, int op_b, int64_t m, int64_t n, int64_t k, const void* alpha, const void* a, int type_a,
              int64_t lda, long long stride_a, const void* b, int type_b, int64_t ldb, long long stride_b,
              const void* beta, void* c, int type_c, int64_t ldc, long long stride_c, int64_t batch, int compute_type,
              int algorithm) = nullptr;
};
// In the order of talus_cublas_entry.
constexpr const char* kNames[TALUS_CUBLAS_ENTRIES] = {"cublasCreate_v2", "cublasSetStream_v2", "cublasSetWorkspace_v2",
                                                      "cublasGetStatusString", "cublasGemmStridedBatchedEx_64"};

// The values that its enumerations give to what is used of them.
constexpr int kAsStored = 0, kTransposed = 1;  // cublasOperation_t: CUBLAS_OP_N, CUBLAS_OP_T
constexpr int kReal32 = 0, kReal64 = 1;        // cudaDataType: CUDA_R_32F, CUDA_R_64F
// cublasComputeType_t: CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F_FAST_TF32, CUBLAS_COMPUTE_64F
constexpr int kCompute32 = 68, kComputeTf32 = 77, kCompute64 = 70;
constexpr int kAnyAlgorithm = -1;  // cublasGemmAlgo_t: CUBLAS_GEMM_DEFAULT

// The precision that cuBLAS multiplies in. TF32 is a permission: GPUs without it multiply in float32.
template <class T>
int compute_type([[maybe_unused]] int precision) {
  if constexpr (std::is_same_v<T, double>) return kCompute64;
  return precision == TALUS_PRECISION_HIGH ? kComputeTf32 : kCompute32;
}

constexpr int kMaxDevices = 64;

struct Cublas {
  std::mutex mutex;  // also from choosing a handle's stream to using it
  Functions functions;
  bool known = false;
  std::atomic<bool> used{false};
  // By device; they live as long as the process, as the driver may be gone before a destructor runs.
  std::array<Handle, kMaxDevices> handles = {};
};

Cublas& cublas() {
  static auto& all = *new Cublas;
  return all;
}

void check_cublas(const Functions& f, int status, int entry) {
  if (status != 0)
    fail(TALUS_INTERNAL_ERROR, "%s: %s; see that the driver and the GPU suit this cuBLAS, or multiply without it (%s)",
         kNames[entry], f.status_string(status), "-Dtalus.gemm=native");
}

// Of the current device; the mutex must be held.
Handle handle_of_device(Cublas& all) {
  Handle& handle = all.handles[static_cast<size_t>(current_device())];
  if (handle == nullptr) {
    refuse_in_capture("the first product by cuBLAS");
    Handle made = nullptr;
    check_cublas(all.functions, all.functions.create(&made), TALUS_CUBLAS_CREATE);
    handle = made;
  }
  return handle;
}

template <class F>
void assign(F& function, int64_t address) {
  function = reinterpret_cast<F>(static_cast<uintptr_t>(address));
}

// Between lines of a matrix. A single line has no next one, and cuBLAS wants to see a possible number even then.
int64_t line_step(const char* matrix, int64_t lines, int64_t length, int64_t ld) {
  if (lines <= 1) return std::max(ld, length);
  if (ld < length)
    fail(TALUS_UNSUPPORTED,
         "gemm: lines of %s are %lld elements long and %lld apart, cuBLAS takes none that overlap; copy the matrix",
         matrix, static_cast<long long>(length), static_cast<long long>(ld));
  return ld;
}

// What NVIDIA recommends, and cuBLAS itself would take.
int64_t workspace_bytes() { return int64_t{properties(current_device()).major >= 9 ? 32 : 4} << 20; }

template <class T>
void multiply(int precision, const GemmParams& g) {
  const int64_t lda = line_step("A", g.trans_a ? g.k : g.m, g.trans_a ? g.m : g.k, g.lda);
  const int64_t ldb = line_step("B", g.trans_b ? g.n : g.k, g.trans_b ? g.k : g.n, g.ldb);
  const int64_t ldc = line_step("C", g.m, g.n, g.ldc);
  const T alpha = static_cast<T>(g.alpha), beta = static_cast<T>(g.beta);
  constexpr int kType = std::is_same_v<T, float> ? kReal32 : kReal64;
  // cuBLAS's own workspace is one for all streams, for which it may choose other algorithms from run to run. This one
  // belongs to a single product, in the order of its stream, and while a graph is captured to the graph. A block of
  // this size is an allocation of its own, so it has the alignment to 256 bytes that cuBLAS wants.
  const int64_t bytes = workspace_bytes();
  const Scratch<char> workspace(bytes);
  Cublas& all = cublas();
  const Functions& f = all.functions;
  const std::lock_guard<std::mutex> lock(all.mutex);
  const Handle handle = handle_of_device(all);
  check_cublas(f, f.set_stream(handle, current_stream()), TALUS_CUBLAS_SET_STREAM);
  // Each time, because choosing a stream takes it back.
  check_cublas(f, f.set_workspace(handle, workspace.get(), static_cast<size_t>(bytes)), TALUS_CUBLAS_SET_WORKSPACE);
  // Columns first, each matrix that lies here is its transpose: C' = B' A'. So the factors change places, m and n too,
  // and whatever was to be transposed still is.
  check_cublas(f,
               f.gemm(handle, g.trans_b ? kTransposed : kAsStored, g.trans_a ? kTransposed : kAsStored, g.n, g.m, g.k,
                      &alpha, g.b, kType, ldb, g.stride_b, g.a, kType, lda, g.stride_a, &beta, g.c, kType, ldc,
                      g.stride_c, g.batch, compute_type<T>(precision), kAnyAlgorithm),
               TALUS_CUBLAS_GEMM);
}

constexpr int kColumns = 32, kLines = 8;  // of a block

// What cuBLAS leaves to do: C = epilogue(C + bias).
template <class T>
struct Finish {
  T* c;
  int64_t batch, m, n, ldc, stride_c;
  const T* bias;
  bool row_bias;
  Activation activation;
};

template <class T>
__global__ void __launch_bounds__(kColumns* kLines) cublas_finish(const Finish<T> p) {
  const int64_t lines = p.batch * p.m;
  for (int64_t line = int64_t{blockIdx.y} * kLines + threadIdx.y; line < lines; line += int64_t{gridDim.y} * kLines) {
    const int64_t entry = p.batch == 1 ? 0 : line / p.m, row = line - entry * p.m;
    T* const c = p.c + entry * p.stride_c + row * p.ldc;
    for (int64_t col = int64_t{blockIdx.x} * kColumns + threadIdx.x; col < p.n; col += int64_t{gridDim.x} * kColumns) {
      T v = c[col];
      if (p.bias != nullptr) v += p.bias[p.row_bias ? row : col];
      c[col] = activated(p.activation, v);
    }
  }
}

template <class T>
void finish(const GemmParams& g) {
  const auto blocks = [](int64_t all, int64_t of_block, int64_t most) {
    return static_cast<unsigned>(std::min((all + of_block - 1) / of_block, most));
  };
  const Finish<T> p = {static_cast<T*>(g.c),          g.batch,    g.m,         g.n, g.ldc, g.stride_c,
                       static_cast<const T*>(g.bias), g.row_bias, g.activation};
  launch(cublas_finish<T>, dim3(blocks(g.n, kColumns, 1 << 20), blocks(g.batch * g.m, kLines, 65535)),
         dim3(kColumns, kLines), 0, p);
}

}  // namespace

void set_cublas(const int64_t* entries) {
  for (int i = 0; i < TALUS_CUBLAS_ENTRIES; ++i)
    if (entries[i] == 0)
      fail(TALUS_INVALID_ARGUMENT, "cuBLAS's %s is missing (address 0); it is in the libcublas of CUDA 12 and later",
           kNames[i]);
  Cublas& all = cublas();
  const std::lock_guard<std::mutex> lock(all.mutex);
  // Handles that exist belong to the functions that made them.
  if (all.known) return;
  assign(all.functions.create, entries[TALUS_CUBLAS_CREATE]);
  assign(all.functions.set_stream, entries[TALUS_CUBLAS_SET_STREAM]);
  assign(all.functions.set_workspace, entries[TALUS_CUBLAS_SET_WORKSPACE]);
  assign(all.functions.status_string, entries[TALUS_CUBLAS_STATUS_STRING]);
  assign(all.functions.gemm, entries[TALUS_CUBLAS_GEMM]);
  all.known = true;
}

void use_cublas(bool use) {
  Cublas& all = cublas();
  const std::lock_guard<std::mutex> lock(all.mutex);
  if (use && !all.known)
    fail(TALUS_UNSUPPORTED,
         "gemm: cuBLAS was chosen, but nobody brought it; call talus_cublas_entries with its functions before");
  all.used = use;
}

bool cublas_used() { return cublas().used; }

void cublas_prepare() {
  Cublas& all = cublas();
  if (!all.used) return;
  const std::lock_guard<std::mutex> lock(all.mutex);
  handle_of_device(all);
}

void cublas_gemm(int precision, int dtype, const GemmParams& p) {
  dispatch_float(dtype, "gemm", [&](auto type) {
    using T = typename decltype(type)::type;
    multiply<T>(precision, p);
    if (p.bias != nullptr || p.activation.clamps) finish<T>(p);
  });
}

}  // namespace talus::cuda
