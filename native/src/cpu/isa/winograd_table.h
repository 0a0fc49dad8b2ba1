// Winograd's transforms for 3x3 kernels. Lanes are channels: a pixel of a strip, a tap or an element of a product is
// one register.
#pragma once

#include "activation.h"
#include "cpu/isa/isa.h"

namespace talus {

// A tile of 4x4 outputs reads a patch of 6x6 inputs, and costs 36 multiplications instead of 144.
constexpr int64_t kWinogradTile = 4, kWinogradPatch = 6, kWinogradProducts = kWinogradPatch * kWinogradPatch;

// A convolution as products of matrices. Patches become the rows of the matrices of factors: a matrix has each channel
// once for each phase of the image that it is made of, so that one product sums over all of them. The `count` channels
// from `channel`, a register or what is left of the channels, are together: phase p of the first of them is element
// channel * phases + p * count.
struct WinogradForm {
  int tile, step, patch;  // rows of the outputs of a tile, of inputs from one tile to the next, and of its inputs
  int factors, products;  // matrices
  int panels;             // channels of all products together, each counted with its phases
  const uint8_t* phases;  // of each matrix of factors; the first has the most
  const uint8_t* factor;  // of each product
  // Patches of a strip, `step` columns apart, as factors: B'dB. Neighbouring tiles are `tile` elements apart and
  // matrices `product` elements.
  void (*input)(int64_t tiles, const float* strip, int64_t row, float* to, int64_t tile, int64_t product,
                int64_t channel, int count);
  // taps [count][9][lanes] -> GwG' of each; rows of a matrix of weights are `row` elements apart.
  void (*weights)(int count, const float* taps, float* to, int64_t row, int64_t product, int64_t channel);
  // Products -> tiles of a strip: activation(A'mA + bias); bias: [lanes].
  void (*output)(int64_t tiles, const float* from, int64_t tile, int64_t product, const float* bias,
                 const Activation& activation, float* strip, int64_t row);
};

// A strip is [rows][columns][lanes], with `row` elements from one row to the next. Of the transformed tiles, neighbours
// are `tile` elements apart and the elements of one `product` elements.
struct WinogradKernels {
  int lanes;
  WinogradForm forward, backward;  // at stride 1; backward, to the input: with kernels turned by 180 degrees
  WinogradForm small_forward, small_backward;  // tiles of 2x2, 16 multiplications for 4 outputs instead of 36
  // Kernels of `count` inputs, `stride` elements apart, each followed by those of the other outputs <= lanes:
  // to[(i * 9 + t) * lanes + o] = from[i * stride + o * 9 + t]; 0 for the other lanes.
  void (*sort_taps)(int64_t count, int outputs, const float* from, int64_t stride, float* to);
  // Tiles of the output's gradient, 4 rows: A g A'.
  void (*gradient)(int64_t tiles, const float* strip, int64_t row, float* to, int64_t tile, int64_t product);
  // G'sG of the sum over `parts`, which are `part` elements apart, of inputs <= lanes -> taps [inputs][9].
  void (*weight_gradient)(int64_t parts, const float* from, int64_t part, int64_t product, int inputs, float* taps);
  // Rows of `columns` pixels that follow each other in each of channels <= lanes planes, at least a register full of
  // them: to[r * row + q * lanes + c] = from[c * plane + r * columns + q]; 0 for the other lanes. And the way back.
  void (*gather_rows)(int64_t rows, int64_t columns, int channels, const float* from, int64_t plane, float* to,
                      int64_t row);
  void (*scatter_rows)(int64_t rows, int64_t columns, int channels, const float* from, int64_t row, float* to,
                       int64_t plane);
  // to[c * plane + i] = strip[i * lanes + c], c < channels <= lanes, i < pixels.
  void (*scatter)(int64_t pixels, int channels, const float* strip, float* to, int64_t plane);
};

// At stride 2 the four phases of the image, its even and odd rows and columns, are convolved with kernels of 2x2, 2x1,
// 1x2 and 1x1 taps at stride 1, all in the 5x5 points of F(4, 2). A tap alone does not reach the point at infinity: 81
// multiplications for 4x4 outputs instead of 144. The input's gradient has the same phases.
struct WinogradStrided {
  WinogradForm forward, backward;
};

}  // namespace talus

TALUS_ISA_TABLE(WinogradKernels, winograd_table)
TALUS_ISA_TABLE(WinogradStrided, winograd_strided_table)
