// The tile of a matrix product: a block computes kM x kN elements of C, each thread 8x8 or 4x4 of them in registers.
//
//   A [m, k] -> shared [kDepth][kM], B [k, n] -> shared [kDepth][kN]
//   for each of kDepth terms: sums[row][col] += A's column[row] * B's row[col], in registers
//
// Both panels exist twice: while one pair is multiplied, the next is on its way from memory in registers.
#pragma once

#include "cuda/device.cuh"
#include "cuda/gemm.h"

namespace talus::cuda {

template <class T>
constexpr int kGemmVector = 16 / static_cast<int>(sizeof(T));

template <class T>
struct alignas(16) GemmVector {
  T at[kGemmVector<T>];
};

template <class T, int Rows, int Depth, int Threads, bool AlongK>
class GemmPanel;
template <class T, class Tile>
struct GemmPlace;

// kPerM x kPerN elements of C a thread, cut into 16-byte pieces that lie kM / pieces rows and kN / pieces columns
// apart: so the threads of a warp read neighbouring vectors of shared memory.
template <class T, int M, int N, int Depth, int PerM, int PerN>
struct GemmTile {
  static constexpr int kM = M, kN = N, kDepth = Depth, kPerM = PerM, kPerN = PerN;
  static constexpr int kThreads = (M / PerM) * (N / PerN);
  // Blocks that share a multiprocessor: so few registers a thread that 512 threads fit.
  static constexpr int kBlocks = 64 * 1024 / (kThreads * (sizeof(T) == 4 ? 128 : 255));
  static constexpr int kPiecesM = PerM / kGemmVector<T>, kPiecesN = PerN / kGemmVector<T>;
  // A warp is 4 x 8 threads.
  static constexpr int kThreadsN = N / PerN;
  using Place = GemmPlace<T, GemmTile>;
  template <int Rows, bool AlongK>
  using Panel = GemmPanel<T, Rows, Depth, kThreads, AlongK>;
  static_assert(kThreads % 32 == 0 && (M / PerM) % 4 == 0 && kThreadsN % 8 == 0, "whole warps");
  static_assert(PerM % kGemmVector<T> == 0 && PerN % kGemmVector<T> == 0, "whole vectors");
};

// One vector of padding a row: transposed stores then meet in at most two lanes of a bank.
template <class T, int Rows, int Depth>
using GemmShared = T[Depth][Rows + kGemmVector<T>];

// One operand's panel: Rows rows (of A) or columns (of B) by Depth terms of the sum.
template <class T, int Rows, int Depth, int Threads, bool AlongK>
class GemmPanel {
  static constexpr int kVector = kGemmVector<T>;
  static constexpr int kLoads = Rows * Depth / (kVector * Threads);
  static_assert(kLoads * kVector * Threads == Rows * Depth, "every thread loads as much");

 public:
  using Shared = GemmShared<T, Rows, Depth>;

  // `data` is the operand's first element of this sum; rows are counted from row0 on.
  __device__ __forceinline__ GemmPanel(const GemmOperand<T>& x, const T* data, int row0)
      : from_(data + offset(x.ld, row0)), rows_(x.rows - row0), ld_(x.ld), vectors_(x.vectors) {}

  // Takes the next kDepth terms of the sum, of which k are left. Elements beyond the operand become 0.
  __device__ __forceinline__ void fetch(int k_left) {
#pragma unroll
    for (int load = 0; load < kLoads; ++load) {
      int row, k;
      place(static_cast<int>(threadIdx.x) + load * Threads, row, k);
      const T* from = from_ + load * kStep * ld_;
      const int inside = AlongK ? (row < rows_ ? k_left - k : 0) : (k < k_left ? rows_ - row : 0);
      if (vectors_ && inside >= kVector) {
        staged_[load] = *reinterpret_cast<const GemmVector<T>*>(from);
      } else {
#pragma unroll
        for (int j = 0; j < kVector; ++j) staged_[load].at[j] = j < inside ? from[j] : T{0};
      }
    }
    from_ += AlongK ? Depth : Depth * ld_;
  }

  __device__ __forceinline__ void store(Shared& panel) const {
#pragma unroll
    for (int load = 0; load < kLoads; ++load) {
      int row, k;
      place(static_cast<int>(threadIdx.x) + load * Threads, row, k);
      if constexpr (AlongK) {
#pragma unroll
        for (int j = 0; j < kVector; ++j) panel[k + j][row] = staged_[load].at[j];
      } else {
        *reinterpret_cast<GemmVector<T>*>(&panel[k][row]) = staged_[load];
      }
    }
  }

 private:
  // Of the index-th vector of the panel; neighbours are neighbours in memory.
  static __device__ __forceinline__ void place(int index, int& row, int& k) {
    if constexpr (AlongK) {
      k = index % (Depth / kVector) * kVector;
      row = index / (Depth / kVector);
    } else {
      row = index % (Rows / kVector) * kVector;
      k = index / (Rows / kVector);
    }
  }

  // From one load of a thread to its next: so many lines of memory further.
  static constexpr int kStep = AlongK ? Threads / (Depth / kVector) : Threads / (Rows / kVector);
  static_assert(AlongK ? Threads % (Depth / kVector) == 0 : Threads % (Rows / kVector) == 0, "whole lines a load");

  static __device__ __forceinline__ int64_t offset(int64_t ld, int row0) {
    int row, k;
    place(static_cast<int>(threadIdx.x), row, k);
    return AlongK ? (row0 + row) * ld + k : k * ld + row0 + row;
  }

  const T* from_;
  int rows_;
  int64_t ld_;
  bool vectors_;
  GemmVector<T> staged_[kLoads];
};

// Where in its tile the sums of the calling thread lie: a warp is 4 x 8 threads.
template <class T, class Tile>
struct GemmPlace {
  int m, n;

  __device__ __forceinline__ GemmPlace() {
    constexpr int kWarpsN = Tile::kThreadsN / 8;
    const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
    m = (warp / kWarpsN * 4 + lane / 8) * kGemmVector<T>;
    n = (warp % kWarpsN * 8 + lane % 8) * kGemmVector<T>;
  }
  // The i-th row, and the first column of the j-th vector.
  __device__ __forceinline__ int row(int i) const {
    return i / kGemmVector<T> * (Tile::kM / Tile::kPiecesM) + m + i % kGemmVector<T>;
  }
  __device__ __forceinline__ int column(int j) const { return j * (Tile::kN / Tile::kPiecesN) + n; }
};

// Adds to a thread's sums what k_left terms of both operands make. A panel fetches the next terms from memory and
// stores them in shared memory, as GemmPanel does.
template <class Tile, class T, class PanelA, class PanelB>
__device__ __forceinline__ void gemm_sums(const GemmPlace<T, Tile>& place, PanelA& next_a, PanelB& next_b, int k_left,
                                          T (&sums)[Tile::kPerM][Tile::kPerN]) {
  constexpr int kVector = kGemmVector<T>;
  CUDA_SHARED(typename PanelA::Shared[2], shared_a);
  CUDA_SHARED(typename PanelB::Shared[2], shared_b);
  next_a.fetch(k_left);
  next_b.fetch(k_left);
  next_a.store(shared_a[0]);
  next_b.store(shared_b[0]);
  __syncthreads();

  int current = 0;
  for (; k_left > 0; k_left -= Tile::kDepth) {
    const bool more = k_left > Tile::kDepth;
    if (more) {
      next_a.fetch(k_left - Tile::kDepth);
      next_b.fetch(k_left - Tile::kDepth);
    }
#pragma unroll
    for (int k = 0; k < Tile::kDepth; ++k) {
      GemmVector<T> column[Tile::kPiecesM], row[Tile::kPiecesN];
#pragma unroll
      for (int i = 0; i < Tile::kPiecesM; ++i)
        column[i] = *reinterpret_cast<const GemmVector<T>*>(&shared_a[current][k][place.row(i * kVector)]);
#pragma unroll
      for (int j = 0; j < Tile::kPiecesN; ++j)
        row[j] = *reinterpret_cast<const GemmVector<T>*>(&shared_b[current][k][place.column(j)]);
#pragma unroll
      for (int i = 0; i < Tile::kPerM; ++i)
#pragma unroll
        for (int j = 0; j < Tile::kPerN; ++j)
          sums[i][j] += column[i / kVector].at[i % kVector] * row[j / kVector].at[j % kVector];
    }
    if (more) {
      current ^= 1;
      next_a.store(shared_a[current]);
      next_b.store(shared_b[current]);
      __syncthreads();
    }
  }
}

// What becomes of a finished sum.
template <class T>
__device__ __forceinline__ T gemm_epilogue(const GemmProduct<T>& p, T sum, const T* c, int row, int col) {
  T v = p.alpha * sum;
  if (p.beta != T{0}) v += p.beta * *c;
  if (p.bias != nullptr) v += p.bias[p.row_bias ? row : col];
  return activated(p.activation, v);
}

// Blocks go through C in bands of this many rows of tiles, so that those that run together share panels in L2.
constexpr int kGemmBand = 8;

template <class T, class Tile, bool AAlongK, bool BAlongK>
__global__ void __launch_bounds__(Tile::kThreads, Tile::kBlocks) gemm_tiles(const GemmProduct<T> p) {
  constexpr int kVector = kGemmVector<T>;
  using PanelA = typename Tile::template Panel<Tile::kM, AAlongK>;
  using PanelB = typename Tile::template Panel<Tile::kN, BAlongK>;

  // blockIdx.x counts tiles band by band, blockIdx.y batch entries, blockIdx.z pieces of the sum.
  const int tiles_m = (p.a.rows + Tile::kM - 1) / Tile::kM, tiles_n = (p.b.rows + Tile::kN - 1) / Tile::kN;
  const int tile = static_cast<int>(blockIdx.x), band = tile / (kGemmBand * tiles_n);
  const int band_rows = min(kGemmBand, tiles_m - band * kGemmBand), within = tile - band * kGemmBand * tiles_n;
  const int row0 = (band * kGemmBand + within % band_rows) * Tile::kM, col0 = within / band_rows * Tile::kN;
  const int64_t entry = blockIdx.y;
  const int piece = static_cast<int>(blockIdx.z);
  const int k_begin = piece * p.piece_k;
  const int k_left = min(p.k - k_begin, p.piece_k);
  const T* a = p.a.data + entry * p.a.stride + k_begin * (AAlongK ? 1 : p.a.ld);
  const T* b = p.b.data + entry * p.b.stride + k_begin * (BAlongK ? 1 : p.b.ld);

  const typename Tile::Place place;
  T sums[Tile::kPerM][Tile::kPerN] = {};
  PanelA next_a(p.a, a, row0);
  PanelB next_b(p.b, b, col0);
  gemm_sums<Tile>(place, next_a, next_b, k_left, sums);

  // Pieces are plain sums in a matrix of their own; gemm_pieces finishes them.
  const bool whole = gridDim.z == 1;
  T* c = whole ? p.c + entry * p.stride_c
               : p.pieces + (piece * static_cast<int64_t>(gridDim.y) + entry) * p.a.rows * p.b.rows;
  const int64_t ldc = whole ? p.ldc : p.b.rows;
#pragma unroll
  for (int i = 0; i < Tile::kPerM; ++i) {
    const int row = row0 + place.row(i);
    if (row >= p.a.rows) continue;
#pragma unroll
    for (int j = 0; j < Tile::kPiecesN; ++j) {
      const int col = col0 + place.column(j);
      T* to = c + row * ldc + col;
      GemmVector<T> out;
#pragma unroll
      for (int v = 0; v < kVector; ++v) {
        const T sum = sums[i][j * kVector + v];
        if (col + v < p.b.rows) out.at[v] = whole ? gemm_epilogue(p, sum, to + v, row, col + v) : sum;
      }
      if (col + kVector <= p.b.rows && (whole ? p.c_vectors : p.pieces_vectors)) {
        *reinterpret_cast<GemmVector<T>*>(to) = out;
      } else {
#pragma unroll
        for (int v = 0; v < kVector; ++v)
          if (col + v < p.b.rows) to[v] = out.at[v];
      }
    }
  }
}

}  // namespace talus::cuda
