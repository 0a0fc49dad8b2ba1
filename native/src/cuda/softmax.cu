// Softmax and log-softmax over the rows of a matrix: a warp or a block a row. A row is read once for its maximum, once
// for its sum and once to be rewritten; all but the first time it comes from a cache.
#include "cuda/map.cuh"
#include "cuda/math.cuh"
#include "cuda/team.cuh"
#include "dtype.h"
#include "kernels.h"

namespace talus::cuda {

namespace {

template <bool Log, int Threads, class T>
__global__ void __launch_bounds__(kTeamBlock) softmax_rows(int64_t rows, int64_t cols, const T* x, T* out) {
  const int64_t row = team_row<Threads>(), first = static_cast<int>(threadIdx.x) % Threads;
  // Teams without a row still meet the others of their block.
  const int64_t end = row < rows ? cols : 0;
  x += row * cols;
  out += row * cols;
  T greatest = T(-INFINITY), sum = 0;
  for (int64_t i = first; i < end; i += Threads) greatest = Greater{}(greatest, x[i]);
  greatest = team_reduce<Threads>(greatest, Greater{});
  for (int64_t i = first; i < end; i += Threads) sum += math::exp<T>(x[i] - greatest);
  sum = team_reduce<Threads>(sum, Sum{});
  const T log_sum = math::log<T>(sum), scale = T(1) / sum;
  for (int64_t i = first; i < end; i += Threads) {
    const T shifted = x[i] - greatest;
    out[i] = Log ? shifted - log_sum : math::exp<T>(shifted) * scale;
  }
}

template <bool Log, int Threads, class T>
__global__ void __launch_bounds__(kTeamBlock)
    softmax_backward_rows(int64_t rows, int64_t cols, const T* grad, const T* y, T* grad_x) {
  const int64_t row = team_row<Threads>(), first = static_cast<int>(threadIdx.x) % Threads;
  const int64_t end = row < rows ? cols : 0;
  grad += row * cols;
  y += row * cols;
  grad_x += row * cols;
  T sum = 0;
  for (int64_t i = first; i < end; i += Threads) sum += Log ? grad[i] : grad[i] * y[i];
  sum = team_reduce<Threads>(sum, Sum{});
  for (int64_t i = first; i < end; i += Threads)
    grad_x[i] = Log ? grad[i] - math::exp<T>(y[i]) * sum : y[i] * (grad[i] - sum);
}

// Calls f(Type<T>, std::integral_constant<bool, Log>, std::integral_constant<int, Threads>).
template <class F>
void dispatch_rows(bool log, int dtype, int64_t cols, F&& f) {
  dispatch_float(dtype, "softmax", [&](auto type) {
    with_team(cols, [&](auto threads) {
      if (log)
        f(type, std::true_type{}, threads);
      else
        f(type, std::false_type{}, threads);
    });
  });
}

}  // namespace

void softmax(bool log, int dtype, int64_t rows, int64_t cols, const void* x, void* out) {
  dispatch_rows(log, dtype, cols, [&](auto type, auto log_constant, auto threads) {
    using T = typename decltype(type)::type;
    constexpr int kThreads = decltype(threads)::value;
    if (rows == 0 || cols == 0) return;
    launch(softmax_rows<decltype(log_constant)::value, kThreads, T>, blocks_for(rows, kTeamBlock / kThreads),
           dim3(kTeamBlock), 0, rows, cols, static_cast<const T*>(x), static_cast<T*>(out));
  });
}

void softmax_backward(bool log, int dtype, int64_t rows, int64_t cols, const void* grad, const void* y, void* grad_x) {
  dispatch_rows(log, dtype, cols, [&](auto type, auto log_constant, auto threads) {
    using T = typename decltype(type)::type;
    constexpr int kThreads = decltype(threads)::value;
    if (rows == 0 || cols == 0) return;
    launch(softmax_backward_rows<decltype(log_constant)::value, kThreads, T>, blocks_for(rows, kTeamBlock / kThreads),
           dim3(kTeamBlock), 0, rows, cols, static_cast<const T*>(grad), static_cast<const T*>(y),
           static_cast<T*>(grad_x));
  });
}

}  // namespace talus::cuda
