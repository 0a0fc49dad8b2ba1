// What the kernels of a matrix product are told.
#pragma once

#include <cstdint>

#include "params.h"

namespace talus::cuda {

// A as [rows = m, k], B as [rows = n, k]: both are summed over k. Sizes fit an int; offsets need not.
template <class T>
struct GemmOperand {
  const T* data;
  int64_t ld, stride;  // between lines in memory and between batch entries
  int rows;
  bool vectors;  // every line begins at a multiple of 16 bytes
};

template <class T>
struct GemmProduct {
  GemmOperand<T> a, b;
  int k;
  int piece_k;  // terms of one piece of the sum, a multiple of the tile's depth
  T* c;
  int64_t ldc, stride_c;
  bool c_vectors, pieces_vectors;
  T alpha, beta;
  const T* bias;
  bool row_bias;
  Activation activation;
  T* pieces;  // [pieces, batch, m, n], or nullptr
};

// Products of one row or one column: a matrix times a vector, bound by memory. along_k: which way lines of A and B run.
template <class T>
void multiply_vector(const GemmProduct<T>& p, int64_t entries, bool a_along_k, bool b_along_k);

// cuda::gemm at this precision (enum talus_precision) of float32, whatever the setting of products of matrices is: for
// convolutions, which have a setting of their own.
void gemm_at(int precision, int dtype, const GemmParams& p);

// The tile by which the current device would multiply matrices of more than one row and column, as the setting of
// precision is now: 0 is the large one, 1 the middle one, 2 the small one. For tests that mean one of them.
int tile_of(int dtype, const GemmParams& p);

}  // namespace talus::cuda
