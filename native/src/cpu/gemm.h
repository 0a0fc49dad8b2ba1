// The parts of a matrix product inside the library: operands, and the ways to multiply them that gemm chooses among.
#pragma once

#include <cstdint>

#include "cpu/isa/gemm_table.h"
#include "cpu/parts.h"

namespace talus::cpu {

// Multiply-adds that are worth waking a thread for.
constexpr int64_t kParallelWork = 1 << 20;
// Products of at most this many multiply-adds are done at once, by this thread, without blocks: deciding how to cut and
// allocating would cost as much as the arithmetic.
constexpr int64_t kSmallWork = 1 << 18;

// So few rows of A do not repay packing B where it can be read in place. Its rows lie on many pages, and often in few
// sets of the caches.
constexpr int64_t kRowsInPlace = 24;

template <class T>
struct Matrix {
  const T* data;
  int64_t stride;
  bool trans;

  const T* at(int64_t row, int64_t column) const {
    return trans ? data + column * stride + row : data + row * stride + column;
  }
};

// C = relu(alpha * A B + beta * C + bias + row_bias)
template <class T>
struct Product {
  int64_t m, n, k;
  Matrix<T> a, b;
  T* c;
  int64_t ldc;
  T alpha, beta;
  const T *bias, *row_bias;  // [n] and [m], or null
  bool relu;
};

// Cut into blocks for the caches, packed where that pays, shared by the threads of the pool.
template <class T>
void multiply_blocks(const GemmKernels<T>& kernels, const Product<T>& product);

// Everything read in place; only a transposed B and columns that fill no vector are copied, one tile wide. m > 0, n >
// 0, k rows of one tile's width fit kSmallPanelBytes.
constexpr int64_t kSmallPanelBytes = 32 << 10;
template <class T>
void multiply_small(const GemmKernels<T>& kernels, const Product<T>& product);

// A stored by rows and B by columns, few of A's: B is read in place as dot products.
template <class T>
bool prefers_dots(const GemmKernels<T>& kernels, const Product<T>& product);
template <class T>
void multiply_dots(const GemmKernels<T>& kernels, const Product<T>& product);

// m == 1 or n == 1, k > 0.
template <class T>
void multiply_vector(const GemmKernels<T>& kernels, const Product<T>& product);

}  // namespace talus::cpu
