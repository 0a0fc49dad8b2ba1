// The contract between the GEMM loops (cpu/gemm.cpp) and the micro-kernels of each instruction set.
#pragma once

#include "activation.h"
#include "cpu/isa/isa.h"

namespace talus {

// One tile of C: rows x n, n <= vectors * lanes.  C = activation(alpha * A B + beta * C + bias + row_bias)
template <class T>
struct GemmTile {
  int64_t k;
  const T* a;  // element (i, p) at a[i + p * a_stride] or, for a tile that reads rows, a[i * a_stride + p]
  int64_t a_stride;
  const T* b;  // row p at b + p * b_stride; whole vectors are read, unless the table's partial_b says otherwise
  int64_t b_stride;
  T* c;
  int64_t ldc;
  int n;
  T alpha, beta;  // beta == 0: C is not read
  const T* bias;  // [n] or null
  Activation activation;
  const T* row_bias = nullptr;  // [rows] or null
};

constexpr int kMaxTileRows = 16;
constexpr int kTileVectors = 2, kWideTileVectors = 3;
constexpr int kMaxBlockRows = 4;
constexpr int kMaxBlockColumns = 6;

template <class T>
struct GemmKernels {
  using Tile = void (*)(const GemmTile<T>&);

  // The largest tiles: rows x (kTileVectors * lanes) and, if wide_rows > 0, wide_rows x (kWideTileVectors * lanes).
  int rows, wide_rows;
  int lanes;
  bool
      partial_b;  // of each row of B a tile reads no more than n elements, so B need not be packed for its last columns
  // [A is read by rows][vectors - 1][rows - 1]
  Tile tile[2][kWideTileVectors][kMaxTileRows];

  // Both operands' rows along k: element (i, p) of A at a[i * a_stride + p], (p, j) of B at b[j * b_stride + p].
  // [rows - 1][columns - 1], at most most_dot_rows x most_dot_columns; n is not read.
  int most_dot_rows, most_dot_columns;
  Tile dots[kMaxBlockRows][kMaxBlockColumns];

  // to[p * width + i] = from[i * stride + p], i < count, p < k; zero for count <= i < width.
  void (*pack_rows)(int64_t k, int count, const T* from, int64_t stride, int width, T* to);
  // to[p * width + i] = from[p * stride + i], likewise.
  void (*pack_columns)(int64_t k, int count, const T* from, int64_t stride, int width, T* to);

  // y[i] = sum_p m[i * stride + p] * x[p], i < count.
  void (*dot_rows)(int64_t count, int64_t k, const T* m, int64_t stride, const T* x, T* y);
  // y[j] = sum_p x[p] * m[p * stride + j], j < count.
  void (*add_rows)(int64_t count, int64_t k, const T* m, int64_t stride, const T* x, T* y);
  // Whether that reads some rows side by side along long pieces of y, and not down them.
  bool (*adds_side_by_side)(int64_t k, int64_t stride);

  // Vectors that hold n columns of a tile.
  int vectors_of(int64_t n) const { return 1 + (n > lanes ? 1 : 0) + (n > 2 * lanes ? 1 : 0); }
  Tile tile_of(bool reads_rows, int64_t n, int64_t tile_rows) const {
    return tile[reads_rows][vectors_of(n) - 1][tile_rows - 1];
  }
};

struct GemmTable {
  GemmKernels<float> f32;
  GemmKernels<double> f64;

  template <class T>
  const GemmKernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float))
      return f32;
    else
      return f64;
  }
};

}  // namespace talus

TALUS_ISA_TABLE(GemmTable, gemm_table)
