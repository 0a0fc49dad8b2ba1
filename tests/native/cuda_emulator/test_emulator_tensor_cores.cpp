// Tensor cores and asynchronous copies: what they compute, and what is found wrong with their use.
#include "emulator_launches.h"

namespace {

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

// Planted bugs.
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

}  // namespace

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
