// Kernels of convolutions as products: a block computes a tile, of which operands are gathered while they are needed.
#pragma once

#include "cuda/conv2d_tensor.cuh"

namespace talus::cuda {

// Phases of a launch: those of a stride of 2.
constexpr int kConvPhases = 4;

// A convolution, or the gradient of its input: out[n, group's row, position] = sum of a row of weights times a patch.
template <class T>
struct ConvProduct {
  ConvPhase phases[kConvPhases];
  ConvImages<T> images;  // [n, groups * channels, ...]
  const T* weight;       // of all groups
  bool weight_vectors;
  int groups, channels, rows;       // of a group: channels of the images and of out
  int kernel, kw;                   // elements of a kernel and of its rows
  int tiles_n;                      // of the phase with most pixels
  int out_image, out_plane, out_w;  // elements of an image, of a channel, of a row
  bool out_vectors;
  T* out;
  const T* bias;
  Activation activation;
  T* pieces;  // [pieces, n, ...] as out, or nullptr
  int64_t piece_size;
};

// Where a block's tile lies. It is kept in shared memory while the sums need all registers.
struct ConvTile {
  int row0, col0, group;
  int weights;  // where the group's begin
};

template <class T>
__device__ __forceinline__ T conv_epilogue(T sum, const T* bias, int channel, const Activation& activation) {
  if (bias != nullptr) sum += bias[channel];
  return activated(activation, sum);
}

template <class T>
__device__ __forceinline__ int position_offset(const ConvProduct<T>& p, const ConvPhase& phase, int index) {
  const int n = static_cast<int>(phase.by_area.quotient(static_cast<uint32_t>(index)));
  const int within = index - n * phase.area;
  const int row = static_cast<int>(phase.by_width.quotient(static_cast<uint32_t>(within)));
  const int y = phase.h.first_position + phase.h.position_step * row;
  const int x = phase.w.first_position + phase.w.position_step * (within - row * phase.w.positions);
  return n * p.out_image + y * p.out_w + x;
}

// blockIdx.x counts rows of tiles, then columns, then groups, so that blocks that run together share patches in L2;
// blockIdx.y counts phases, blockIdx.z pieces of the sum. Gradient: rows are the weight's input channels.
template <class T, class Tile, bool Gradient>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks) conv_tiles(const __grid_constant__ ConvProduct<T> p) {
  constexpr int kVector = kGemmVector<T>;
  const ConvPhase& phase = p.phases[blockIdx.y];
  const int tiles_m = (p.rows + Tile::kM - 1) / Tile::kM, block = static_cast<int>(blockIdx.x);
  const int row0 = block % tiles_m * Tile::kM, col0 = block / tiles_m % p.tiles_n * Tile::kN;
  const int group = block / tiles_m / p.tiles_n, piece = static_cast<int>(blockIdx.z);
  if (col0 >= phase.pixels) return;
  const int group_weights = group * p.channels * p.rows * p.kernel;
  CUDA_SHARED(ConvTile, tile);
  if (threadIdx.x == 0) tile = {row0, col0, group, group_weights};
  const int k0 = piece * phase.piece_k, k_left = min(phase.k - k0, phase.piece_k);

  const typename Tile::Place place;
  T sums[Tile::kPerM][Tile::kPerN] = {};
  using Patches = typename ConvPanels<Tile>::Patches;
  CUDA_SHARED(typename Patches::Table, taps);
  Patches patches(p.images, group * p.channels * p.images.plane, phase, col0, k0, k_left, taps);
  if constexpr (Gradient) {
    typename ConvPanels<Tile>::template Terms<Tile::kM, WeightRows<T>> weights(
        {p.weight, tile.weights, tile.row0, p.rows, p.kernel, p.kw, phase}, k0);
    gemm_sums<Tile>(place, weights, patches, k_left, sums);
  } else {
    const T* const weight = p.weight + group_weights;
    const GemmOperand<T> operand = {weight, phase.k, 0, p.rows, p.weight_vectors};
    typename Tile::template Panel<Tile::kM, true> weights(operand, weight + k0, row0);
    gemm_sums<Tile>(place, weights, patches, k_left, sums);
  }

  const ConvTile at = tile;
  const bool whole = gridDim.z == 1;
  T* const out = whole ? p.out : p.pieces + blockIdx.z * p.piece_size;
#pragma unroll
  for (int j = 0; j < Tile::kPiecesN; ++j) {
    const int col = at.col0 + place.column(j);
    int offsets[kVector];
#pragma unroll
    for (int v = 0; v < kVector; ++v) offsets[v] = col + v < phase.pixels ? position_offset(p, phase, col + v) : -1;
#pragma unroll
    for (int i = 0; i < Tile::kPerM; ++i) {
      const int row = at.row0 + place.row(i), channel = at.group * p.rows + row;
      if (row >= p.rows) continue;
      T* const to = out + channel * p.out_plane;
      GemmVector<T> values;
#pragma unroll
      for (int v = 0; v < kVector; ++v) {
        const T sum = sums[i][j * kVector + v];
        values.at[v] = whole ? conv_epilogue(sum, p.bias, channel, p.activation) : sum;
      }
      // Vectors do not reach over the end: areas are whole vectors then.
      if (p.out_vectors) {
        if (offsets[0] >= 0) *reinterpret_cast<GemmVector<T>*>(to + offsets[0]) = values;
      } else {
#pragma unroll
        for (int v = 0; v < kVector; ++v)
          if (offsets[v] >= 0) to[offsets[v]] = values.at[v];
      }
    }
  }
}

// The gradient of a weight: out[group's row, tap] = sum over positions of a gradient times a patch's element.
template <class T>
struct ConvWeightProduct {
  ConvPhase phase;       // k: taps of a group's channels
  ConvImages<T> images;  // [n, groups * channels, ...]
  const T* grad;         // [n, groups * rows, positions]
  int groups, channels, rows;
  int piece_pixels;  // positions of a piece
  T* out;            // [pieces, groups, rows, k]
};

template <class T, class Tile>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks)
    conv_weight_tiles(const __grid_constant__ ConvWeightProduct<T> p) {
  constexpr int kVector = kGemmVector<T>;
  const int tiles_m = (p.rows + Tile::kM - 1) / Tile::kM, tiles_n = (p.phase.k + Tile::kN - 1) / Tile::kN;
  const int block = static_cast<int>(blockIdx.x), group = block / tiles_m / tiles_n;
  const int row0 = block % tiles_m * Tile::kM, col0 = block / tiles_m % tiles_n * Tile::kN;
  const int piece = static_cast<int>(blockIdx.z), first = piece * p.piece_pixels;
  const int left = min(p.phase.pixels - first, p.piece_pixels);

  const typename Tile::Place place;
  T sums[Tile::kPerM][Tile::kPerN] = {};
  typename ConvPanels<Tile>::template Terms<Tile::kM, GradientRows<T>> gradients(
      {p.grad, group * p.rows * p.phase.area, row0, p.rows, p.groups * p.rows * p.phase.area, p.phase}, first);
  CUDA_SHARED(ConvTile, tile);
  if (threadIdx.x == 0) tile = {row0, col0, group, 0};
  CUDA_SHARED(ConvPlace[Tile::kN], taps);
  for (int i = static_cast<int>(threadIdx.x); i < Tile::kN; i += Tile::kThreads) {
    taps[i] = col0 + i < p.phase.k ? p.images.tap(p.phase, col0 + i) : nowhere();
    taps[i].offset += group * p.channels * p.images.plane;
  }
  __syncthreads();
  typename ConvPanels<Tile>::template Terms<Tile::kN, PatchTerms<T>> patches({p.images, p.phase, taps}, first);
  gemm_sums<Tile>(place, gradients, patches, left, sums);

  const ConvTile at = tile;
  T* const out = p.out + (blockIdx.z * static_cast<int64_t>(p.groups) + at.group) * p.rows * p.phase.k;
#pragma unroll
  for (int i = 0; i < Tile::kPerM; ++i) {
    const int row = at.row0 + place.row(i);
    if (row >= p.rows) continue;
#pragma unroll
    for (int j = 0; j < Tile::kPerN; ++j) {
      const int col = at.col0 + place.column(j / kVector) + j % kVector;
      if (col < p.phase.k) out[static_cast<int64_t>(row) * p.phase.k + col] = sums[i][j];
    }
  }
}

}  // namespace talus::cuda
