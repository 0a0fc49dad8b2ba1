// Winograd's transforms F(4, 3) down columns: of kernels three rows high, four rows of outputs at a time. Lanes are
// columns, so rows are as wide as they are.
#pragma once

#include "cpu/isa/conv2d_table.h"
#include "activation.h"
#include "cpu/isa/isa.h"

namespace talus {

// Four output rows read six input rows, and cost six products instead of twelve.
constexpr int64_t kColumnTile = 4, kColumnPatch = 6;

// B'd: rows `first` + 4 t + i, i < 6, of a plane become rows t of each of the six products. Rows outside the plane are
// zeros, and whole registers are written: what lies behind a row must be written later, or be padding.
struct ColumnRows {
  int64_t first, height, columns, tiles;
  const float* from;
  float* to;
  int64_t row, product;
};

// out = activation(A'm + bias): up to four rows of `rows` channels, of a few pieces.
struct ColumnOutput {
  int rows, pieces;
  const float* m;  // [product][channel][piece][lanes]
  float* out[kMaxConvPieces];
  int height[kMaxConvPieces], count[kMaxConvPieces];  // rows and columns of each piece
  int64_t out_row, out_channel;
  const float* bias;  // [rows] or null
  Activation activation;
};

struct Winograd1dKernels {
  void (*input)(const ColumnRows&);
  void (*output)(const ColumnOutput&);
  // Gw of count kernels [3][run] -> [run] of each product; of the kernel upside down if `turned`.
  void (*weights)(int64_t count, int64_t run, const float* w, bool turned, float* to, int64_t product);
};

}  // namespace talus

TALUS_ISA_TABLE(Winograd1dKernels, winograd1d_table)
