// A matrix times a vector: every element of the matrix is read once, so lines of memory are read as they lie.
#include <algorithm>

#include "cuda/gemm_tile.cuh"
#include "cuda/memory.h"

namespace talus::cuda {

namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;

// out[row] = epilogue(sum over k of matrix[row, k] * vector[k]), one of both operands of a product.
template <class T>
struct VectorProduct {
  GemmOperand<T> matrix;
  const T* vector;
  int64_t vector_step, vector_stride;
  int k, piece_k;
  T* out;
  int64_t out_step, out_stride;
  T alpha, beta;
  const T* bias;
  int64_t bias_step;
  Activation activation;
  T* pieces;  // [pieces, batch, rows], or nullptr
};

template <class T>
__device__ __forceinline__ void finish(const VectorProduct<T>& p, T sum, int64_t entry, int row) {
  T* const out = p.out + entry * p.out_stride + row * p.out_step;
  T v = p.alpha * sum;
  if (p.beta != T{0}) v += p.beta * *out;
  if (p.bias != nullptr) v += p.bias[row * p.bias_step];
  *out = activated(p.activation, v);
}

template <class T>
__device__ __forceinline__ void put_sum(const VectorProduct<T>& p, T sum, int row) {
  const int64_t entry = blockIdx.y;
  if (gridDim.z == 1)
    finish(p, sum, entry, row);
  else
    p.pieces[(blockIdx.z * int64_t{gridDim.y} + entry) * p.matrix.rows + row] = sum;
}

// Lines run along k: a warp takes a row.
template <class T>
__global__ void __launch_bounds__(kThreads) vector_rows(const VectorProduct<T> p) {
  constexpr int kItems = kGemmVector<T>;
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  const int row = static_cast<int>(blockIdx.x) * kWarps + warp;
  if (row >= p.matrix.rows) return;
  const int begin = static_cast<int>(blockIdx.z) * p.piece_k, end = min(p.k, begin + p.piece_k);
  const T* line = p.matrix.data + blockIdx.y * p.matrix.stride + row * p.matrix.ld;
  const T* vector = p.vector + blockIdx.y * p.vector_stride;
  T sum = 0;
  for (int k = begin + lane * kItems; k < end; k += kWarp * kItems) {
    GemmVector<T> x;
    if (p.matrix.vectors && k + kItems <= end) {
      x = *reinterpret_cast<const GemmVector<T>*>(line + k);
    } else {
#pragma unroll
      for (int i = 0; i < kItems; ++i) x.at[i] = k + i < end ? line[k + i] : T{0};
    }
#pragma unroll
    for (int i = 0; i < kItems; ++i)
      if (k + i < end) sum += x.at[i] * vector[(k + i) * p.vector_step];
  }
  for (int step = kWarp / 2; step > 0; step /= 2) sum += __shfl_xor_sync(kAllLanes, sum, step);
  if (lane == 0) put_sum(p, sum, row);
}

// Lines run along rows: lanes are neighbouring rows, warps share the sum.
template <class T>
__global__ void __launch_bounds__(kThreads) vector_columns(const VectorProduct<T> p) {
  CUDA_SHARED(T[kWarps][kWarp], sums);
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  const int row = static_cast<int>(blockIdx.x) * kWarp + lane;
  const int begin = static_cast<int>(blockIdx.z) * p.piece_k, end = min(p.k, begin + p.piece_k);
  const T* column = p.matrix.data + blockIdx.y * p.matrix.stride + row;
  const T* vector = p.vector + blockIdx.y * p.vector_stride;
  T sum = 0;
  if (row < p.matrix.rows) {
#pragma unroll 4
    for (int k = begin + warp; k < end; k += kWarps) sum += column[k * p.matrix.ld] * vector[k * p.vector_step];
  }
  sums[warp][lane] = sum;
  __syncthreads();
  if (warp > 0 || row >= p.matrix.rows) return;
#pragma unroll
  for (int w = 1; w < kWarps; ++w) sum += sums[w][lane];
  put_sum(p, sum, row);
}

template <class T>
__global__ void __launch_bounds__(kThreads) vector_pieces(const VectorProduct<T> p, int pieces) {
  const int row = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
  if (row >= p.matrix.rows) return;
  T sum = 0;
  for (int piece = 0; piece < pieces; ++piece)
    sum += p.pieces[(piece * int64_t{gridDim.y} + blockIdx.y) * p.matrix.rows + row];
  finish(p, sum, blockIdx.y, row);
}

// Pieces of a sum have at least this many terms; there are enough for four blocks a processor, if k allows.
constexpr int kLeastPiece = 512;
constexpr int kMostPieces = 64;

int blocks_of(int rows, int per_block) { return (rows + per_block - 1) / per_block; }

}  // namespace

template <class T>
void multiply_vector(const GemmProduct<T>& p, int64_t entries, bool a_along_k, bool b_along_k) {
  const bool column = p.b.rows == 1;  // A times a column, or a row times B
  const GemmOperand<T>& other = column ? p.b : p.a;
  VectorProduct<T> v = {};
  v.matrix = column ? p.a : p.b;
  v.vector = other.data;
  v.vector_step = (column ? b_along_k : a_along_k) ? 1 : other.ld;
  v.vector_stride = other.stride;
  v.k = p.k;
  v.out = p.c;
  v.out_step = column ? p.ldc : 1;
  v.out_stride = p.stride_c;
  v.alpha = p.alpha;
  v.beta = p.beta;
  v.bias = p.bias;
  v.bias_step = p.row_bias == column ? 1 : 0;
  v.activation = p.activation;

  const bool along_k = column ? a_along_k : b_along_k;
  const int blocks = blocks_of(v.matrix.rows, along_k ? kWarps : kWarp);
  const int64_t wanted = int64_t{4} * properties(current_device()).multiprocessors / (blocks * entries);
  int pieces = static_cast<int>(std::max<int64_t>(1, std::min<int64_t>({wanted, p.k / kLeastPiece, kMostPieces})));
  // Whole vectors of the matrix.
  v.piece_k = std::max(blocks_of(blocks_of(p.k, pieces), kGemmVector<T>) * kGemmVector<T>, 1);
  pieces = std::max(blocks_of(p.k, v.piece_k), 1);
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(entries), static_cast<unsigned>(pieces));
  const auto kernel = along_k ? vector_rows<T> : vector_columns<T>;
  if (pieces == 1) return launch(kernel, grid, dim3(kThreads), 0, v);
  const Scratch<T> sums(pieces * entries * v.matrix.rows);
  v.pieces = sums.get();
  launch(kernel, grid, dim3(kThreads), 0, v);
  const dim3 finish_grid(static_cast<unsigned>(blocks_of(v.matrix.rows, kThreads)), grid.y);
  launch(vector_pieces<T>, finish_grid, dim3(kThreads), 0, v, pieces);
}

template void multiply_vector(const GemmProduct<float>&, int64_t, bool, bool);
template void multiply_vector(const GemmProduct<double>&, int64_t, bool, bool);

}  // namespace talus::cuda
