// Adaptive average pooling with windows of several sizes. The rows of a window are added side by side in SIMD lanes,
// the sums of columns one by one.
#include "cpu/isa/adaptive_pool2d_table.h"

#include "cpu/isa/lanes.h"

namespace talus::TALUS_ISA_NS {
namespace {

// Window i of `out` over `in` elements.
struct Window {
  int64_t begin, end;

  Window(int64_t i, int64_t in, int64_t out) : begin(i * in / out), end(((i + 1) * in + out - 1) / out) {}
  int64_t size() const { return end - begin; }
};

// to = from, or to += from.
template <class T>
void put_row(bool add, int64_t n, const T* from, T* to) {
  for_row<T>(n, [&](int64_t i, int64_t count) {
    const Vec<T> value = load_part<T>(from + i, count, T(0));
    store_part<T>(to + i, add ? load_part<T>(to + i, count, T(0)) + value : value, count);
  });
}

// The sum of `rows` rows of n elements: registers stay while the rows pass.
template <class T>
void sum_rows(int64_t rows, int64_t n, const T* x, T* line) {
  for_row<T>(n, [&](int64_t i, int64_t count) {
    Vec<T> sum = load_part<T>(x + i, count, T(0));
    for (int64_t r = 1; r < rows; ++r) sum += load_part<T>(x + r * n + i, count, T(0));
    store_part<T>(line + i, sum, count);
  });
}

template <class T>
void avg(int64_t planes, int64_t h, int64_t w, int64_t oh, int64_t ow, const T* x, T* out, T* line) {
  for (int64_t plane = 0; plane < planes; ++plane, x += h * w)
    for (int64_t i = 0; i < oh; ++i, out += ow) {
      const Window rows(i, h, oh);
      sum_rows<T>(rows.size(), w, x + rows.begin * w, line);
      for (int64_t j = 0; j < ow; ++j) {
        const Window columns(j, w, ow);
        double sum = 0;
        for (int64_t c = columns.begin; c < columns.end; ++c) sum += double(line[c]);
        out[j] = T(sum / double(rows.size() * columns.size()));
      }
    }
}

template <class T>
void avg_backward(int64_t planes, int64_t h, int64_t w, int64_t oh, int64_t ow, const T* grad, T* grad_x, T* line) {
  for (int64_t plane = 0; plane < planes; ++plane, grad_x += h * w) {
    int64_t written = 0;  // rows; windows overlap
    for (int64_t i = 0; i < oh; ++i, grad += ow) {
      const Window rows(i, h, oh);
      for (int64_t c = 0; c < w; ++c) line[c] = 0;
      for (int64_t j = 0; j < ow; ++j) {
        const Window columns(j, w, ow);
        const T share = grad[j] / T(rows.size() * columns.size());
        for (int64_t c = columns.begin; c < columns.end; ++c) line[c] += share;
      }
      for (int64_t r = rows.begin; r < rows.end; ++r) put_row<T>(r < written, w, line, grad_x + r * w);
      written = rows.end;
    }
  }
}

}  // namespace

extern const AdaptivePool2dTable adaptive_pool2d_table;
const AdaptivePool2dTable adaptive_pool2d_table = {{avg<float>, avg_backward<float>},
                                                   {avg<double>, avg_backward<double>}};

}  // namespace talus::TALUS_ISA_NS
