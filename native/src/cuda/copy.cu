// Copies, casts, fills. A transposed copy goes through tiles in shared memory, so that both sides move whole lines.
#include <vector>

#include "copy_rules.h"
#include "cuda/map.cuh"
#include "dtype.h"
#include "kernels.h"
#include "scalar_ops.h"

namespace talus::cuda {

namespace {

constexpr int kTile = 32, kTileRows = 8;

// [plane, row, col] for dst, with src contiguous along rows; a block moves one tile of one plane.
template <class Word>
__global__ void __launch_bounds__(kTile* kTileRows)
    copy_tiles(Walk<2> planes, int64_t rows, int64_t cols, int64_t dst_row, int64_t src_col, const Word* src,
               Word* dst) {
  CUDA_SHARED(Word[kTile][kTile + 1], tile);
  const int64_t across = (cols + kTile - 1) / kTile, down = (rows + kTile - 1) / kTile;
  const int64_t block = blockIdx.x;
  const int64_t row = block / across % down * kTile, col = block % across * kTile;
  int64_t offset[2];
  planes.locate(static_cast<uint32_t>(block / across / down), offset);
  dst += offset[0];
  src += offset[1];
  const int x = static_cast<int>(threadIdx.x);
  for (int y = static_cast<int>(threadIdx.y); y < kTile; y += kTileRows)
    if (row + x < rows && col + y < cols) tile[y][x] = src[row + x + (col + y) * src_col];
  __syncthreads();
  for (int y = static_cast<int>(threadIdx.y); y < kTile; y += kTileRows)
    if (row + y < rows && col + x < cols) dst[(row + y) * dst_row + col + x] = tile[x][y];
}

template <class T>
struct CopyMap {
  __device__ T operator()(T x) const { return x; }
};

template <class From, class To>
struct CastMap {
  __device__ To operator()(From x) const { return convert<To>(x); }
};

template <class From>
struct BoolMap {
  __device__ uint8_t operator()(From x) const { return x != From(0); }
};

template <class T>
struct FillMap {
  T value;
  __device__ T operator()() const { return value; }
};

constexpr int kArangeThreads = 256;

// Floating elements are computed in double and rounded once; integers truncate start and step first, as in PyTorch.
template <class T>
__global__ void __launch_bounds__(kArangeThreads) arange_elements(int64_t n, double start, double step, T* out) {
  const int64_t i = int64_t{blockIdx.x} * kArangeThreads + threadIdx.x;
  if (i >= n) return;
  if constexpr (kFloating<T>)
    out[i] = T(start + double(i) * step);
  else
    out[i] = T(uint64_t(int64_t(start)) + uint64_t(i) * uint64_t(int64_t(step)));
}

// False if no dimension of src is contiguous that would pay.
template <class Word>
bool copy_transposed(const Geometry<2>& g, const Word* src, Word* dst) {
  const int dim = transposed_dim(g), last = g.ndim - 1;
  if (dim < 0) return false;
  const int64_t rows = g.size[dim], cols = g.size[last];
  // The other dimensions number the planes.
  std::vector<int64_t> raw[3];
  for (int d = 0; d < last; ++d) {
    if (d == dim) continue;
    raw[0].push_back(g.size[d]);
    for (int o = 0; o < 2; ++o) raw[o + 1].push_back(g.stride[o][d]);
  }
  const int others = static_cast<int>(raw[0].size());
  for (int o = 1; o < 3; ++o) raw[0].insert(raw[0].end(), raw[o].begin(), raw[o].end());
  raw[0].push_back(0);  // never empty: no array would mean one contiguous dimension
  const Geometry<2> planes(1, others, raw[0].data());
  const int64_t tiles = (rows + kTile - 1) / kTile * ((cols + kTile - 1) / kTile);
  if (planes.n > kMaxStrided / tiles) return false;
  launch(copy_tiles<Word>, blocks_for(planes.n * tiles, 1), dim3(kTile, kTileRows), 0, Walk<2>(planes), rows, cols,
         g.stride[0][dim], g.stride[1][last], src, dst);
  return true;
}

template <class Word>
void copy_words(const Geometry<2>& g, const void* src, void* dst) {
  const Word* from = static_cast<const Word*>(src);
  Word* to = static_cast<Word*>(dst);
  if (g.contiguous())
    TALUS_CHECK_CUDA(
        cudaMemcpyAsync(dst, src, static_cast<size_t>(g.n) * sizeof(Word), cudaMemcpyDeviceToDevice, current_stream()));
  else if (!copy_transposed(g, from, to))
    map(g, CopyMap<Word>{}, to, from);
}

}  // namespace

void copy(int src_dtype, int dst_dtype, const Geometry<2>& g, const void* src, void* dst) {
  if (g.n == 0) return;
  if (src_dtype == dst_dtype) {
    switch (size_of(src_dtype)) {
      case 1:
        return copy_words<uint8_t>(g, src, dst);
      case 4:
        return copy_words<uint32_t>(g, src, dst);
      default:
        return copy_words<uint64_t>(g, src, dst);
    }
  }
  // Bool is stored as uint8.
  dispatch_number(src_dtype == TALUS_BOOL ? int{TALUS_UINT8} : src_dtype, "copy", [&](auto from_type) {
    using From = typename decltype(from_type)::type;
    const From* from = static_cast<const From*>(src);
    if (dst_dtype == TALUS_BOOL) {
      map(g, BoolMap<From>{}, static_cast<uint8_t*>(dst), from);
      return;
    }
    dispatch_number(dst_dtype, "copy", [&](auto to_type) {
      using To = typename decltype(to_type)::type;
      map(g, CastMap<From, To>{}, static_cast<To*>(dst), from);
    });
  });
}

void fill(int dtype, const Geometry<1>& g, double value, int64_t int_value, void* out) {
  if (dtype == TALUS_BOOL) {
    map(g, FillMap<uint8_t>{static_cast<uint8_t>(int_value != 0)}, static_cast<uint8_t*>(out));
    return;
  }
  dispatch_number(dtype, "fill", [&](auto type) {
    using T = typename decltype(type)::type;
    map(g, FillMap<T>{kFloating<T> ? T(value) : T(int_value)}, static_cast<T*>(out));
  });
}

void arange(int dtype, int64_t n, double start, double step, void* out) {
  if (n == 0) return;
  dispatch_number(dtype, "arange", [&](auto type) {
    using T = typename decltype(type)::type;
    launch(arange_elements<T>, blocks_for(n, kArangeThreads), dim3(kArangeThreads), 0, n, start, step,
           static_cast<T*>(out));
  });
}

}  // namespace talus::cuda
