// C = epilogue(alpha * op(A) op(B) + beta * C + bias): which way to multiply, batches, and sums split for threads. The
// arithmetic is in cpu/isa/gemm.cpp.
#include "cpu/gemm.h"

#include <algorithm>

#include "dtype.h"
#include "kernels.h"
#include "memory.h"
#include "parallel.h"

namespace talus::cpu {
namespace {

// A long sum for few elements of C is cut into pieces of about this length, at most so many, if C has no more tiles
// than this. All three depend on the shape only, and the pieces are added in order: results do not depend on threads.
constexpr int64_t kPieceOfSum = 2048;
constexpr int64_t kMostPieces = 16;
constexpr int64_t kTilesToSplitSum = 16;

template <class T>
void multiply_whole(const GemmKernels<T>& kernels, const Product<T>& p) {
  if ((p.m == 1 || p.n == 1) && p.k > 0) return multiply_vector(kernels, p);
  if (prefers_dots(kernels, p)) return multiply_dots(kernels, p);
  const int64_t width = tile_shape(kernels, p.n).width;
  if (p.m * p.n * p.k <= kSmallWork && p.m * p.n <= kSmallWork && p.k * width * int64_t{sizeof(T)} <= kSmallPanelBytes)
    return multiply_small(kernels, p);
  multiply_blocks(kernels, p);
}

// Sums of the pieces of k, each in a matrix of its own, then added up.
template <class T>
void multiply_pieces(const GemmKernels<T>& kernels, const Product<T>& p, int64_t pieces) {
  const int64_t size = p.m * p.n;
  const Scratch<T> sums(pieces * size);
  parallel_for(pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t from = i * p.k / pieces;
      Product<T> piece = p;
      piece.k = (i + 1) * p.k / pieces - from;
      piece.a.data = p.a.at(0, from);
      piece.b.data = p.b.at(from, 0);
      piece.c = sums.get() + i * size;
      piece.ldc = p.n;
      piece.alpha = T{1};
      piece.beta = T{0};
      piece.bias = piece.row_bias = nullptr;
      piece.activation = kNoActivation;
      multiply_whole(kernels, piece);
    }
  });
  for (int64_t i = 0; i < p.m; ++i) {
    T* sum = sums.get() + i * p.n;
    T* c = p.c + i * p.ldc;
    for (int64_t piece = 1; piece < pieces; ++piece)
      for (int64_t j = 0; j < p.n; ++j) sum[j] += sum[piece * size + j];
    const T of_row = p.row_bias == nullptr ? T{0} : p.row_bias[i];
    for (int64_t j = 0; j < p.n; ++j) {
      T v = p.alpha * sum[j];
      if (p.beta != T{0}) v += p.beta * c[j];
      if (p.bias != nullptr) v += p.bias[j];
      if (p.row_bias != nullptr) v += of_row;
      c[j] = activated(p.activation, v);
    }
  }
}

template <class T>
void multiply(const GemmKernels<T>& kernels, const Product<T>& p) {
  if (p.k >= 2 * kPieceOfSum) {
    const TileShape shape = tile_shape(kernels, p.n);
    const int64_t tiles = ceil_div(p.m, shape.rows) * ceil_div(p.n, shape.width);
    if (tiles <= kTilesToSplitSum) return multiply_pieces(kernels, p, std::min(kMostPieces, p.k / kPieceOfSum));
  }
  multiply_whole(kernels, p);
}

// Of a batch, entries with less work than this for each thread are not worth splitting.
constexpr int64_t kWholeEntryWork = 4 * kParallelWork;

template <class T>
void gemm_of(GemmParams p) {
  const auto& kernels = gemm_table().of<T>();
  // One B for all, and the A's and C's follow each other: one tall product.
  if (p.batch > 1 && p.stride_b == 0 && !p.trans_a && !p.row_bias && p.stride_a == p.m * p.lda &&
      p.stride_c == p.m * p.ldc) {
    p.m *= p.batch;
    p.batch = 1;
  }
  const auto entry = [&](int64_t i) {
    return Product<T>{p.m,
                      p.n,
                      p.k,
                      {static_cast<const T*>(p.a) + i * p.stride_a, p.lda, p.trans_a},
                      {static_cast<const T*>(p.b) + i * p.stride_b, p.ldb, p.trans_b},
                      static_cast<T*>(p.c) + i * p.stride_c,
                      p.ldc,
                      static_cast<T>(p.alpha),
                      static_cast<T>(p.beta),
                      p.row_bias ? nullptr : static_cast<const T*>(p.bias),
                      p.row_bias ? static_cast<const T*>(p.bias) : nullptr,
                      p.activation};
  };
  if (p.batch == 1) return multiply(kernels, entry(0));
  const auto range = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) multiply(kernels, entry(i));
  };
  // Large entries are split in themselves, one after the other: all threads finish together. So are few.
  const int64_t threads = num_threads(), work = p.m * p.n * (p.k + 1);
  if (p.batch < threads || work / threads > kWholeEntryWork) return range(0, p.batch);
  parallel_for(p.batch, kParallelWork / work + 1, range);
}

}  // namespace

void gemm(int dtype, const GemmParams& p) {
  if (p.batch == 0 || p.m == 0 || p.n == 0) return;
  dispatch_float(dtype, "gemm", [&](auto type) { gemm_of<typename decltype(type)::type>(p); });
}

}  // namespace talus::cpu
