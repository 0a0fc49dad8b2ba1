// Winograd's transforms for 3x3 kernels and 4x4 outputs. Lanes are channels: a pixel of a strip, a tap or an element of
// a product is one register.
#pragma once

#include "cpu/isa/isa.h"

namespace talus {

// A tile of 4x4 outputs reads a patch of 6x6 inputs, and costs 36 multiplications instead of 144.
constexpr int64_t kWinogradTile = 4, kWinogradPatch = 6, kWinogradProducts = kWinogradPatch * kWinogradPatch;

// A strip is [rows][columns][lanes], with `row` elements from one row to the next. Of the transformed tiles, neighbours
// are `tile` elements apart and the 36 elements of one `product` elements.
struct WinogradKernels {
  int lanes;
  // Patches of a strip of 6 rows, 4 columns apart, as the factors of products: B'dB.
  void (*input)(int64_t tiles, const float* strip, int64_t row, float* to, int64_t tile, int64_t product);
  // Tiles of the output's gradient, 4 rows: A g A'.
  void (*gradient)(int64_t tiles, const float* strip, int64_t row, float* to, int64_t tile, int64_t product);
  // Products -> tiles of a strip of 4 rows: relu(A'mA + bias); bias: [lanes].
  void (*output)(int64_t tiles, const float* from, int64_t tile, int64_t product, const float* bias, bool relu,
                 float* strip, int64_t row);
  // taps [count][9][lanes] -> GwG' of each, of the kernel `turned` by 180 degrees if so.
  void (*weights)(int64_t count, const float* taps, bool turned, float* to, int64_t tile, int64_t product);
  // G'sG of the sum over `parts`, which are `part` elements apart -> taps [9][lanes].
  void (*weight_gradient)(int64_t parts, const float* from, int64_t part, int64_t product, float* taps);
  // Rows of `columns` pixels that follow each other in each of channels <= lanes planes, at least a register full of
  // them: to[r * row + q * lanes + c] = from[c * plane + r * columns + q]; 0 for the other lanes. And the way back.
  void (*gather_rows)(int64_t rows, int64_t columns, int channels, const float* from, int64_t plane, float* to,
                      int64_t row);
  void (*scatter_rows)(int64_t rows, int64_t columns, int channels, const float* from, int64_t row, float* to,
                       int64_t plane);
  // to[c * plane + i] = strip[i * lanes + c], c < channels <= lanes, i < pixels.
  void (*scatter)(int64_t pixels, int channels, const float* strip, float* to, int64_t plane);
};

}  // namespace talus

TALUS_ISA_TABLE(WinogradKernels, winograd_table)
