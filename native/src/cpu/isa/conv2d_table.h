// The contract between the convolution loops (cpu/conv2d*.cpp) and the kernels of each instruction set.
//
// Both kernels work on pieces of image rows, at most one register wide: kernel taps are shifts of a piece, given as
// `offset`s into the (padded) image, so no patch is ever copied out.
#pragma once

#include "activation.h"
#include "cpu/isa/isa.h"

namespace talus {

constexpr int kMaxConvRows = 14;
constexpr int kMaxConvPieces = 4;

// out[i][v] = activation(bias[i] + sum_t w[t * rows + i] * x[v][offset[t]...]): `rows` output channels, a few pieces.
template <class T>
struct ConvTile {
  int64_t taps;
  const int64_t* offset;
  const T* w;
  const T* x[kMaxConvPieces];  // whole registers are read
  T* out[kMaxConvPieces];      // of the first channel
  int count[kMaxConvPieces];   // elements written of each piece
  int64_t out_channel;         // from one output channel to the next
  const T* bias;               // [rows] or null
  Activation activation;
};

// sums[i * sums_stride + s] += sum over images and their rows of g[i][...] * x[offset[s] + ...], columns elements each.
template <class T>
struct ConvDots {
  int64_t images, rows, columns;
  const T* g;
  int64_t g_image, g_row, g_channel;
  const T* x;
  int64_t x_image, x_row;
  const int64_t* offset;
  T* sums;
  int64_t sums_stride;
};

constexpr int kMaxConvDotRows = 4;
constexpr int kMaxConvDotTaps = 6;

template <class T>
struct ConvKernels {
  int lanes;
  int rows;                                        // output channels of the largest tile
  int pieces[kMaxConvRows];                        // pieces of a tile, by its rows - 1
  void (*tile[kMaxConvRows])(const ConvTile<T>&);  // by rows - 1
  int dot_rows, dot_taps;
  bool masks_cost;  // loading or storing part of a register costs more than some arithmetic with whole ones
  // By rows - 1 and taps - 1. The second is for columns < lanes, and reads whole registers.
  void (*dots[2][kMaxConvDotRows][kMaxConvDotTaps])(const ConvDots<T>&);
  T (*sum)(int64_t n, const T* x);
  // to[r * to_row + j] = or += from[r * from_row + j].
  void (*copy_rows)(int64_t rows, int64_t columns, const T* from, int64_t from_row, T* to, int64_t to_row);
  void (*add_rows)(int64_t rows, int64_t columns, const T* from, int64_t from_row, T* to, int64_t to_row);
  // to[r * to_row + j] = from[r * from_row + 2 * j].
  void (*take_every_second)(int64_t rows, int64_t columns, const T* from, int64_t from_row, T* to, int64_t to_row);
  // The way back, of both halves: to[r * to_row + 2 * j] = even[r * from_row + j] and the next one = odd[...],
  // `columns` of them in all. Null stands for zeros.
  void (*merge_rows)(int64_t rows, int64_t columns, const T* even, const T* odd, int64_t from_row, T* to,
                     int64_t to_row);
  // Columns of a matrix in panels of `width`, the last one of what is left:
  // to[i * panel + p * width + j] = from[p * stride + i * width + j], p < k, i * width + j < columns.
  void (*split_columns)(int64_t k, int64_t columns, const T* from, int64_t stride, int width, T* to, int64_t panel);
  // to[p * to_row + j] = from[offset[p] + j], p < taps, j < columns.
  void (*gather)(int64_t taps, const int64_t* offset, const T* from, int columns, T* to, int64_t to_row);
};

struct ConvTable {
  ConvKernels<float> f32;
  ConvKernels<double> f64;

  template <class T>
  const ConvKernels<T>& of() const {
    if constexpr (sizeof(T) == sizeof(float))
      return f32;
    else
      return f64;
  }
};

}  // namespace talus

TALUS_ISA_TABLE(ConvTable, conv2d_table)
