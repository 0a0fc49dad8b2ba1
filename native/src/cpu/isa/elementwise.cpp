// Inner loops of the element-wise operations. Floating arithmetic runs on SIMD registers with the tail padded, so an
// element's result never depends on its position; integers, comparisons and what the C library computes are plain
// loops, which the compiler turns into SIMD where the instruction set allows.
#include "elementwise_table.h"

#include "dtype.h"
#include "quotient.h"
#include "scalar_op_lists.h"
#include "scalar_ops.h"
#include "stream.h"
#include "vec_math.h"

// Iterations are independent, even when out is an operand.
#if defined(__clang__)
#define TALUS_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define TALUS_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace talus::TALUS_ISA_NS {

template <class T, bool Scalar>
static inline Vec<T> load_operand(const T* from, int64_t i) {
  if constexpr (Scalar)
    return broadcast<T>(*from);
  else
    return load<T>(from + i);
}

// ---------------------------------------------------------------- unary

template <template <class> class Op, class T>
static void unary_loop(int64_t n, const void* x_bytes, double p0_double, double p1_double, void* out_bytes) {
  const T* x = static_cast<const T*>(x_bytes);
  T* out = static_cast<T*>(out_bytes);
  const T p0 = parameter<T>(p0_double), p1 = parameter<T>(p1_double);
  if constexpr (kFloating<T> && Op<T>::kVector) {
    int64_t i = 0;
    // Two at a time: polynomials are chains of steps that wait for each other, and these two chains do not.
    for (; i + 2 * kLanes<T> <= n; i += 2 * kLanes<T>) {
      const Vec<T> a = load<T>(x + i), b = load<T>(x + i + kLanes<T>);
      const Vec<T> first = Op<T>::apply(a, p0, p1), second = Op<T>::apply(b, p0, p1);
      store<T>(out + i, first);
      store<T>(out + i + kLanes<T>, second);
    }
    if (i + kLanes<T> <= n) {
      store<T>(out + i, Op<T>::apply(load<T>(x + i), p0, p1));
      i += kLanes<T>;
    }
    if (i < n) store_tail<T>(out + i, Op<T>::apply(load_tail<T>(x + i, n - i, x[i]), p0, p1), n - i);
  } else {
    TALUS_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) out[i] = Op<T>::apply(x[i], p0, p1);
  }
}

template <template <class> class Op, class T>
static void unary_test_loop(int64_t n, const void* x_bytes, double, double, void* out_bytes) {
  const T* x = static_cast<const T*>(x_bytes);
  uint8_t* out = static_cast<uint8_t*>(out_bytes);
  TALUS_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) out[i] = Op<T>::apply(x[i]);
}

template <class T>
static void pow_loop(int64_t n, const void* x, double p0, double p1, void* out) {
#define TALUS_EXPONENT(exponent, Op) \
  if (p0 == exponent) return unary_loop<Op, T>(n, x, p0, p1, out);
  TALUS_COMMON_EXPONENTS(TALUS_EXPONENT)
#undef TALUS_EXPONENT
  unary_loop<PowScalar, T>(n, x, p0, p1, out);
}

// One row of a list as a case of a switch.
#define TALUS_UNARY_CASE(op, Op) \
  case op:                       \
    return unary_loop<Op, T>;
#define TALUS_UNARY_TEST_CASE(op, Op) \
  case op:                            \
    return unary_test_loop<Op, T>;

template <class T>
static UnaryLoop find_unary_test(int op) {
  switch (op) {
    TALUS_UNARY_TESTS(TALUS_UNARY_TEST_CASE)
    default:
      return nullptr;
  }
}

template <class T>
static UnaryLoop find_unary_number(int op) {
  switch (op) {
    TALUS_UNARY_NUMBER_OPS(TALUS_UNARY_CASE)
    default:
      return find_unary_test<T>(op);
  }
}

template <class T>
static UnaryLoop find_unary_float(int op) {
  switch (op) {
    TALUS_UNARY_FLOAT_OPS(TALUS_UNARY_CASE)
    case TALUS_POW_SCALAR:
      return pow_loop<T>;
    default:
      return find_unary_number<T>(op);
  }
}

static UnaryLoop find_unary(int op, int dtype) {
  switch (dtype) {
    case TALUS_FLOAT32:
      return find_unary_float<float>(op);
    case TALUS_FLOAT64:
      return find_unary_float<double>(op);
    case TALUS_INT64:
      return find_unary_number<int64_t>(op);
    case TALUS_INT32:
      return find_unary_number<int32_t>(op);
    case TALUS_UINT8:
      return find_unary_number<uint8_t>(op);
    case TALUS_BOOL:
      return find_unary_test<uint8_t>(op);
    default:
      return nullptr;
  }
}

// ---------------------------------------------------------------- binary

template <template <class> class Op, class T, bool XScalar, bool YScalar>
static inline void binary_run(int64_t n, const T* x, const T* y, T p0, T* out) {
  if constexpr (kFloating<T> && Op<T>::kVector) {
    int64_t i = 0;
    for (; i + kLanes<T> <= n; i += kLanes<T>)
      store<T>(out + i, Op<T>::apply(load_operand<T, XScalar>(x, i), load_operand<T, YScalar>(y, i), p0));
    const int64_t rest = n - i;
    if (rest == 0) return;
    const Vec<T> a = XScalar ? broadcast<T>(*x) : load_tail<T>(x + i, rest, x[i]);
    const Vec<T> b = YScalar ? broadcast<T>(*y) : load_tail<T>(y + i, rest, y[i]);
    store_tail<T>(out + i, Op<T>::apply(a, b, p0), rest);
  } else {
    // A scalar operand is read first: out may overwrite it only if the loop has one iteration.
    const T x0 = *x, y0 = *y;
    TALUS_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) out[i] = Op<T>::apply(XScalar ? x0 : x[i], YScalar ? y0 : y[i], p0);
  }
}

template <template <class> class Op, class T>
static bool binary_loop(int64_t n, const void* x_bytes, int x_step, const void* y_bytes, int y_step, double p0_double,
                        void* out_bytes) {
  const T* x = static_cast<const T*>(x_bytes);
  const T* y = static_cast<const T*>(y_bytes);
  T* out = static_cast<T*>(out_bytes);
  const T p0 = parameter<T>(p0_double);
  if (n == 0) return true;
  if (x_step == 0)
    binary_run<Op, T, true, false>(n, x, y, p0, out);
  else if (y_step == 0)
    binary_run<Op, T, false, true>(n, x, y, p0, out);
  else
    binary_run<Op, T, false, false>(n, x, y, p0, out);
  return true;
}

template <template <class> class Op, class T>
static bool divide_loop(int64_t n, const void* x, int x_step, const void* y, int y_step, double p0, void* out) {
  if constexpr (!kFloating<T>) {
    const T* divisor = static_cast<const T*>(y);
    bool zero = false;
    for (int64_t i = 0; i < (y_step == 0 ? 1 : n); ++i) zero |= divisor[i] == 0;
    if (zero) return false;
  }
  return binary_loop<Op, T>(n, x, x_step, y, y_step, p0, out);
}

template <template <class> class Op, class T>
static bool binary_test_loop(int64_t n, const void* x_bytes, int x_step, const void* y_bytes, int y_step, double,
                             void* out_bytes) {
  const T* x = static_cast<const T*>(x_bytes);
  const T* y = static_cast<const T*>(y_bytes);
  uint8_t* out = static_cast<uint8_t*>(out_bytes);
  if (n == 0) return true;
  const T x0 = *x, y0 = *y;
  if (x_step == 0) {
    TALUS_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) out[i] = Op<T>::apply(x0, y[i]);
  } else if (y_step == 0) {
    TALUS_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) out[i] = Op<T>::apply(x[i], y0);
  } else {
    TALUS_INDEPENDENT
    for (int64_t i = 0; i < n; ++i) out[i] = Op<T>::apply(x[i], y[i]);
  }
  return true;
}

#define TALUS_BINARY_CASE(op, Op) \
  case op:                        \
    return binary_loop<Op, T>;
#define TALUS_DIVISION_CASE(op, Op) \
  case op:                          \
    return divide_loop<Op, T>;
#define TALUS_BINARY_TEST_CASE(op, Op) \
  case op:                             \
    return binary_test_loop<Op, T>;

template <class T>
static BinaryLoop find_binary_any(int op) {
  switch (op) {
    TALUS_BINARY_ANY_OPS(TALUS_BINARY_CASE)
    TALUS_BINARY_TESTS(TALUS_BINARY_TEST_CASE)
    default:
      return nullptr;
  }
}

template <class T>
static BinaryLoop find_binary_number(int op) {
  switch (op) {
    TALUS_BINARY_NUMBER_OPS(TALUS_BINARY_CASE)
    TALUS_BINARY_DIVISIONS(TALUS_DIVISION_CASE)
    default:
      return find_binary_any<T>(op);
  }
}

template <class T>
static BinaryLoop find_binary_float(int op) {
  switch (op) {
    case TALUS_FLOOR_DIVIDE:
      return kVectorQuotient<T> ? binary_loop<VectorFloorDivide, T> : binary_loop<FloorDivide, T>;
    case TALUS_REMAINDER:
      return kVectorQuotient<T> ? binary_loop<VectorRemainder, T> : binary_loop<Remainder, T>;
      TALUS_BINARY_FLOAT_OPS(TALUS_BINARY_CASE)
    default:
      return find_binary_number<T>(op);
  }
}

static BinaryLoop find_binary(int op, int dtype) {
  switch (dtype) {
    case TALUS_FLOAT32:
      return find_binary_float<float>(op);
    case TALUS_FLOAT64:
      return find_binary_float<double>(op);
    case TALUS_INT64:
      return find_binary_number<int64_t>(op);
    case TALUS_INT32:
      return find_binary_number<int32_t>(op);
    case TALUS_UINT8:
      return find_binary_number<uint8_t>(op);
    case TALUS_BOOL:
      return find_binary_any<uint8_t>(op);
    default:
      return nullptr;
  }
}

// ---------------------------------------------------------------- where, cast

template <class T>
static void where_loop(int64_t n, const void* condition_bytes, const void* x_bytes, const void* y_bytes,
                       void* out_bytes) {
  const uint8_t* condition = static_cast<const uint8_t*>(condition_bytes);
  const T* x = static_cast<const T*>(x_bytes);
  const T* y = static_cast<const T*>(y_bytes);
  T* out = static_cast<T*>(out_bytes);
  TALUS_INDEPENDENT
  for (int64_t i = 0; i < n; ++i) {
    const T yes = x[i], no = y[i];
    out[i] = condition[i] != 0 ? yes : no;
  }
}

static WhereLoop find_where(int dtype) {
  switch (dtype) {
    case TALUS_FLOAT32:
      return where_loop<float>;
    case TALUS_FLOAT64:
      return where_loop<double>;
    case TALUS_INT64:
      return where_loop<int64_t>;
    case TALUS_INT32:
      return where_loop<int32_t>;
    case TALUS_UINT8:
    case TALUS_BOOL:
      return where_loop<uint8_t>;
    default:
      return nullptr;
  }
}

template <class From, class To>
static void cast_loop(int64_t n, const void* x_bytes, void* out_bytes) {
  const From* x = static_cast<const From*>(x_bytes);
  To* out = static_cast<To*>(out_bytes);
  for (int64_t i = 0; i < n; ++i) out[i] = convert<To>(x[i]);
}

template <class From>
static void bool_loop(int64_t n, const void* x_bytes, void* out_bytes) {
  const From* x = static_cast<const From*>(x_bytes);
  uint8_t* out = static_cast<uint8_t*>(out_bytes);
  for (int64_t i = 0; i < n; ++i) out[i] = x[i] != 0;
}

template <class From>
static CastLoop find_cast_from(int dst_dtype) {
  switch (dst_dtype) {
    case TALUS_FLOAT32:
      return cast_loop<From, float>;
    case TALUS_FLOAT64:
      return cast_loop<From, double>;
    case TALUS_INT64:
      return cast_loop<From, int64_t>;
    case TALUS_INT32:
      return cast_loop<From, int32_t>;
    case TALUS_UINT8:
      return cast_loop<From, uint8_t>;
    case TALUS_BOOL:
      return bool_loop<From>;
    default:
      return nullptr;
  }
}

static CastLoop find_cast(int src_dtype, int dst_dtype) {
  switch (src_dtype) {
    case TALUS_FLOAT32:
      return find_cast_from<float>(dst_dtype);
    case TALUS_FLOAT64:
      return find_cast_from<double>(dst_dtype);
    case TALUS_INT64:
      return find_cast_from<int64_t>(dst_dtype);
    case TALUS_INT32:
      return find_cast_from<int32_t>(dst_dtype);
    case TALUS_UINT8:
    case TALUS_BOOL:
      return find_cast_from<uint8_t>(dst_dtype);
    default:
      return nullptr;
  }
}

// ---------------------------------------------------------------- stores past the caches

static void stream_lines(int64_t bytes, const void* from, void* to) {
  const float* lines = static_cast<const float*>(from);
  for (int64_t i = 0; i < bytes / int64_t{sizeof(float)}; i += kLanes<float>)
    stream(static_cast<float*>(to) + i, load(lines + i));
}

extern const ElementwiseTable elementwise_table;
const ElementwiseTable elementwise_table = {find_unary,   find_binary, find_where, find_cast,
                                            stream_lines, end_streams, kReadAhead};

}  // namespace talus::TALUS_ISA_NS
