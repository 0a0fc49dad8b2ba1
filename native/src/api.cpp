// The border of all but the kernels: the library, threads, memory and random numbers. Each function checks what is
// cheap to check, and turns whatever is thrown into a status and a message.
#include <cinttypes>
#include <cstring>

#include "api_device.h"
#include "cpu_features.h"
#include "cuda/memory.h"
#include "memory.h"
#include "parallel.h"
#include "precision.h"
#include "random.h"

using namespace talus;

namespace {

Generator& generator_at(talus_ptr address) {
  require_address("the generator", address);
  return *static_cast<Generator*>(address);
}

void put_bytes(void* to, const void* from, int64_t bytes) { std::memcpy(to, from, static_cast<size_t>(bytes)); }
void get_bytes(void* to, const void* from, int64_t bytes) { std::memcpy(to, from, static_cast<size_t>(bytes)); }

template <class To, class From>
int copy_bytes(int device, void (*copy)(void*, const void*, int64_t), void (*cuda_copy)(void*, const void*, int64_t),
               To* to, const From* from, int64_t n, int64_t item) {
  return guarded([&] {
    const auto chosen = function_on(device, copy, cuda_copy);
    require_count("the number of elements", n);
    if (n == 0) return;
    require_address("the destination", to);
    require_address("the source", from);
    chosen(to, from, n * item);
  });
}

#if defined(TALUS_HAS_CUDA)
#define TALUS_PUT put_bytes, cuda::put
#define TALUS_GET get_bytes, cuda::get
#else
#define TALUS_PUT put_bytes, static_cast<decltype(&put_bytes)>(nullptr)
#define TALUS_GET get_bytes, static_cast<decltype(&get_bytes)>(nullptr)
#endif

}  // namespace

extern "C" {

// ---------------------------------------------------------------------------------------- library, threads

const char* talus_version(void) { return TALUS_VERSION; }

const char* talus_isa(void) {
  const char* name = nullptr;
  guarded([&] { name = isa_name(current_isa()); });
  return name;
}

const char* talus_available_isas(void) { return available_isas(); }

int talus_set_isa(const char* name) {
  return guarded([&] {
    require_address("the name of the instruction set", name);
    set_isa(name);
  });
}

int talus_set_num_threads(int threads) {
  return guarded([&] { set_num_threads(threads); });
}

int talus_num_threads(void) { return num_threads(); }

int talus_set_float32_matmul_precision(int precision) {
  return guarded([&] { set_float32_matmul_precision(precision); });
}

int talus_float32_matmul_precision(void) { return float32_matmul_precision(); }

int talus_set_conv_fp32_precision(int precision) {
  return guarded([&] { set_conv_fp32_precision(precision); });
}

int talus_conv_fp32_precision(void) { return conv_fp32_precision(); }

// -------------------------------------------------------------------------------------------------- memory

talus_ptr talus_alloc(int device, int64_t bytes) {
  void* block = nullptr;
  guarded([&] { block = TALUS_TWIN(allocate)(bytes); });
  return block;
}

int talus_free(int device, talus_ptr block) {
  return guarded([&] { TALUS_TWIN(release)(block); });
}

int talus_memory_stats(int device, int64_t* stats) {
  return guarded([&] {
    require_address("stats", stats);
    TALUS_TWIN(memory_stats)(stats);
  });
}

int talus_memory_reset_peak(int device) {
  return guarded([&] { TALUS_TWIN(memory_reset_peak)(); });
}

int talus_memory_set_limit(int device, int64_t bytes) {
  return guarded([&] { TALUS_TWIN(memory_set_limit)(bytes); });
}

int talus_memory_trim(int device) {
  return guarded([&] { TALUS_TWIN(memory_trim)(); });
}

int talus_memory_holders(int device, int rows, int64_t* pairs) {
  int filled = -1;
  guarded([&] {
    require_count("rows", rows);
    if (rows > 0) require_address("pairs", pairs);
    filled = TALUS_TWIN(memory_holders)(rows, pairs);
  });
  return filled;
}

int talus_put_f32(int device, talus_ptr dst, const float* src, int64_t n) {
  return copy_bytes(device, TALUS_PUT, dst, src, n, 4);
}
int talus_put_f64(int device, talus_ptr dst, const double* src, int64_t n) {
  return copy_bytes(device, TALUS_PUT, dst, src, n, 8);
}
int talus_put_i64(int device, talus_ptr dst, const int64_t* src, int64_t n) {
  return copy_bytes(device, TALUS_PUT, dst, src, n, 8);
}
int talus_put_i32(int device, talus_ptr dst, const int32_t* src, int64_t n) {
  return copy_bytes(device, TALUS_PUT, dst, src, n, 4);
}
int talus_put_u8(int device, talus_ptr dst, const int8_t* src, int64_t n) {
  return copy_bytes(device, TALUS_PUT, dst, src, n, 1);
}
int talus_get_f32(int device, talus_ptr src, float* dst, int64_t n) {
  return copy_bytes(device, TALUS_GET, dst, src, n, 4);
}
int talus_get_f64(int device, talus_ptr src, double* dst, int64_t n) {
  return copy_bytes(device, TALUS_GET, dst, src, n, 8);
}
int talus_get_i64(int device, talus_ptr src, int64_t* dst, int64_t n) {
  return copy_bytes(device, TALUS_GET, dst, src, n, 8);
}
int talus_get_i32(int device, talus_ptr src, int32_t* dst, int64_t n) {
  return copy_bytes(device, TALUS_GET, dst, src, n, 4);
}
int talus_get_u8(int device, talus_ptr src, int8_t* dst, int64_t n) {
  return copy_bytes(device, TALUS_GET, dst, src, n, 1);
}

int talus_transfer(int src_device, talus_ptr src, int dst_device, talus_ptr dst, int64_t bytes) {
  if (dst_device == TALUS_DEVICE_CPU) return copy_bytes(src_device, TALUS_GET, dst, src, bytes, 1);
  if (src_device == TALUS_DEVICE_CPU) return copy_bytes(dst_device, TALUS_PUT, dst, src, bytes, 1);
  return guarded([&] {
    use_cuda(src_device);
    use_cuda(dst_device);
    require_count("the number of bytes", bytes);
    if (bytes == 0) return;
    require_address("the destination", dst);
    require_address("the source", src);
#if defined(TALUS_HAS_CUDA)
    cuda::transfer(src_device - TALUS_DEVICE_CUDA, src, dst_device - TALUS_DEVICE_CUDA, dst, bytes);
#endif
  });
}

// -------------------------------------------------------------------------------------------------- random

talus_ptr talus_generator_create(int64_t seed) {
  Generator* generator = nullptr;
  guarded([&] { generator = generator_create(seed); });
  return generator;
}

int talus_generator_free(talus_ptr generator) {
  return guarded([&] { generator_free(&generator_at(generator)); });
}

int talus_generator_seed(talus_ptr generator, int64_t seed) {
  return guarded([&] { generator_seed(generator_at(generator), seed); });
}

int talus_generator_copy(talus_ptr from, talus_ptr to) {
  return guarded([&] { generator_copy(generator_at(from), generator_at(to)); });
}

int talus_random_uniform(int device, talus_ptr generator, int dtype, int64_t n, double from, double to, talus_ptr out) {
  return guarded([&] {
    require_counts(n);
    TALUS_TWIN(random_uniform)(generator_at(generator), dtype, n, from, to, out);
  });
}

int talus_random_normal(int device, talus_ptr generator, int dtype, int64_t n, double mean, double std, talus_ptr out) {
  return guarded([&] {
    require_counts(n);
    TALUS_TWIN(random_normal)(generator_at(generator), dtype, n, mean, std, out);
  });
}

int talus_random_int(int device, talus_ptr generator, int dtype, int64_t n, int64_t low, int64_t high, talus_ptr out) {
  return guarded([&] {
    require_counts(n);
    TALUS_TWIN(random_int)(generator_at(generator), dtype, n, low, high, out);
  });
}

int talus_random_bernoulli(int device, talus_ptr generator, int dtype, int64_t n, double p, talus_ptr out) {
  return guarded([&] {
    require_counts(n);
    TALUS_TWIN(random_bernoulli)(generator_at(generator), dtype, n, p, out);
  });
}

int talus_random_permutation(int device, talus_ptr generator, int64_t n, talus_ptr out) {
  return guarded([&] {
    require_counts(n);
    TALUS_TWIN(random_permutation)(generator_at(generator), n, static_cast<int64_t*>(out));
  });
}

}  // extern "C"
