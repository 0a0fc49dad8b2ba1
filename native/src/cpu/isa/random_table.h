// The inner loops of the random number generator, per instruction set. All sets give the same bits.
#pragma once

#include <cstdint>

#include "isa.h"

namespace talus {

constexpr int kTwisterWords = 624;

struct RandomTable {
  // Replaces the kTwisterWords words of an mt19937 state by the next ones.
  void (*twist)(uint32_t* state);
  // The generator's output for n state words.
  void (*temper)(const uint32_t* state, int64_t n, uint32_t* words);
  // out[i] = u * range + from, rounded once; u is [0, 1) from one word (float) or two, the high one first (double).
  void (*uniform_f32)(const uint32_t* words, int64_t n, float from, float range, float* out);
  void (*uniform_f64)(const uint32_t* words, int64_t n, double from, double range, double* out);
  // Turns blocks of 16 numbers in [0, 1) into normal ones, pairing j with j + 8; n is a multiple of 16.
  void (*box_muller)(float* data, int64_t n, float mean, float std);
  // out[i] = 1 where the 53 low bits of pair i, the high word first, are below the limit, else 0.
  void (*below)(const uint32_t* words, int64_t n, int64_t limit, uint8_t* out);
  // x [n, inner] times the factor where kept [n] is 1, times 0 where it is 0.
  void (*mask_f32)(int64_t n, int64_t inner, const void* x, const uint8_t* kept, double factor, void* out);
  void (*mask_f64)(int64_t n, int64_t inner, const void* x, const uint8_t* kept, double factor, void* out);
};

}  // namespace talus

TALUS_ISA_TABLE(RandomTable, random_table)
