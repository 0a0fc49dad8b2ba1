// The emulator computes what a device would, and finds what was planted: in every program deadlocks and host code that
// touches device memory, in checked ones (test_emulator_checked) also what single accesses do wrong.
#include <sys/wait.h>
#include <unistd.h>

#include <numeric>

#include "check.h"
#include "cuda_runtime.h"
#include "emulator.h"

namespace {

using emulator::checking;

void ok(const char* what, cudaError_t error) {
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

void for_each_seed(const std::function<void()>& body) {
  for (const uint64_t seed : {0, 1, 2, 3}) {
    check::Note note("seed " + std::to_string(seed));
    emulator::set_seed(seed);
    body();
  }
  emulator::set_seed(0);
}

std::vector<int> counted(int n) {
  std::vector<int> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), 0);
  return values;
}

// -------------------------------------------------------------------------------------------------- kernels

__global__ void write_indices(int* out) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  out[block * blockDim.x * blockDim.y * blockDim.z + thread] = static_cast<int>(1000 * block + thread);
}

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

__global__ void transpose(const float* x, float* out, int n) {
  CUDA_SHARED(float[16][17], tile);
  const int row = static_cast<int>(threadIdx.y), col = static_cast<int>(threadIdx.x);
  for (int from = 0; from < n; from += 16) {
    __syncthreads();
    tile[row][col] = x[row * n + from + col];
    __syncthreads();
    out[(from + row) * 16 + col] = tile[col][row];
  }
}

__global__ void sum_dynamic(const int* x, int n, int* out) {
  CUDA_DYNAMIC_SHARED(int, parts);
  const int t = static_cast<int>(threadIdx.x);
  int sum = 0;
  for (int i = t; i < n; i += static_cast<int>(blockDim.x)) sum += x[i];
  parts[t] = sum;
  for (int half = static_cast<int>(blockDim.x) / 2; half > 0; half /= 2) {
    __syncthreads();
    if (t < half) parts[t] += parts[t + half];
  }
  if (t == 0) *out = parts[0];
}

__global__ void predicates(int* out) {
  const int t = static_cast<int>(threadIdx.x);
  const int count = __syncthreads_count(t < 5), all = __syncthreads_and(t < 70), some = __syncthreads_or(t == 3);
  const int none = __syncthreads_or(t == 300), not_all = __syncthreads_and(t > 0);
  out[t] = count * 10000 + all * 1000 + some * 100 + none * 10 + not_all;
}

__global__ void shuffles(int* out) {
  const int t = static_cast<int>(threadIdx.x);
  int sum = t;
  for (int half = 16; half > 0; half /= 2) sum += __shfl_down_sync(~0u, sum, static_cast<unsigned>(half));
  int all = t;
  for (int bit = 1; bit < 32; bit *= 2) all += __shfl_xor_sync(~0u, all, bit);
  const double wide = __shfl_sync(~0u, t + 0.25, 7);
  const int up = __shfl_up_sync(~0u, t, 1), in_eights = __shfl_sync(~0u, t, 9, 8);
  const unsigned odd = __ballot_sync(~0u, t & 1);
  const bool fine = (t % 32 != 0 || sum == 496 + 32 * t) && all == 496 + 1024 * (t / 32) &&
                    wide == t / 32 * 32 + 7.25 && up == (t % 32 == 0 ? t : t - 1) && in_eights == t / 8 * 8 + 1 &&
                    odd == 0xaaaaaaaau && __any_sync(~0u, t % 32 == 4) && !__all_sync(~0u, t % 32 == 4) &&
                    __match_any_sync(~0u, t % 2) == (t % 2 == 1 ? 0xaaaaaaaau : 0x55555555u);
  out[t] = fine;
}

// Each half of a warp on its own.
__global__ void halves(int* out) {
  const int t = static_cast<int>(threadIdx.x);
  const unsigned mask = t % 32 < 16 ? 0x0000ffffu : 0xffff0000u;
  int sum = t;
  if (t % 32 < 16) {
    for (int bit = 1; bit < 16; bit *= 2) sum += __shfl_xor_sync(mask, sum, bit);
    __syncwarp(mask);
  } else {
    __syncwarp(mask);
    for (int bit = 1; bit < 16; bit *= 2) sum += __shfl_xor_sync(mask, sum, bit);
  }
  out[t] = sum;
}

__global__ void count_atomically(int* total, float* sum, unsigned* highest) {
  atomicAdd(total, 1);
  atomicAdd(sum, 0.5f);
  atomicMax(highest, blockIdx.x * blockDim.x + threadIdx.x);
}

__global__ void exchange_in_warp(int* out, bool sync) {
  CUDA_SHARED(int[64], row);
  const int t = static_cast<int>(threadIdx.x);
  row[t] = 0;
  __syncwarp();
  row[t] = t;
  if (sync) __syncwarp();
  out[t] = row[t ^ 1];
}

// Lane 4g + t gives and has what the PTX ISA says of m16n8k8.
__global__ void tensor_product(const float* a, const float* b, float* c) {
  const int lane = static_cast<int>(threadIdx.x), g = lane / 4, t = lane % 4;
  const uint32_t of_a[4] = {emulator::round_to_tf32(a[g * 8 + t]), emulator::round_to_tf32(a[(g + 8) * 8 + t]),
                            emulator::round_to_tf32(a[g * 8 + t + 4]), emulator::round_to_tf32(a[(g + 8) * 8 + t + 4])};
  const uint32_t of_b[2] = {emulator::round_to_tf32(b[t * 8 + g]), emulator::round_to_tf32(b[(t + 4) * 8 + g])};
  float sums[4] = {1, 1, 1, 1};
  emulator::multiply_in_warp(sums, of_a, of_b);
  for (int i = 0; i < 4; ++i) c[(g + i / 2 * 8) * 8 + t * 2 + i % 2] = sums[i];
}

// The second copy of four numbers is not waited for before the first is read, and may not be read then.
__global__ void copies_in_groups(const int* x, int* out, bool wait, bool barrier) {
  CUDA_SHARED(int[2][64], stages);
  const int i = static_cast<int>(threadIdx.x), n = static_cast<int>(blockDim.x);
  stages[0][i] = stages[1][i] = -1;
  for (int stage = 0; stage < 2; ++stage) {
    emulator::copy_async(&stages[stage][i], &x[stage * n + i], 4, i == 5 ? 0 : 4);
    emulator::commit_copies();
  }
  if (wait) emulator::wait_for_copies(1);
  if (barrier) __syncthreads();
  out[i] = stages[0][n - 1 - i];
  __syncthreads();
  emulator::wait_for_copies(0);
  __syncthreads();
  out[n + i] = stages[1][n - 1 - i];
}

__global__ void add(int* x, int value) { x[threadIdx.x] += value; }
__global__ void multiply(int* x, int value) { x[threadIdx.x] *= value; }

// Planted bugs.
__global__ void touch(int* x, int at) { x[at] = 1; }
__global__ void look(const int* x, int at, int* out) { *out = x[at]; }
__global__ void touch_shared(int at) {
  CUDA_SHARED(int[8], first);
  CUDA_SHARED(int[8], second);
  second[0] = 0;
  first[at] = 1;
}
__global__ void read_unwritten_shared(int* out) {
  CUDA_SHARED(int[32], row);
  if (threadIdx.x < 31) row[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = row[threadIdx.x];
}
__global__ void neighbours(int* x, bool barrier) {
  x[threadIdx.x] = 1;
  if (barrier) __syncthreads();
  x[threadIdx.x + blockDim.x] = x[(threadIdx.x + 32) % blockDim.x];
}
__global__ void all_write_one(int* x) { *x = static_cast<int>(blockIdx.x); }
__global__ void write_after_reads(int* x) {
  x[1 + threadIdx.x] = x[0];
  if (threadIdx.x == 40) x[0] = 1;
}
__global__ void leave_before_barrier() {
  if (threadIdx.x == 3) return;
  __syncthreads();
}
__global__ void divergent_warp() {
  if (threadIdx.x < 16)
    __syncwarp();
  else
    __syncwarp(0xffff0000u);
}
__global__ void missing_lane() {
  if (threadIdx.x != 5) __syncwarp();
}
__global__ void outside_own_mask() { __syncwarp(1u); }
__global__ void reads_other_group(int* out) {
  if (threadIdx.x < 4) out[threadIdx.x] = __shfl_sync(0xfu, 1, 9);
}
__global__ void copies_over_what_is_read(const int* x, int* out) {
  CUDA_SHARED(int[64], row);
  const int i = static_cast<int>(threadIdx.x);
  row[i] = x[i];
  __syncthreads();
  out[i] = row[63 - i];
  emulator::copy_async(&row[i], &x[i], 4, 4);
  emulator::commit_copies();
  emulator::wait_for_copies(0);
}
__global__ void copies_to_nowhere(const int* x, int* out, int bytes) {
  CUDA_SHARED(int4[2], row);
  char* const to = bytes == 4 ? reinterpret_cast<char*>(out) : reinterpret_cast<char*>(row) + 4;
  emulator::copy_async(to, x, bytes, bytes);
}
__global__ void product_of_unrounded(float x) {
  float sums[4] = {};
  uint32_t a[4] = {}, b[2] = {};
  std::memcpy(&a[2], &x, sizeof x);
  emulator::multiply_in_warp(sums, a, b);
}
__global__ void misaligned(char* x) { *reinterpret_cast<int*>(x + 2) = 1; }

}  // namespace

// ------------------------------------------------------------------------------------------- what is computed

TEST(threads_know_where_they_are) {
  for_each_seed([] {
    Array<int> out(size_t{24 * 30});
    OK(run(write_indices, {2, 3, 4}, {5, 3, 2}, out.at));
    const std::vector<int> values = out.values();
    for (int b = 0; b < 24; ++b)
      for (int t = 0; t < 30; ++t) CHECK(values[size_t(b * 30 + t)] == 1000 * b + t);
  });
}

TEST(barriers_separate_writes_from_reads) {
  for_each_seed([] {
    Array<int> x(counted(3 * 96));
    OK(run(reverse<96, true>, 3, 96, x.at));
    const std::vector<int> values = x.values();
    for (int i = 0; i < 3 * 96; ++i) CHECK(values[size_t(i)] == i / 96 * 96 + 95 - i % 96);
  });
}

TEST(loops_with_barriers) {
  for_each_seed([] {
    const auto host = random_values<float>(16 * 48, 1);
    const Array<float> x(host);
    Array<float> out(host.size());
    OK(run(transpose, 1, {16, 16}, x.at, out.at, 48));
    const std::vector<float> values = out.values();
    for (size_t r = 0; r < 16; ++r)
      for (size_t c = 0; c < 48; ++c) CHECK(values[c * 16 + r] == host[r * 48 + c]);
  });
}

TEST(dynamic_shared_memory_has_a_limit) {
  for_each_seed([] {
    const Array<int> x(counted(1000));
    Array<int> out(size_t{1});
    OK(launch_on(nullptr, sum_dynamic, 1, 128, 128 * sizeof(int), x.at, 1000, out.at));
    CHECK(out.values()[0] == 499500);
    CHECK(launch_on(nullptr, sum_dynamic, 1, 128, 50 << 10, x.at, 1000, out.at) == cudaErrorInvalidValue);
    OK(cudaFuncSetAttribute(sum_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, 50 << 10));
    OK(launch_on(nullptr, sum_dynamic, 1, 128, 50 << 10, x.at, 1000, out.at));
    OK(cudaFuncSetAttribute(sum_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, 48 << 10));
    CHECK(cudaFuncSetAttribute(sum_dynamic, cudaFuncAttributeMaxDynamicSharedMemorySize, 300 << 10) ==
          cudaErrorInvalidValue);
  });
}

TEST(barriers_with_predicates) {
  for_each_seed([] {
    Array<int> out(size_t{70});
    OK(run(predicates, 1, 70, out.at));
    for (const int value : out.values()) CHECK(value == 51100);
  });
}

TEST(lanes_exchange_values) {
  for_each_seed([] {
    Array<int> out(size_t{96}), sums(size_t{64});
    OK(run(shuffles, 1, 96, out.at));
    for (const int fine : out.values()) CHECK(fine == 1);
    OK(run(halves, 1, 64, sums.at));
    const std::vector<int> values = sums.values();
    for (int t = 0; t < 64; ++t) CHECK(values[size_t(t)] == t / 16 * 256 + 120);
  });
}

TEST(atomics_of_all_blocks_add_up) {
  for_each_seed([] {
    Array<int> total(std::vector<int>{0});
    Array<float> sum(std::vector<float>{0});
    Array<unsigned> highest(std::vector<unsigned>{0});
    OK(run(count_atomically, 7, 33, total.at, sum.at, highest.at));
    CHECK(total.values()[0] == 231 && sum.values()[0] == 115.5f && highest.values()[0] == 230);
  });
}

TEST(a_warp_may_exchange_through_shared_memory) {
  for_each_seed([] {
    Array<int> out(size_t{64});
    OK(run(exchange_in_warp, 1, 64, out.at, true));
    const std::vector<int> values = out.values();
    for (int t = 0; t < 64; ++t) CHECK(values[size_t(t)] == (t ^ 1));
  });
}

TEST(tensor_cores_multiply) {
  for_each_seed([] {
    std::vector<float> a(16 * 8), b(8 * 8);
    for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 13) - 6;
    for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<float>(i % 11) / 8 - 1;
    const Array<float> on_device_a(a), on_device_b(b);
    Array<float> c(size_t{16 * 8});
    OK(run(tensor_product, 1, 32, on_device_a.at, on_device_b.at, c.at));
    const std::vector<float> values = c.values();
    for (size_t row = 0; row < 16; ++row)
      for (size_t col = 0; col < 8; ++col) {
        float expected = 1;
        for (size_t k = 0; k < 8; ++k) expected += a[row * 8 + k] * b[k * 8 + col];
        CHECK(values[row * 8 + col] == expected);
      }
    finds("mma needs all 32 lanes", tensor_product, 1, 16, on_device_a.at, on_device_b.at, c.at);
    OK(run(product_of_unrounded, 1, 32, 1.0f + 0x1p-10f));
    finds("lane", product_of_unrounded, 1, 32, 1.0f + 0x1p-11f);
  });
}

TEST(numbers_are_rounded_to_tf32) {
  const auto rounded = [](float x) {
    const uint32_t bits = emulator::round_to_tf32(x);
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  };
  CHECK(rounded(1.0f) == 1.0f && rounded(-0.0f) == 0.0f && rounded(1 + 0x1p-10f) == 1 + 0x1p-10f);
  // Halves away from zero, what is less towards the nearest.
  CHECK(rounded(1 + 0x1p-11f) == 1 + 0x1p-10f && rounded(-1 - 0x1p-11f) == -1 - 0x1p-10f);
  CHECK(rounded(1 + 0x1p-11f - 0x1p-23f) == 1.0f && rounded(1 + 0x1p-11f + 0x1p-23f) == 1 + 0x1p-10f);
  CHECK(rounded(1 + 0x3p-11f) == 1 + 0x1p-9f && rounded(2 - 0x1p-23f) == 2.0f);
  CHECK(std::isinf(rounded(3.4028234e38f)) && std::isinf(rounded(INFINITY)) && std::isnan(rounded(NAN)));
}

TEST(copies_arrive_when_they_are_waited_for) {
  for_each_seed([] {
    const Array<int> x(counted(128));
    Array<int> out(size_t{128});
    OK(run(copies_in_groups, 1, 64, x.at, out.at, true, true));
    const std::vector<int> values = out.values();
    for (int i = 0; i < 128; ++i) {
      const int from = 63 - i % 64;
      CHECK(values[size_t(i)] == (from == 5 ? 0 : i / 64 * 64 + from));
    }
    if (checking()) return;
    OK(run(copies_in_groups, 1, 64, x.at, out.at, false, true));
    for (int i = 0; i < 64; ++i) CHECK(out.values()[size_t(i)] == -1);
  });
}

// ----------------------------------------------------------------------------------- streams, events, graphs

TEST(work_waits_until_somebody_does) {
  Array<int> x(counted(32));
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
  OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  OK(launch_on(stream, add, 1, 32, 0, x.at, 5));
  OK(cudaEventRecord(event, stream));
  CHECK(cudaEventQuery(event) == cudaErrorNotReady);
  OK(cudaEventSynchronize(event));
  CHECK(cudaEventQuery(event) == cudaSuccess && cudaStreamQuery(stream) == cudaSuccess);
  CHECK(x.values()[7] == 12);
  OK(cudaEventDestroy(event));
  OK(cudaStreamDestroy(stream));
  CHECK(cudaStreamSynchronize(stream) == cudaErrorInvalidResourceHandle);
  CHECK(cudaGetLastError() == cudaErrorInvalidResourceHandle && cudaGetLastError() == cudaSuccess);
}

// Two streams change the same numbers: an event orders them, without one both orders happen.
TEST(only_events_order_streams) {
  cudaStream_t first = nullptr, second = nullptr;
  cudaEvent_t event = nullptr;
  OK(cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking));
  OK(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking));
  OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  for (const bool ordered : {true, false}) {
    bool seen[2] = {};
    for (uint64_t seed = 0; seed < 12; ++seed) {
      emulator::set_seed(seed);
      Array<int> x(std::vector<int>(8, 1));
      OK(launch_on(first, add, 1, 8, 0, x.at, 2));
      OK(cudaEventRecord(event, first));
      if (ordered) OK(cudaStreamWaitEvent(second, event));
      OK(launch_on(second, multiply, 1, 8, 0, x.at, 10));
      OK(cudaDeviceSynchronize());
      const int value = x.values()[0];
      CHECK(value == 30 || (!ordered && value == 12));
      seen[value == 12] = true;
    }
    CHECK(seen[0] && seen[1] == !ordered);
  }
  emulator::set_seed(0);
  OK(cudaEventDestroy(event));
  OK(cudaStreamDestroy(first));
  OK(cudaStreamDestroy(second));
}

TEST(pinned_memory_is_copied_late_pageable_at_once) {
  int* pinned = nullptr;
  OK(cudaHostAlloc(reinterpret_cast<void**>(&pinned), 4, cudaHostAllocDefault));
  for (const bool late : {true, false}) {
    int pageable = 1;
    *pinned = 1;
    Array<int> x(size_t{1});
    OK(cudaMemcpyAsync(x.at, late ? pinned : &pageable, 4, cudaMemcpyHostToDevice, nullptr));
    *pinned = pageable = 2;
    CHECK(x.values()[0] == (late ? 2 : 1));
  }
  OK(cudaFreeHost(pinned));
  CHECK(cudaFreeHost(pinned) == cudaErrorInvalidValue);
  cudaGetLastError();
}

TEST(graphs_repeat_what_was_captured) {
  for_each_seed([] {
    Array<int> x(counted(8));
    cudaStream_t stream = nullptr, helper = nullptr;
    cudaEvent_t fork = nullptr, join = nullptr;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    OK(cudaStreamCreateWithFlags(&helper, cudaStreamNonBlocking));
    OK(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming));
    OK(cudaEventCreateWithFlags(&join, cudaEventDisableTiming));
    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    CHECK(cudaStreamSynchronize(stream) == cudaErrorStreamCaptureUnsupported);
    OK(launch_on(stream, add, 1, 8, 0, x.at, 1));
    OK(cudaEventRecord(fork, stream));
    OK(cudaStreamWaitEvent(helper, fork));
    OK(launch_on(helper, multiply, 1, 8, 0, x.at, 2));
    OK(cudaEventRecord(join, helper));
    OK(cudaStreamWaitEvent(stream, join));
    OK(cudaStreamEndCapture(stream, &graph));
    OK(cudaGraphInstantiate(&executable, graph));
    OK(cudaGraphDestroy(graph));
    CHECK(x.values()[3] == 3);
    for (int i = 0; i < 3; ++i) OK(cudaGraphLaunch(executable, stream));
    OK(cudaStreamSynchronize(stream));
    CHECK(x.values()[3] == ((3 + 1) * 2 + 1) * 4 + 2);
    OK(cudaGraphExecDestroy(executable));
    OK(cudaEventDestroy(fork));
    OK(cudaEventDestroy(join));
    OK(cudaStreamDestroy(stream));
    OK(cudaStreamDestroy(helper));
    CHECK(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeGlobal) == cudaErrorStreamCaptureUnsupported);
    cudaGetLastError();
  });
}

// ------------------------------------------------------------------------------------------ devices, errors

TEST(devices_are_counted) {
  emulator::set_device_count(2);
  int count = 0;
  OK(cudaGetDeviceCount(&count));
  CHECK(count == 2);
  cudaDeviceProp properties;
  OK(cudaGetDeviceProperties(&properties, 1));
  CHECK(std::string(properties.name) == "Emulated device 1" && properties.warpSize == 32);
  CHECK(cudaSetDevice(2) == cudaErrorInvalidDevice);
  OK(cudaSetDevice(1));
  {
    Array<int> x(counted(4));
    OK(run(add, 1, 4, x.at, 1));
    CHECK(x.values()[3] == 4);
    OK(cudaSetDevice(0));
    if (checking()) finds("memory of another device", add, 1, 4, x.at, 1);
  }
  emulator::set_device_count(0);
  CHECK(cudaGetDeviceCount(&count) == cudaErrorNoDevice && count == 0);
  emulator::set_device_count(1);
  cudaGetLastError();
}

TEST(memory_ends_and_comes_back) {
  emulator::set_device_memory(1 << 20);
  size_t idle = 0, total = 0;
  OK(cudaMemGetInfo(&idle, &total));
  CHECK(idle == total && total == 1 << 20);
  void *block = nullptr, *other = nullptr;
  CHECK(cudaMalloc(&block, 2 << 20) == cudaErrorMemoryAllocation && block == nullptr);
  for (int i = 0; i < 10; ++i) {
    OK(cudaMalloc(&block, 400 << 10));
    OK(cudaMallocAsync(&other, 500 << 10, nullptr));
    OK(cudaFreeAsync(other, nullptr));
    OK(cudaFree(block));
  }
  CHECK(cudaFree(block) == cudaErrorInvalidValue);
  OK(cudaMemGetInfo(&idle, &total));
  CHECK(idle == total);
  emulator::set_device_memory(0);
  cudaGetLastError();
}

TEST(arguments_are_checked) {
  Array<int> x(counted(4));
  int host[8] = {};
  CHECK(cudaMemcpy(host, x.at, 5 * sizeof(int), cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(cudaMemcpy(host, x.at, 4, cudaMemcpyHostToDevice) == cudaErrorInvalidValue);
  CHECK(cudaMemsetAsync(host, 0, 4, nullptr) == cudaErrorInvalidValue);
  CHECK(run(add, 1, 1025, x.at, 1) == cudaErrorInvalidConfiguration);
  CHECK(run(add, 0, 1, x.at, 1) == cudaErrorInvalidConfiguration);
  CHECK(run(add, {1, 65536}, 1, x.at, 1) == cudaErrorInvalidConfiguration);
  cudaStream_t blocking = nullptr;
  CHECK(cudaStreamCreateWithFlags(&blocking, 0) == cudaErrorNotSupported);
  OK(cudaMemsetAsync(x.at, 1, 8, nullptr));
  CHECK(x.values() == (std::vector<int>{0x01010101, 0x01010101, 2, 3}));
  cudaGetLastError();
}

// -------------------------------------------------------------------------------------------- planted bugs

TEST(host_code_may_not_touch_device_memory) {
  Array<int> x(counted(4));
  int ends[2];
  CHECK(pipe(ends) == 0);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    const volatile int* at = x.at;
    _exit(at[1]);
  }
  close(ends[1]);
  char text[256] = {};
  CHECK(read(ends[0], text, sizeof text - 1) > 0);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 97);
  CHECK(std::strstr(text, "host code touched device memory") != nullptr);
}

TEST(deadlocks_are_explained) {
  for_each_seed([] {
    finds("waits at __syncthreads, which thread (3,0,0) never reached", leave_before_barrier, 2, 64);
    finds("warp operation", divergent_warp, 1, 32);
    finds("for the lanes 0xffffffff, of which only 0xffffffdf came", missing_lane, 1, 32);
    finds("not in the mask of its own", outside_own_mask, 1, 32);
    // The device goes on afterwards.
    Array<int> x(counted(4));
    OK(run(add, 1, 4, x.at, 1));
    finds("reads lane 9, which its mask leaves out", reads_other_group, 1, 32, x.at);
  });
}

// Another order of threads computes something else, even where single accesses are not watched.
TEST(a_missing_barrier_shows_in_some_order) {
  if (checking()) return;
  bool wrong = false;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    emulator::set_seed(seed);
    Array<int> x(counted(64));
    OK(run(reverse<64, false>, 1, 64, x.at));
    const std::vector<int> values = x.values();
    for (int i = 0; i < 64; ++i) wrong |= values[size_t(i)] != 63 - i;
  }
  emulator::set_seed(0);
  CHECK(wrong);
}

TEST(accesses_out_of_bounds) {
  if (!checking()) return;
  Array<int> x(counted(4)), y(counted(4));
  finds("out of bounds: write of 4 bytes of device memory", touch, 1, 1, x.at, 4);
  finds("out of bounds: write", touch, 1, 1, x.at, -1);
  finds("out of bounds: read", look, 1, 1, x.at, 60, y.at);
  finds("out of bounds: write of 4 bytes of shared memory", touch_shared, 1, 1, 8);
  finds("misaligned", misaligned, 1, 1, reinterpret_cast<char*>(x.at));
  int* freed = nullptr;
  OK(cudaMalloc(reinterpret_cast<void**>(&freed), 64));
  OK(cudaFree(freed));
  finds("out of bounds: write", touch, 1, 1, freed, 0);
  std::vector<int> host(4);
  finds("host memory is not for kernels", touch, 1, 1, host.data(), 0);
  // Parts of a block, as an allocator hands them out.
  emulator::forbid(x.at, 16);
  emulator::permit(x.at, 8);
  OK(run(touch, 1, 1, x.at, 1));
  finds("out of bounds", touch, 1, 1, x.at, 2);
}

TEST(memory_that_was_never_written) {
  if (!checking()) return;
  Array<int> x(size_t{32}), y(counted(4));
  finds("uninitialised: read of 4 bytes of device memory", look, 1, 1, x.at, 1, y.at);
  finds("uninitialised: read of 4 bytes of shared memory", read_unwritten_shared, 1, 32, x.at);
  OK(run(read_unwritten_shared, 1, 31, x.at));
}

TEST(races_within_a_block) {
  if (!checking()) return;
  for_each_seed([] {
    Array<int> x(counted(128));
    finds("race", reverse<64, false>, 1, 64, x.at);
    OK(run(reverse<64, true>, 1, 64, x.at));
    finds("race", neighbours, 1, 64, x.at, false);
    OK(run(neighbours, 1, 64, x.at, true));
    finds("race", exchange_in_warp, 1, 64, x.at, false);
    finds("race", write_after_reads, 1, 64, x.at);
  });
}

TEST(asynchronous_copies_are_watched) {
  for_each_seed([] {
    const Array<int> x(counted(128));
    Array<int> out(size_t{128});
    finds("misaligned", copies_to_nowhere, 1, 1, x.at, out.at, 16);
    finds("to shared memory only", copies_to_nowhere, 1, 1, x.at, out.at, 4);
    if (!checking()) return;
    finds("an asynchronous copy is on its way: read", copies_in_groups, 1, 64, x.at, out.at, false, true);
    // Threads wait for their own copies only: a barrier tells the others.
    CHECK(run(copies_in_groups, 1, 64, x.at, out.at, true, false) == cudaErrorLaunchFailure);
    finds("race", copies_over_what_is_read, 1, 64, x.at, out.at);
  });
}

TEST(races_between_blocks) {
  if (!checking()) return;
  for_each_seed([] {
    Array<int> x(counted(1));
    finds("of block", all_write_one, 2, 1, x.at);
    OK(run(all_write_one, 1, 1, x.at));
  });
}
