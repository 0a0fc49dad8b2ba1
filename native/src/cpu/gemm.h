// The parts of a matrix product inside the library: operands, and the ways to multiply them that gemm chooses among.
#pragma once

#include <cstdint>

#include "caches.h"
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

// C = activation(alpha * A B + beta * C + bias + row_bias)
template <class T>
struct Product {
  int64_t m, n, k;
  Matrix<T> a, b;
  T* c;
  int64_t ldc;
  T alpha, beta;
  const T *bias, *row_bias;  // [n] and [m], or null
  Activation activation;
};

// The largest tiles of C that a product is cut into.
struct TileShape {
  int64_t rows, width;
};

// For so many columns. Wide tiles load less for each multiply-add, but not the narrow one at the end of 64 columns:
// these are two tall tiles.
template <class T>
TileShape tile_shape(const GemmKernels<T>& kernels, int64_t columns) {
  const int64_t tall = kTileVectors * kernels.lanes, wide = kWideTileVectors * kernels.lanes;
  if (columns <= tall) return {kernels.rows, kernels.vectors_of(columns) * kernels.lanes};
  const int64_t width = even_part(columns, kernels.wide_rows > 0 ? wide : tall, kernels.lanes);
  return {width > tall ? kernels.wide_rows : kernels.rows, width};
}

// Tiles of B that stay in L1 are as deep as a multiple of this.
constexpr int64_t kDepthStep = 64;

// How many elements of one row of A or column of B a block has. With 512, where L1 has 32 KB, a tile of B streams from
// L2 past a panel of A in L1. AVX-512 with 48 KB of L1 is faster with 256, where both stay: Ice Lake's L2 is slow for
// its multiply-adds. In float64, with half as many of these for each byte, the next panel of A has to find room, too:
// 128 is 1.15 to 1.25 times as fast as 192.
template <class T>
int64_t block_depth(const GemmKernels<T>& kernels, const TileShape& shape) {
  constexpr int64_t kBytes = sizeof(T);
  const int64_t panels = kBytes == 8 ? 2 : 1;
  const int64_t l1 = caches().l1, both = (panels * shape.rows + shape.width) * kBytes;
  const bool stays = kernels.lanes * kBytes == 64 && l1 >= 48 << 10;
  return stays ? l1 / both / kDepthStep * kDepthStep : std::max<int64_t>(16, l1 / 64);
}

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
