// Softmax and log-softmax over the rows of a matrix; threads share the rows.
#include "cpu/isa/softmax_table.h"
#include "dtype.h"
#include "kernels.h"
#include "parallel.h"

namespace talus::cpu {

namespace {

template <class Loop>
Loop checked(Loop loop, int dtype) {
  if (loop == nullptr)
    fail(TALUS_UNSUPPORTED, "softmax: dtype %d is not supported, expected float32 or float64", dtype);
  return loop;
}

int64_t rows_per_task(int64_t cols) { return 8192 / (cols + 16) + 1; }

}  // namespace

void softmax(bool log, int dtype, int64_t rows, int64_t cols, const void* x, void* out) {
  const SoftmaxLoop loop = checked(softmax_table().forward(log, dtype), dtype);
  if (rows == 0 || cols == 0) return;
  const int64_t row_bytes = cols * size_of(dtype);
  parallel_for(rows, rows_per_task(cols), [&](int64_t begin, int64_t end) {
    loop(end - begin, cols, static_cast<const char*>(x) + begin * row_bytes,
         static_cast<char*>(out) + begin * row_bytes);
  });
}

void softmax_backward(bool log, int dtype, int64_t rows, int64_t cols, const void* grad, const void* y, void* grad_x) {
  const SoftmaxBackwardLoop loop = checked(softmax_table().backward(log, dtype), dtype);
  if (rows == 0 || cols == 0) return;
  const int64_t row_bytes = cols * size_of(dtype);
  parallel_for(rows, rows_per_task(cols), [&](int64_t begin, int64_t end) {
    const int64_t at = begin * row_bytes;
    loop(end - begin, cols, static_cast<const char*>(grad) + at, static_cast<const char*>(y) + at,
         static_cast<char*>(grad_x) + at);
  });
}

}  // namespace talus::cpu
