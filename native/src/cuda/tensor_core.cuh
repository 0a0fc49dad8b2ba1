// Instructions that CUDA C++ has no names for: products on tensor cores, and copies to shared memory that no register
// waits for. Devices of compute capability 8.0 and more know them; launchers choose no kernel that needs them on
// others.
#pragma once

#include "cuda/device.cuh"

namespace talus::cuda {

#if defined(__CUDACC__)
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#define TALUS_SM80(...) __trap()
#else
#define TALUS_SM80(...) __VA_ARGS__
#endif
#endif

// The nearest number with 10 bits of mantissa, halves away from zero; the bits as a product takes them.
__device__ __forceinline__ uint32_t to_tf32(float x) {
#if defined(__CUDACC__)
  uint32_t bits = 0;
  TALUS_SM80(asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x)));
  return bits;
#else
  return emulator::round_to_tf32(x);
#endif
}

// A warp's product of 16x8 and 8x8 elements, added to 16x8 sums. Lane 4g + t gives of A rows g and g + 8 in columns t
// and t + 4, as a[column half][row half], of B column g in rows t and t + 4, and has the sums of rows g (s0, s1) and
// g + 8 (s2, s3) in columns 2t and 2t + 1. Source: PTX ISA, "Matrix Fragments for mma.m16n8k8", .tf32.
__device__ __forceinline__ void multiply_tf32(float& s0, float& s1, float& s2, float& s3, const uint32_t (&a)[4],
                                              const uint32_t (&b)[2]) {
#if defined(__CUDACC__)
  TALUS_SM80(
      asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
          "{%0, %1, %2, %3};"
          : "+f"(s0), "+f"(s1), "+f"(s2), "+f"(s3)
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1])));
#else
  float sums[4] = {s0, s1, s2, s3};
  emulator::multiply_in_warp(sums, a, b);
  s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
#endif
}

// Begins to copy `given` bytes from global memory; those up to Bytes become 0. Both addresses are multiples of Bytes.
template <int Bytes>
__device__ __forceinline__ void copy_async(void* shared, const void* global, int given) {
  static_assert(Bytes == 4 || Bytes == 16, "a word, or a vector that passes L1 by");
#if defined(__CUDACC__)
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  if constexpr (Bytes == 16)
    TALUS_SM80(asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(given)
                            : "memory"));
  else
    TALUS_SM80(asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(to), "l"(global), "r"(given)
                            : "memory"));
#else
  emulator::copy_async(shared, global, Bytes, given);
#endif
}

// The copies that this thread began since the last call are a group, be they none.
__device__ __forceinline__ void commit_copies() {
#if defined(__CUDACC__)
  TALUS_SM80(asm volatile("cp.async.commit_group;" ::: "memory"));
#else
  emulator::commit_copies();
#endif
}

// Waits for all of this thread's groups but the last Groups. A barrier then makes them known to other threads.
template <int Groups>
__device__ __forceinline__ void wait_for_copies() {
#if defined(__CUDACC__)
  TALUS_SM80(asm volatile("cp.async.wait_group %0;" ::"n"(Groups) : "memory"));
#else
  emulator::wait_for_copies(Groups);
#endif
}

}  // namespace talus::cuda
