// Pooling of one plane. Windows of 2x2 side by side, the most frequent case, have loops of their own that vectorise.
#include "cpu/isa/pool2d_table.h"

namespace talus::TALUS_ISA_NS {
namespace {

struct Range {
  int64_t begin, end;
};

bool is_2x2(const PoolShape& s) {
  return s.kh == 2 && s.kw == 2 && s.stride_h == 2 && s.stride_w == 2 && s.pad_h == 0 && s.pad_w == 0 &&
         s.dilation_h == 1 && s.dilation_w == 1 && 2 * s.oh <= s.h && 2 * s.ow <= s.w;
}

template <class T>
void zero(T* to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] = T(0);
}

// ---------------------------------------------------------------------------------------------------- max

// The first position of a window that lies inside the plane.
int64_t first_inside(int64_t start, int64_t dilation) {
  return start >= 0 ? start : start + (-start + dilation - 1) / dilation * dilation;
}

// As in PyTorch, a NaN replaces whatever was found before it, another NaN too.
template <class T>
inline bool replaces(T value, T best) {
  return (value > best) | (value != value);
}

template <class T>
void max_2x2_row(const T* __restrict top, const T* __restrict bottom, int64_t ow, T* __restrict out) {
  for (int64_t j = 0; j < ow; ++j) {
    const T a = top[2 * j], b = top[2 * j + 1], c = bottom[2 * j], d = bottom[2 * j + 1];
    T best = a;
    best = replaces(b, best) ? b : best;
    best = replaces(c, best) ? c : best;
    out[j] = replaces(d, best) ? d : best;
  }
}

template <class T>
void max_2x2_row_indices(const T* __restrict top, const T* __restrict bottom, int64_t ow, int32_t start, int32_t width,
                         T* __restrict out, int32_t* __restrict indices) {
  for (int32_t j = 0; j < static_cast<int32_t>(ow); ++j) {
    const T a = top[2 * j], b = top[2 * j + 1], c = bottom[2 * j], d = bottom[2 * j + 1];
    const int32_t at = start + 2 * j;
    T best = a;
    int32_t index = at;
    index = replaces(b, best) ? at + 1 : index;
    best = replaces(b, best) ? b : best;
    index = replaces(c, best) ? at + width : index;
    best = replaces(c, best) ? c : best;
    index = replaces(d, best) ? at + width + 1 : index;
    out[j] = replaces(d, best) ? d : best;
    indices[j] = index;
  }
}

template <class T>
void max_2x2(const PoolShape& s, const T* x, T* out, int32_t* indices) {
  for (int64_t i = 0; i < s.oh; ++i) {
    const T* top = x + 2 * i * s.w;
    T* to = out + i * s.ow;
    if (indices == nullptr) {
      max_2x2_row(top, top + s.w, s.ow, to);
    } else {
      max_2x2_row_indices(top, top + s.w, s.ow, static_cast<int32_t>(2 * i * s.w), static_cast<int32_t>(s.w), to,
                          indices + i * s.ow);
    }
  }
}

template <class T>
void max(const PoolShape& s, const T* x, T* out, int32_t* indices) {
  if (is_2x2(s)) return max_2x2(s, x, out, indices);
  for (int64_t i = 0; i < s.oh; ++i) {
    const int64_t top = i * s.stride_h - s.pad_h, h_begin = first_inside(top, s.dilation_h);
    const int64_t h_limit = top + s.dilation_h * (s.kh - 1) + 1, h_end = h_limit < s.h ? h_limit : s.h;
    for (int64_t j = 0; j < s.ow; ++j) {
      const int64_t left = j * s.stride_w - s.pad_w, w_begin = first_inside(left, s.dilation_w);
      const int64_t w_limit = left + s.dilation_w * (s.kw - 1) + 1, w_end = w_limit < s.w ? w_limit : s.w;
      T best = -static_cast<T>(__builtin_inf());
      int64_t index = h_begin * s.w + w_begin;
      for (int64_t h = h_begin; h < h_end; h += s.dilation_h)
        for (int64_t w = w_begin; w < w_end; w += s.dilation_w) {
          const T value = x[h * s.w + w];
          if (!replaces(value, best)) continue;
          best = value;
          index = h * s.w + w;
        }
      out[i * s.ow + j] = best;
      if (indices != nullptr) indices[i * s.ow + j] = static_cast<int32_t>(index);
    }
  }
}

// Every input of the row's windows is written once. Zero bits of `wrong` mean that all indices lie in their windows.
template <class T>
uint32_t max_backward_2x2_row(const T* __restrict grad, const int32_t* __restrict indices, int64_t ow, int32_t start,
                              int32_t width, T* __restrict top, T* __restrict bottom) {
  uint32_t wrong = 0;
  for (int32_t j = 0; j < static_cast<int32_t>(ow); ++j) {
    const int32_t at = start + 2 * j, index = indices[j];
    const bool a = index == at, b = index == at + 1, c = index == at + width, d = index == at + width + 1;
    top[2 * j] = a ? grad[j] : T(0);
    top[2 * j + 1] = b ? grad[j] : T(0);
    bottom[2 * j] = c ? grad[j] : T(0);
    bottom[2 * j + 1] = d ? grad[j] : T(0);
    wrong |= (a | b | c | d) ? 0u : 1u;
  }
  return wrong;
}

template <class T>
bool max_backward_2x2(const PoolShape& s, const T* grad, const int32_t* indices, T* grad_x) {
  uint32_t wrong = 0;
  for (int64_t i = 0; i < s.oh; ++i) {
    T* top = grad_x + 2 * i * s.w;
    T* bottom = top + s.w;
    wrong |= max_backward_2x2_row(grad + i * s.ow, indices + i * s.ow, s.ow, static_cast<int32_t>(2 * i * s.w),
                                  static_cast<int32_t>(s.w), top, bottom);
    zero(top + 2 * s.ow, s.w - 2 * s.ow);
    zero(bottom + 2 * s.ow, s.w - 2 * s.ow);
  }
  zero(grad_x + 2 * s.oh * s.w, (s.h - 2 * s.oh) * s.w);
  return wrong == 0;
}

template <class T>
bool max_backward(const PoolShape& s, const T* grad, const int32_t* indices, T* grad_x) {
  if (is_2x2(s)) return max_backward_2x2(s, grad, indices, grad_x);
  zero(grad_x, s.h * s.w);
  for (int64_t i = 0; i < s.oh * s.ow; ++i) {
    const int64_t index = indices[i];
    if (index < 0 || index >= s.h * s.w) return false;
    grad_x[index] += grad[i];
  }
  return true;
}

// ------------------------------------------------------------------------------------------------ average

// A window along one dimension: its part inside the plane, and its length including padding.
struct Window {
  Range inside;
  int64_t padded;
};

Window window(int64_t i, int64_t size, int64_t kernel, int64_t stride, int64_t pad) {
  const int64_t begin = i * stride - pad;
  const int64_t end = begin + kernel < size + pad ? begin + kernel : size + pad;
  return {{begin < 0 ? 0 : begin, end < size ? end : size}, end - begin};
}

template <class T>
T divisor(const PoolShape& s, const Window& h, const Window& w) {
  if (s.divisor != 0) return static_cast<T>(s.divisor);
  if (s.count_include_pad) return static_cast<T>(h.padded * w.padded);
  return static_cast<T>((h.inside.end - h.inside.begin) * (w.inside.end - w.inside.begin));
}

template <class T>
void avg_2x2_row(const T* __restrict top, const T* __restrict bottom, int64_t ow, T by, T* __restrict out) {
  for (int64_t j = 0; j < ow; ++j) out[j] = (((top[2 * j] + top[2 * j + 1]) + bottom[2 * j]) + bottom[2 * j + 1]) / by;
}

template <class T>
void avg(const PoolShape& s, const T* x, T* out) {
  if (is_2x2(s)) {
    const T by = static_cast<T>(s.divisor != 0 ? s.divisor : 4);
    for (int64_t i = 0; i < s.oh; ++i) avg_2x2_row(x + 2 * i * s.w, x + (2 * i + 1) * s.w, s.ow, by, out + i * s.ow);
    return;
  }
  for (int64_t i = 0; i < s.oh; ++i) {
    const Window h = window(i, s.h, s.kh, s.stride_h, s.pad_h);
    for (int64_t j = 0; j < s.ow; ++j) {
      const Window w = window(j, s.w, s.kw, s.stride_w, s.pad_w);
      T sum = T(0);
      for (int64_t row = h.inside.begin; row < h.inside.end; ++row)
        for (int64_t col = w.inside.begin; col < w.inside.end; ++col) sum += x[row * s.w + col];
      const bool empty = h.inside.begin >= h.inside.end || w.inside.begin >= w.inside.end;
      out[i * s.ow + j] = empty ? T(0) : sum / divisor<T>(s, h, w);
    }
  }
}

template <class T>
void avg_backward(const PoolShape& s, const T* grad, T* grad_x) {
  zero(grad_x, s.h * s.w);
  for (int64_t i = 0; i < s.oh; ++i) {
    const Window h = window(i, s.h, s.kh, s.stride_h, s.pad_h);
    for (int64_t j = 0; j < s.ow; ++j) {
      const Window w = window(j, s.w, s.kw, s.stride_w, s.pad_w);
      const T share = grad[i * s.ow + j] / divisor<T>(s, h, w);
      for (int64_t row = h.inside.begin; row < h.inside.end; ++row)
        for (int64_t col = w.inside.begin; col < w.inside.end; ++col) grad_x[row * s.w + col] += share;
    }
  }
}

}  // namespace

extern const Pool2dTable pool2d_table;
const Pool2dTable pool2d_table = {
    {max<float>, max_backward<float>, avg<float>, avg_backward<float>},
    {max<double>, max_backward<double>, avg<double>, avg_backward<double>},
};

}  // namespace talus::TALUS_ISA_NS
