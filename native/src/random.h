// PyTorch's CPU random numbers: its Mersenne Twister and its distributions, bit for bit; and what CUDA devices draw
// from.
//
// The reference is PyTorch 2.10 on x86-64 with AVX2 (what it also runs on AVX-512 machines). The numbers here are those
// on every machine and with every TALUS_ISA, except that normal_ of float64, and of fewer than 16 float32 values, goes
// through the system's log, sin and cos, whose last bit may differ from one C library to another; PyTorch's does too.
#pragma once

#include <cstdint>

namespace talus {

// An mt19937 state plus the spare half of the last Box-Muller pair, and a counter for CUDA. One caller at a time.
struct Generator;

// Only the low 32 bits of the seed matter, as in PyTorch.
Generator* generator_create(int64_t seed);
void generator_free(Generator* generator);
// The state of a generator just created with this seed: the spare normal is dropped, too.
void generator_seed(Generator& generator, int64_t seed);
void generator_copy(const Generator& from, Generator& to);

// CUDA devices draw from Philox, which computes any block of four words by its number: every thread its own, and
// nothing waits for the host. Counters are 64 bits of the block's 128.
struct PhiloxBlocks {
  uint64_t seed, first;
};
// The next blocks of the generator.
PhiloxBlocks take_philox(Generator& generator, int64_t blocks);

// What torch.Tensor.uniform_, normal_, random_ and bernoulli_ do to a contiguous tensor of n elements, and
// torch.randperm. Nothing is drawn when n is 0. Arguments PyTorch rejects throw Error(TALUS_INVALID_ARGUMENT).

// Floating dtypes, [from, to): 24 random bits for float32, 53 for float64.
void random_uniform(Generator& generator, int dtype, int64_t n, double from, double to, void* out);
// Floating dtypes. From 16 elements on the values are drawn and paired in blocks of 16, below that one by one, so
// the sequence depends on n.
void random_normal(Generator& generator, int dtype, int64_t n, double mean, double std, void* out);
// Any dtype, [low, high); both must fit the dtype. Ranges below 2^28 take 32 random bits a value, others 64.
void random_int(Generator& generator, int dtype, int64_t n, int64_t low, int64_t high, void* out);
// Any dtype: 1 with probability p, else 0; 53 random bits a value. These are the numbers of PyTorch's own kernel; a
// PyTorch built with MKL may draw from MKL instead on Intel processors.
void random_bernoulli(Generator& generator, int dtype, int64_t n, double p, void* out);
// The numbers 0..n-1, shuffled.
void random_permutation(Generator& generator, int64_t n, int64_t* out);

}  // namespace talus

// Of CUDA devices, for the device's memory: distributions of the same ranges and steps from other numbers, the same on
// every device. A permutation is the CPU's.
namespace talus::cuda {
void random_uniform(Generator& generator, int dtype, int64_t n, double from, double to, void* out);
void random_normal(Generator& generator, int dtype, int64_t n, double mean, double std, void* out);
void random_int(Generator& generator, int dtype, int64_t n, int64_t low, int64_t high, void* out);
void random_bernoulli(Generator& generator, int dtype, int64_t n, double p, void* out);
void random_permutation(Generator& generator, int64_t n, int64_t* out);
}  // namespace talus::cuda
