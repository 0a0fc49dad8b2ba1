// The contract between the convolution loops whose lanes are output channels (cpu/conv2d_channels.cpp) and the kernels
// of each instruction set. A pixel of a strip is `lanes` channels; elements of the image are broadcast, so any stride
// and any width of rows keep the lanes busy, and nothing is read that no tap needs.
#pragma once

#include "activation.h"
#include "cpu/isa/isa.h"

namespace talus {

constexpr int kMaxChannelPixels = 14;
constexpr int kMaxChannelPoints = 8;
constexpr int kMaxChannelRows = 9;

// strip[r * strip_row + q * strip_pixel + i] = activation(bias[i] + sum_t w[t * lanes + i] * x[r * x_row + q * step +
// offset[t]]): a few pixels of one or two rows.
template <class T>
struct ChannelTile {
  int64_t taps;
  const int64_t* offset;
  const T* w;
  const T* x;
  int64_t x_row;
  int64_t run;  // 1, 2 or 3: so many taps at a time have offsets that count up by one, so that they share elements
  T* strip;
  int64_t strip_row, strip_pixel;
  const T* bias;  // [lanes]
  Activation activation;
};

// strip[q][i] = activation(bias[i] + sum_t w[t * lanes + i] * x[q][offset[t]]): a few pixels wherever they are.
template <class T>
struct ChannelPoints {
  int64_t taps;
  const int64_t* offset;
  const T* w;
  const T* x[kMaxChannelPoints];
  T* strip[kMaxChannelPoints];
  const T* bias;  // [lanes]
  Activation activation;
};

// sums[(i * width + j) * lanes...] += sum over rows y and columns q of
// strip[(y * columns + q) * lanes...] * x[y * x_row + q * step + offset[i] + j], for a few kernel rows i of `width`.
template <class T>
struct ChannelDots {
  int64_t rows, columns;
  const T* strip;
  const T* x;
  int64_t x_row, step;
  const int64_t* offset;
  T* sums;
};

// For blocks of channels of one width.
template <class T>
struct ChannelKernels {
  int lanes;    // of one register, or two; 0: there are no such kernels
  int pixels;   // of the largest tile, of one row; tiles of two rows have half as many columns
  int points;   // of the largest tile where pixels may be anywhere, which blocks of two registers have instead, or 0
  int rows[2];  // of kernels, of which `dots` sums one column, or three, at a time
  // [step - 1][rows - 1][columns - 1]
  void (*tile[2][2][kMaxChannelPixels])(const ChannelTile<T>&);
  // [points - 1]
  void (*tile_of_points[kMaxChannelPoints])(const ChannelPoints<T>&);
  // [width == 3][rows - 1]
  void (*dots[2][kMaxChannelRows])(const ChannelDots<T>&);
  // to[place[t] * lanes + i] = from[i * stride + t], t < taps; nothing is read from `end` on.
  void (*pack)(int64_t taps, const T* from, int64_t stride, const T* end, const int64_t* place, T* to);
  // to[p * lanes + i] = from[i * plane + p], p < pixels.
  void (*gather)(int64_t pixels, const T* from, int64_t plane, T* to);
  // to[i * plane + p] = from[p * lanes + i], p < pixels.
  void (*scatter)(int64_t pixels, const T* from, T* to, int64_t plane);
};

// Pairs of registers, single ones, and halves for as few channels.
constexpr int kChannelWidths = 3;

struct ChannelTable {
  ChannelKernels<float> f32[kChannelWidths];
  ChannelKernels<double> f64[kChannelWidths];

  template <class T>
  const ChannelKernels<T> (&of() const)[kChannelWidths] {
    if constexpr (sizeof(T) == sizeof(float))
      return f32;
    else
      return f64;
  }
};

}  // namespace talus

TALUS_ISA_TABLE(ChannelTable, channel_table)
