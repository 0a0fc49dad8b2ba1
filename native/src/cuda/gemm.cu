// Matrix products on the GPU: tiles as planned, and pieces of sums added up.
#include <algorithm>
#include <limits>

#include "cuda/cublas.h"
#include "cuda/gemm_plan.cuh"
#include "cuda/memory.h"
#include "dtype.h"
#include "error.h"
#include "kernels.h"
#include "precision.h"

namespace talus::cuda {

namespace {

constexpr int kMostPieces = 16;
// Batch entries of a launch: CUDA's limit for a grid's second dimension.
constexpr int64_t kMostEntries = 65535;

constexpr int kFinishThreads = 256;

// Adds up the pieces of a sum in order, so that results never depend on which block was first.
template <class T>
__global__ void __launch_bounds__(kFinishThreads) gemm_pieces(const GemmProduct<T> p, int pieces, int64_t entries) {
  const int64_t size = int64_t{p.a.rows} * p.b.rows, all = size * entries;
  for (int64_t i = int64_t{blockIdx.x} * kFinishThreads + threadIdx.x; i < all;
       i += int64_t{gridDim.x} * kFinishThreads) {
    T sum = p.pieces[i];
    for (int piece = 1; piece < pieces; ++piece) sum += p.pieces[piece * all + i];
    const int64_t entry = i / size, within = i - entry * size;
    const int row = static_cast<int>(within / p.b.rows), col = static_cast<int>(within % p.b.rows);
    T* c = p.c + entry * p.stride_c + row * p.ldc + col;
    *c = gemm_epilogue(p, sum, c, row, col);
  }
}

template <class T, class Tile>
void launch_tiles(const GemmProduct<T>& p, int64_t entries, int pieces, bool a_along_k, bool b_along_k) {
  const int64_t tiles = int64_t{tiles_of(p.a.rows, Tile::kM)} * tiles_of(p.b.rows, Tile::kN);
  const dim3 grid(static_cast<unsigned>(tiles), static_cast<unsigned>(entries), static_cast<unsigned>(pieces));
  const auto kernel = a_along_k   ? b_along_k ? gemm_tiles<T, Tile, true, true> : gemm_tiles<T, Tile, true, false>
                        : b_along_k ? gemm_tiles<T, Tile, false, true>
                                  : gemm_tiles<T, Tile, false, false>;
  launch(kernel, grid, dim3(Tile::kThreads), 0, p);
}

template <class Tiles, class T>
void multiply_by(GemmProduct<T> p, int64_t entries, bool a_along_k, bool b_along_k) {
  const GemmPlan plan = plan_tiles<Tiles>(p.a.rows, p.b.rows, p.k, entries, kMostPieces);
  with_tile_of<Tiles>(plan.tile, [&](auto t) {
    using Tile = decltype(t);
    // As many pieces as have something to add.
    p.piece_k = piece_terms(p.k, plan.pieces, Tile::kDepth);
    const int pieces = std::max(tiles_of(p.k, p.piece_k), 1);
    if (pieces == 1) return launch_tiles<T, Tile>(p, entries, 1, a_along_k, b_along_k);
    const int64_t all = int64_t{p.a.rows} * p.b.rows * entries;
    const Scratch<T> sums(pieces * all);
    p.pieces = sums.get();
    p.pieces_vectors = p.b.rows % kGemmVector<T> == 0;
    launch_tiles<T, Tile>(p, entries, pieces, a_along_k, b_along_k);
    const int64_t blocks = std::min<int64_t>((all + kFinishThreads - 1) / kFinishThreads, 1 << 16);
    launch(gemm_pieces<T>, dim3(static_cast<unsigned>(blocks)), dim3(kFinishThreads), 0, p, pieces, entries);
  });
}

// f(tiles) with those that multiply elements of this type.
template <class T, class F>
void with_tiles([[maybe_unused]] int precision, F&& f) {
  if constexpr (sizeof(T) == 4)
    if (tensor_cores_allowed(precision)) return f(TensorTiles{});
  f(GemmTiles<T>{});
}

template <class T>
void multiply(const GemmProduct<T>& p, int precision, int64_t entries, bool a_along_k, bool b_along_k) {
  with_tiles<T>(precision, [&](auto tiles) { multiply_by<decltype(tiles)>(p, entries, a_along_k, b_along_k); });
}

template <class T>
bool in_vectors(const void* data, int64_t ld, int64_t stride) {
  constexpr int64_t kItems = kGemmVector<T>;
  return reinterpret_cast<uintptr_t>(data) % 16 == 0 && ld % kItems == 0 && stride % kItems == 0;
}

int checked_size(const char* what, int64_t size) {
  if (size > std::numeric_limits<int>::max() - 128)
    fail(TALUS_UNSUPPORTED, "gemm: %s is %lld, the CUDA kernels take less than 2^31", what,
         static_cast<long long>(size));
  return static_cast<int>(size);
}

// One B for all, and the A's and C's follow each other: one tall product.
GemmParams folded(GemmParams g) {
  if (g.batch > 1 && g.stride_b == 0 && !g.trans_a && !g.row_bias && g.stride_a == g.m * g.lda &&
      g.stride_c == g.m * g.ldc) {
    g.m *= g.batch;
    g.batch = 1;
  }
  return g;
}

template <class T>
void gemm_of(int precision, const GemmParams& g) {
  GemmProduct<T> p = {};
  p.a = {static_cast<const T*>(g.a), g.lda, g.stride_a, checked_size("m", g.m), in_vectors<T>(g.a, g.lda, g.stride_a)};
  p.b = {static_cast<const T*>(g.b), g.ldb, g.stride_b, checked_size("n", g.n), in_vectors<T>(g.b, g.ldb, g.stride_b)};
  p.k = checked_size("k", g.k);
  p.c = static_cast<T*>(g.c);
  p.ldc = g.ldc;
  p.stride_c = g.stride_c;
  p.c_vectors = in_vectors<T>(g.c, g.ldc, g.stride_c);
  p.alpha = static_cast<T>(g.alpha);
  p.beta = static_cast<T>(g.beta);
  p.bias = static_cast<const T*>(g.bias);
  p.row_bias = g.row_bias;
  p.activation = g.activation;
  for (int64_t begin = 0; begin < g.batch; begin += kMostEntries) {
    const int64_t entries = std::min(kMostEntries, g.batch - begin);
    if (g.m == 1 || g.n == 1)
      multiply_vector(p, entries, !g.trans_a, g.trans_b);
    else
      multiply(p, precision, entries, !g.trans_a, g.trans_b);
    p.a.data += entries * p.a.stride;
    p.b.data += entries * p.b.stride;
    p.c += entries * p.stride_c;
  }
}

}  // namespace

void gemm(int dtype, const GemmParams& p) { gemm_at(float32_matmul_precision(), dtype, p); }

void gemm_at(int precision, int dtype, const GemmParams& p) {
  if (p.batch == 0 || p.m == 0 || p.n == 0) return;
  const GemmParams g = folded(p);
  // Without terms to sum up there is no product, only an epilogue.
  if (g.k > 0 && cublas_used()) return cublas_gemm(precision, dtype, g);
  dispatch_float(dtype, "gemm", [&](auto type) { gemm_of<typename decltype(type)::type>(precision, g); });
}

int tile_of(int dtype, const GemmParams& p) {
  const GemmParams g = folded(p);
  int tile = 0;
  dispatch_float(dtype, "gemm", [&](auto type) {
    with_tiles<typename decltype(type)::type>(float32_matmul_precision(), [&](auto tiles) {
      tile = plan_tiles<decltype(tiles)>(checked_size("m", g.m), checked_size("n", g.n), checked_size("k", g.k),
                                         std::min(kMostEntries, g.batch), kMostPieces)
                 .tile;
    });
  });
  return tile;
}

}  // namespace talus::cuda
