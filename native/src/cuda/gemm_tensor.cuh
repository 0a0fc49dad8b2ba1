// The tile of a float32 product on tensor cores, whose operands are rounded to TF32 (10 bits of mantissa). Its kernel
// is gemm_tiles; here is what differs from GemmTile: where a thread's sums lie, how panels come, and the product
// itself.
//
//   A [m, k], B [k, n] -> shared, kDepth terms a stage, copied kStages - 1 stages ahead
//   each warp: kWarpM x 32 sums += products of 16x8 by 8x8
//
// A sum may be taken in any order and rows may be given to any lane, as long as A, B and C agree. So lanes take what
// lies side by side: lane 4g + t of a warp takes terms 4t .. 4t + 3 of each 16, and rows 4g .. 4g + 3 of each 32, of A
// and of B. Everything then comes from shared memory in vectors, and a lane's sums are whole vectors of C.
#pragma once

#include "cuda/gemm_tile.cuh"
#include "cuda/tensor_core.cuh"

namespace talus::cuda {

constexpr int kTensorDepth = 16, kTensorLines = 32, kTensorStages = 3;

// Where Rows x 16 elements lie in shared memory. Along k, memory's rows stay rows, but of each 32 they come in the
// order 0, 4 .. 28, 1, 5 ..: what the eight lanes of a quarter of a warp read at once, rows 4g and 4g + 4, is then 128
// bytes in a row. Else memory's lines stay lines of one term, whose vectors are swapped by the term, so that the same
// lanes, which read four terms 4 apart, meet no bank twice. Copies write 128 bytes in a row in both cases.
template <int Rows, bool AlongK>
struct TensorLayout {
  static_assert(Rows % kTensorLines == 0, "whole warps");

  using Shared = float[Rows * kTensorDepth];

  // Along k: the row that is the line-th one.
  static __device__ __forceinline__ int row_at(int line) {
    return line / kTensorLines * kTensorLines + line % 8 * 4 + line % kTensorLines / 8;
  }
  // Else: where term k of a row lies.
  static __device__ __forceinline__ int at(int k, int row) {
    return k * Rows + ((row / 4) ^ (k / 4 * 2)) * 4 + row % 4;
  }

  // The calling lane's four rows of the 32 from `first` on, and of each its four terms, rounded.
  static __device__ __forceinline__ void take(const Shared& panel, int first, uint32_t (&rows)[4][4]) {
    const int lane = static_cast<int>(threadIdx.x) % kWarp, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int from = AlongK ? (first + i * 8 + g) * kTensorDepth + t * 4 : at(t * 4 + i, first + g * 4);
      const GemmVector<float> vector = *reinterpret_cast<const GemmVector<float>*>(&panel[from]);
#pragma unroll
      for (int j = 0; j < 4; ++j) (AlongK ? rows[i][j] : rows[j][i]) = to_tf32(vector.at[j]);
    }
  }
};

// The panel of a matrix.
template <int Rows, int Threads, bool AlongK>
class TensorPanel : public TensorLayout<Rows, AlongK> {
  using Layout = TensorLayout<Rows, AlongK>;
  static constexpr int kVectors = AlongK ? kTensorDepth / 4 : Rows / 4;  // of a line
  static constexpr int kLoads = Rows * kTensorDepth / (4 * Threads);
  static_assert(kLoads * 4 * Threads == Rows * kTensorDepth, "every thread copies as much");
  static_assert(Threads % kVectors == 0, "whole lines a load");

 public:
  // `data` is the operand's first element of this sum; rows are counted from row0 on.
  __device__ __forceinline__ TensorPanel(const GemmOperand<float>& x, const float* data, int row0)
      : from_(data + (AlongK ? row0 * x.ld : row0)), rows_(x.rows - row0), ld_(x.ld), vectors_(x.vectors) {}

  // Begins to copy the next terms of the sum, of which k are left. Elements beyond the operand become 0.
  __device__ __forceinline__ void copy(typename Layout::Shared& panel, int k_left) {
#pragma unroll
    for (int load = 0; load < kLoads; ++load) {
      const int index = static_cast<int>(threadIdx.x) + load * Threads;
      const int vector = index % kVectors, line = index / kVectors;
      const int row = AlongK ? Layout::row_at(line) : vector * 4, k = AlongK ? vector * 4 : line;
      const int beyond = AlongK ? (row < rows_ ? k_left - k : 0) : (k < k_left ? rows_ - row : 0);
      const int inside = max(min(beyond, 4), 0);
      const float* const from = from_ + (AlongK ? row * ld_ + k : k * ld_ + row);
      float* const to = &panel[AlongK ? line * kTensorDepth + k : Layout::at(k, row)];
      if (vectors_) {
        copy_async<16>(to, inside > 0 ? from : from_, inside * 4);
      } else {
#pragma unroll
        for (int i = 0; i < 4; ++i) copy_async<4>(to + i, i < inside ? from + i : from_, i < inside ? 4 : 0);
      }
    }
    from_ += AlongK ? kTensorDepth : kTensorDepth * ld_;
  }

 private:
  const float* from_;
  int rows_;
  int64_t ld_;
  bool vectors_;
};

// Where in its tile the sums of the calling thread lie.
template <class Tile>
struct TensorPlace {
  int m, n;  // of its warp
  int lane;

  __device__ __forceinline__ TensorPlace() {
    const int warp = static_cast<int>(threadIdx.x) / kWarp;
    m = warp / Tile::kWarpsN * Tile::kWarpM;
    n = warp % Tile::kWarpsN * kTensorLines;
    lane = static_cast<int>(threadIdx.x) % kWarp;
  }
  // The i-th row, and the first column of the j-th vector.
  __device__ __forceinline__ int row(int i) const { return m + i / 4 * kTensorLines + lane / 4 * 4 + i % 4; }
  __device__ __forceinline__ int column(int j) const { return n + lane % 4 * 8 + j * 4; }
};

template <int M, int N, int WarpM>
struct TensorTile {
  static constexpr int kM = M, kN = N, kDepth = kTensorDepth, kWarpM = WarpM, kWarpsN = N / kTensorLines;
  static constexpr int kThreads = M / WarpM * kWarpsN * kWarp;
  static constexpr int kPerM = WarpM / 8, kPerN = 8, kPiecesN = 2;
  // Blocks that share a multiprocessor: what the least ones have of shared memory and registers, of which 64 rows a
  // warp need more than 128. Of few small ones a plan would count a round as that of many, hence the 4.
  static constexpr int kSharedBytes = kTensorStages * (M + N) * kTensorDepth * 4;
  static constexpr int kByShared = 96 * 1024 / kSharedBytes,
                       kByRegisters = 64 * 1024 / (kThreads * (WarpM > 32 ? 255 : 128));
  static constexpr int kByBoth = kByShared < kByRegisters ? kByShared : kByRegisters,
                       kBlocks = kByBoth < 4 ? kByBoth : 4;
  using Place = TensorPlace<TensorTile>;
  template <int Rows, bool AlongK>
  using Panel = TensorPanel<Rows, kThreads, AlongK>;
  static_assert(WarpM % kTensorLines == 0 && M % WarpM == 0 && N % kTensorLines == 0, "whole warps");
  static_assert(kSharedBytes <= 48 * 1024, "as much as static shared variables may have");
};

// What one stage adds to the calling warp's sums.
template <class Tile, class PanelA, class PanelB>
__device__ __forceinline__ void multiply_stage(const TensorPlace<Tile>& place, const typename PanelA::Shared& a,
                                               const typename PanelB::Shared& b,
                                               float (&sums)[Tile::kPerM][Tile::kPerN]) {
  uint32_t columns[4][4];
  PanelB::take(b, place.n, columns);
#pragma unroll
  for (int part = 0; part < Tile::kPerM / 4; ++part) {
    uint32_t rows[4][4];
    PanelA::take(a, place.m + part * kTensorLines, rows);
    // Terms 2k and 2k + 1 of each lane are columns t and t + 4 of A; rows 2i and 2i + 1 are its rows g and g + 8;
    // column j of B is of its columns 2t and 2t + 1 what lies 4 apart in C.
#pragma unroll
    for (int k = 0; k < 2; ++k)
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const uint32_t fragment_a[4] = {rows[2 * i][2 * k], rows[2 * i + 1][2 * k], rows[2 * i][2 * k + 1],
                                        rows[2 * i + 1][2 * k + 1]};
        float(&upper)[Tile::kPerN] = sums[part * 4 + 2 * i];
        float(&lower)[Tile::kPerN] = sums[part * 4 + 2 * i + 1];
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          const uint32_t fragment_b[2] = {columns[j][2 * k], columns[j][2 * k + 1]};
          multiply_tf32(upper[j], upper[4 + j], lower[j], lower[4 + j], fragment_a, fragment_b);
        }
      }
  }
}

// As for GemmTile, with panels that copy.
template <class Tile, class PanelA, class PanelB>
__device__ __forceinline__ void gemm_sums(const TensorPlace<Tile>& place, PanelA& next_a, PanelB& next_b, int k_left,
                                          float (&sums)[Tile::kPerM][Tile::kPerN]) {
  CUDA_SHARED(typename PanelA::Shared[kTensorStages], shared_a);
  CUDA_SHARED(typename PanelB::Shared[kTensorStages], shared_b);
  // Every stage is a group, so that counting groups tells which has arrived, be its terms beyond the last.
  int to_copy = k_left;
  const auto copy = [&](int stage) {
    if (to_copy > 0) {
      next_a.copy(shared_a[stage], to_copy);
      next_b.copy(shared_b[stage], to_copy);
    }
    to_copy -= kTensorDepth;
    commit_copies();
  };
#pragma unroll
  for (int stage = 0; stage < kTensorStages - 1; ++stage) copy(stage);
  int current = 0, ahead = kTensorStages - 1;
  for (; k_left > 0; k_left -= kTensorDepth) {
    wait_for_copies<kTensorStages - 2>();
    // All threads' copies are here, and all have done with the stage before, which is overwritten now.
    __syncthreads();
    copy(ahead);
    multiply_stage<Tile, PanelA, PanelB>(place, shared_a[current], shared_b[current], sums);
    current = current == kTensorStages - 1 ? 0 : current + 1;
    ahead = ahead == kTensorStages - 1 ? 0 : ahead + 1;
  }
}

}  // namespace talus::cuda
