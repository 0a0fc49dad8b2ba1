// What devices of compute capability 8.0 and more have for products of matrices: a warp's product on tensor cores, and
// copies to shared memory that arrive later. The meanings are those of the PTX ISA's instructions.
#pragma once

#include <cstdint>

namespace emulator {

// cvt.rna.tf32.f32: to the nearest number with 10 bits of mantissa, halves away from zero.
uint32_t round_to_tf32(float x);

// mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 of all 32 lanes: sums[4] += a[4] * b[2], fragments as documented.
// Operands that were not rounded to TF32 are an error.
void multiply_in_warp(float* sums, const uint32_t* a, const uint32_t* b);

// cp.async: `given` of `bytes` are copied and the others become 0, by the wait that covers them and no earlier. Until
// then nobody may touch them.
void copy_async(void* to, const void* from, int bytes, int given);
// cp.async.commit_group: this thread's copies since the last one are a group.
void commit_copies();
// cp.async.wait_group: all but the last `groups` of this thread's groups have arrived.
void wait_for_copies(int groups);

// ------------------------------------------------------------------------------------------- for the grid

// Copies on their way are forgotten with their block.
void forget_copies();
// What the lanes of a warp, each of which passed an operand's address as a value, do when all have come.
void finish_product(const uint64_t* lanes);

}  // namespace emulator
