// Layer normalisation: a team of threads takes a row and holds it in registers, as far as it fits; what is left is read
// again. The gradients of weight and bias are sums over columns, in parts if rows are many.
#include <algorithm>

#include "cuda/math.cuh"
#include "cuda/memory.h"
#include "cuda/norm_sums.cuh"
#include "cuda/packs.cuh"
#include "dtype.h"
#include "kernels.h"

namespace talus::cuda {

namespace {

// Packs of a row that a thread holds, as many as need no memory of their own; backward, an element is two numbers.
constexpr int kHeld = 6, kHeldBackward = 4;
// Rows of a part of a column's sum, at least, and parts at most.
constexpr int64_t kLeastRows = 64, kMostParts = 64, kManyBlocks = 1024;

// A row's matrix and parameters.
template <class T>
struct Rows {
  int64_t rows;
  uint32_t cols;
  double per_col;          // 1 / cols: backward, the registers that a division needs would be spilled
  bool aligned;            // packs are
  const T *weight, *bias;  // may be null
  double eps;
};

// The columns of a thread's pack `p`: those of a team lie side by side.
template <int Threads, int N>
__device__ __forceinline__ static uint32_t column_of(uint32_t p) {
  return (p * Threads + threadIdx.x % Threads) * N;
}

// Calls f(column, pack) for all packs of a thread, with those that are held or with what load(column) returns.
template <int Threads, int N, int Held, class P, class Load, class F>
__device__ __forceinline__ static void for_packs(P (&held)[Held], uint32_t cols, Load&& load, F&& f) {
#pragma unroll
  for (int p = 0; p < Held; ++p) {
    const uint32_t c = column_of<Threads, N>(static_cast<uint32_t>(p));
    if (c < cols) f(c, held[p]);
  }
  for (uint32_t c = column_of<Threads, N>(Held); c < cols; c += Threads * N) {
    P pack = load(c);
    f(c, pack);
  }
}

template <int Threads, int N, class T>
__global__ void __launch_bounds__(kTeamBlock) layer_norm_rows(Rows<T> r, const T* x, T* out, T* mean, T* rstd) {
  const int64_t row = team_row<Threads>();
  const uint32_t cols = row < r.rows ? r.cols : 0;
  x += row * r.cols;
  out += row * r.cols;
  const auto load = [&](uint32_t c) { return load_pack<N>(x + c, r.aligned); };
  Pack<T, N> held[kHeld];
#pragma unroll
  for (int p = 0; p < kHeld; ++p) {
    const uint32_t c = column_of<Threads, N>(static_cast<uint32_t>(p));
    if (c < cols) held[p] = load(c);
  }
  // Packs are added up as they are, their sums in double.
  double sum = 0, squares = 0;
  for_packs<Threads, N>(held, cols, load, [&](uint32_t, const Pack<T, N>& pack) {
    T of_pack = 0;
#pragma unroll
    for (int k = 0; k < N; ++k) of_pack += pack.values[k];
    sum += double(of_pack);
  });
  const T mean_r = T(team_reduce<Threads>(sum, Sum{}) / double(r.cols));
  for_packs<Threads, N>(held, cols, load, [&](uint32_t, const Pack<T, N>& pack) {
    T of_pack = 0;
#pragma unroll
    for (int k = 0; k < N; ++k) of_pack += (pack.values[k] - mean_r) * (pack.values[k] - mean_r);
    squares += double(of_pack);
  });
  const T rstd_r = T(1 / math::sqrt(team_reduce<Threads>(squares, Sum{}) / double(r.cols) + r.eps));
  if (cols == 0) return;
  if (threadIdx.x % Threads == 0) {
    mean[row] = mean_r;
    rstd[row] = rstd_r;
  }
  for_packs<Threads, N>(held, cols, load, [&](uint32_t c, Pack<T, N>& pack) {
#pragma unroll
    for (int k = 0; k < N; ++k) pack.values[k] = (pack.values[k] - mean_r) * rstd_r;
    if (r.weight != nullptr) {
      const Pack<T, N> w = load_pack<N>(r.weight + c, r.aligned);
#pragma unroll
      for (int k = 0; k < N; ++k) pack.values[k] *= w.values[k];
    }
    if (r.bias != nullptr) {
      const Pack<T, N> b = load_pack<N>(r.bias + c, r.aligned);
#pragma unroll
      for (int k = 0; k < N; ++k) pack.values[k] += b.values[k];
    }
    store_pack<N>(out + c, pack, r.aligned);
  });
}

// grad_x = rstd * (h - mean(h) - xhat * mean(h * xhat)) with h = grad * weight, xhat = (x - mean) * rstd
template <int Threads, int N, class T>
__global__ void __launch_bounds__(kTeamBlock)
    layer_norm_backward_rows(Rows<T> r, const T* grad, const T* x, const T* mean, const T* rstd, T* grad_x) {
  struct Terms {
    Pack<T, N> h, normal;
  };
  const int64_t row = team_row<Threads>();
  const uint32_t cols = row < r.rows ? r.cols : 0;
  grad += row * r.cols;
  x += row * r.cols;
  grad_x += row * r.cols;
  const T mean_r = cols > 0 ? mean[row] : T(0), rstd_r = cols > 0 ? rstd[row] : T(0);
  const auto load = [&](uint32_t c) {
    Terms t = {load_pack<N>(grad + c, r.aligned), load_pack<N>(x + c, r.aligned)};
#pragma unroll
    for (int k = 0; k < N; ++k) t.normal.values[k] = (t.normal.values[k] - mean_r) * rstd_r;
    if (r.weight != nullptr) {
      const Pack<T, N> w = load_pack<N>(r.weight + c, r.aligned);
#pragma unroll
      for (int k = 0; k < N; ++k) t.h.values[k] *= w.values[k];
    }
    return t;
  };
  Terms held[kHeldBackward];
#pragma unroll
  for (int p = 0; p < kHeldBackward; ++p) {
    const uint32_t c = column_of<Threads, N>(static_cast<uint32_t>(p));
    if (c < cols) held[p] = load(c);
  }
  double sum = 0, product = 0;
  for_packs<Threads, N>(held, cols, load, [&](uint32_t, const Terms& t) {
    T sum_pack = 0, product_pack = 0;
#pragma unroll
    for (int k = 0; k < N; ++k) {
      sum_pack += t.h.values[k];
      product_pack += t.h.values[k] * t.normal.values[k];
    }
    sum += double(sum_pack);
    product += double(product_pack);
  });
  const T share = T(team_reduce<Threads>(sum, Sum{}) * r.per_col);
  const T slope = T(team_reduce<Threads>(product, Sum{}) * r.per_col);
  for_packs<Threads, N>(held, cols, load, [&](uint32_t c, const Terms& t) {
    Pack<T, N> out;
#pragma unroll
    for (int k = 0; k < N; ++k) out.values[k] = rstd_r * (t.h.values[k] - share - t.normal.values[k] * slope);
    store_pack<N>(grad_x + c, out, r.aligned);
  });
}

// Of each column: the sums of grad and of grad * xhat, into partials [parts, cols] or where there is one part into the
// gradients.
template <class T>
struct ColumnSums {
  int64_t cols;
  T *grad_weight, *grad_bias;  // may be null
  NormSums* partials;          // null: one part

  __device__ __forceinline__ void put(const NormSums& own, int64_t column, int64_t part) const {
    const NormSums s = add_warps(own);
    if (threadIdx.x >= kWarp || column >= cols) return;
    if (partials != nullptr) {
      partials[part * cols + column] = s;
      return;
    }
    if (grad_bias != nullptr) grad_bias[column] = T(s.first);
    if (grad_weight != nullptr) grad_weight[column] = T(s.second);
  }
};

__device__ __forceinline__ static int64_t column_of_lane() {
  return int64_t{blockIdx.x} * kWarp + static_cast<int>(threadIdx.x) % kWarp;
}

template <class T>
__global__ void __launch_bounds__(kTeamBlock) layer_norm_columns(int64_t rows, int64_t piece, const T* grad, const T* x,
                                                                 const T* mean, const T* rstd, ColumnSums<T> out) {
  const int64_t column = column_of_lane(), begin = blockIdx.y * piece;
  const int64_t end = column >= out.cols ? 0 : begin + piece < rows ? begin + piece : rows;
  NormSums s = {0, 0};
#pragma unroll 4
  for (int64_t row = begin + threadIdx.x / kWarp; row < end; row += kNormWarps) {
    const int64_t at = row * out.cols + column;
    const T g = grad[at], normal = (x[at] - mean[row]) * rstd[row];
    s.add(double(g), double(g * normal));
  }
  out.put(s, column, blockIdx.y);
}

template <class T>
__global__ void __launch_bounds__(kTeamBlock) add_column_parts(int parts, const NormSums* partials, ColumnSums<T> out) {
  const int64_t column = column_of_lane();
  NormSums s = {0, 0};
  for (int part = static_cast<int>(threadIdx.x) / kWarp; column < out.cols && part < parts; part += kNormWarps) {
    const NormSums& other = partials[part * out.cols + column];
    s.add(other.first, other.second);
  }
  out.put(s, column, 0);
}

template <class T>
Rows<T> rows_of(int64_t rows, int64_t cols, bool aligned, const void* weight, const void* bias, double eps) {
  if (cols > kMaxStrided)
    fail(TALUS_UNSUPPORTED, "layer_norm: rows of more than 2^30 elements are not supported on CUDA");
  return {rows,    static_cast<uint32_t>(cols),   1 / static_cast<double>(cols),
          aligned, static_cast<const T*>(weight), static_cast<const T*>(bias),
          eps};
}

}  // namespace

void layer_norm(int dtype, int64_t rows, int64_t cols, const void* x, const void* weight, const void* bias, double eps,
                void* out, void* mean, void* rstd) {
  dispatch_float(dtype, "layer_norm", [&](auto type) {
    using T = typename decltype(type)::type;
    if (rows == 0 || cols == 0) return;
    const bool aligned = pack_aligned(x) && pack_aligned(weight) && pack_aligned(bias) && pack_aligned(out);
    const Rows<T> r = rows_of<T>(rows, cols, aligned, weight, bias, eps);
    with_row_kernel<T>(cols, kWarp * kHeld * kPackItems<T>, [&](auto threads, auto items) {
      constexpr int kThreads = decltype(threads)::value;
      launch(layer_norm_rows<kThreads, decltype(items)::value, T>, blocks_for(rows, kTeamBlock / kThreads),
             dim3(kTeamBlock), 0, r, static_cast<const T*>(x), static_cast<T*>(out), static_cast<T*>(mean),
             static_cast<T*>(rstd));
    });
  });
}

void layer_norm_backward(int dtype, int64_t rows, int64_t cols, const void* grad, const void* x, const void* weight,
                         const void* mean, const void* rstd, void* grad_x, void* grad_weight, void* grad_bias) {
  dispatch_float(dtype, "layer_norm_backward", [&](auto type) {
    using T = typename decltype(type)::type;
    if (cols == 0) return;
    const T *g = static_cast<const T*>(grad), *from = static_cast<const T*>(x);
    const T *means = static_cast<const T*>(mean), *rstds = static_cast<const T*>(rstd);
    if (rows > 0 && grad_x != nullptr) {
      const bool aligned = pack_aligned(grad) && pack_aligned(x) && pack_aligned(weight) && pack_aligned(grad_x);
      const Rows<T> r = rows_of<T>(rows, cols, aligned, weight, nullptr, 0);
      with_row_kernel<T>(cols, kWarp * kHeldBackward * kPackItems<T>, [&](auto threads, auto items) {
        constexpr int kThreads = decltype(threads)::value;
        launch(layer_norm_backward_rows<kThreads, decltype(items)::value, T>, blocks_for(rows, kTeamBlock / kThreads),
               dim3(kTeamBlock), 0, r, g, from, means, rstds, static_cast<T*>(grad_x));
      });
    }
    if (grad_weight == nullptr && grad_bias == nullptr) return;
    const int64_t tiles = quotient_up(cols, kWarp);
    const int64_t wanted = std::max<int64_t>(1, std::min({kManyBlocks / tiles, rows / kLeastRows, kMostParts}));
    const int64_t piece = std::max<int64_t>(1, quotient_up(rows, wanted));
    const int64_t parts = std::max<int64_t>(1, quotient_up(rows, piece));
    ColumnSums<T> out = {cols, static_cast<T*>(grad_weight), static_cast<T*>(grad_bias), nullptr};
    const dim3 grid(static_cast<unsigned>(tiles), static_cast<unsigned>(parts));
    const auto launch_sums = [&](const ColumnSums<T>& to) {
      launch(layer_norm_columns<T>, grid, dim3(kTeamBlock), 0, rows, piece, g, from, means, rstds, to);
    };
    if (parts == 1) return launch_sums(out);
    const Scratch<NormSums> partials(parts * cols);
    ColumnSums<T> into_parts = out;
    into_parts.partials = partials.get();
    launch_sums(into_parts);
    launch(add_column_parts<T>, dim3(grid.x), dim3(kTeamBlock), 0, static_cast<int>(parts), partials.get(), out);
  });
}

}  // namespace talus::cuda
