// Element-wise operations of one operand, and where. Those of two are in elementwise_binary.cu.
#include "cuda/map.cuh"
#include "dtype.h"
#include "elementwise_rules.h"
#include "kernels.h"
#include "scalar_op_lists.h"
#include "scalar_ops.h"

namespace talus::cuda {

namespace {

template <template <class> class Op, class T>
struct UnaryMap {
  T p0, p1;
  __device__ T operator()(T x) const { return Op<T>::apply(x, p0, p1); }
};

template <template <class> class Op, class T>
struct UnaryTestMap {
  __device__ uint8_t operator()(T x) const { return Op<T>::apply(x); }
};

template <class T>
struct WhereMap {
  __device__ T operator()(uint8_t condition, T x, T y) const { return condition != 0 ? x : y; }
};

using UnaryLaunch = void (*)(const Geometry<2>& g, const void* x, double p0, double p1, void* out);

template <template <class> class Op, class T>
void launch_unary(const Geometry<2>& g, const void* x, double p0, double p1, void* out) {
  map(g, UnaryMap<Op, T>{parameter<T>(p0), parameter<T>(p1)}, static_cast<T*>(out), static_cast<const T*>(x));
}

template <template <class> class Op, class T>
void launch_unary_test(const Geometry<2>& g, const void* x, double, double, void* out) {
  map(g, UnaryTestMap<Op, T>{}, static_cast<uint8_t*>(out), static_cast<const T*>(x));
}

template <class T>
void launch_pow(const Geometry<2>& g, const void* x, double p0, double p1, void* out) {
#define TALUS_EXPONENT(exponent, Op) \
  if (p0 == exponent) return launch_unary<Op, T>(g, x, p0, p1, out);
  TALUS_COMMON_EXPONENTS(TALUS_EXPONENT)
#undef TALUS_EXPONENT
  launch_unary<PowScalar, T>(g, x, p0, p1, out);
}

// One row of a list as a case of a switch.
#define TALUS_UNARY_CASE(op, Op) \
  case op:                       \
    return launch_unary<Op, T>;
#define TALUS_UNARY_TEST_CASE(op, Op) \
  case op:                            \
    return launch_unary_test<Op, T>;

template <class T>
UnaryLaunch find_unary_test(int op) {
  switch (op) {
    TALUS_UNARY_TESTS(TALUS_UNARY_TEST_CASE)
    default:
      return nullptr;
  }
}

template <class T>
UnaryLaunch find_unary_number(int op) {
  switch (op) {
    TALUS_UNARY_NUMBER_OPS(TALUS_UNARY_CASE)
    default:
      return find_unary_test<T>(op);
  }
}

template <class T>
UnaryLaunch find_unary_float(int op) {
  switch (op) {
    TALUS_UNARY_FLOAT_OPS(TALUS_UNARY_CASE)
    case TALUS_POW_SCALAR:
      return launch_pow<T>;
    default:
      return find_unary_number<T>(op);
  }
}

UnaryLaunch find_unary(int op, int dtype) {
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

template <class T>
void launch_where(const Geometry<4>& g, const void* c, const void* x, const void* y, void* out) {
  map(g, WhereMap<T>{}, static_cast<T*>(out), static_cast<const uint8_t*>(c), static_cast<const T*>(x),
      static_cast<const T*>(y));
}

}  // namespace

void unary(int op, int dtype, const Geometry<2>& g, const void* x, double p0, double p1, void* out) {
  const UnaryCall call = with_rules(dtype, {op, p0, p1});
  const UnaryLaunch launch_op = find_unary(call.op, dtype);
  if (launch_op == nullptr) fail_op("unary", op, dtype);
  launch_op(g, x, call.p0, call.p1, out);
}

void where(int dtype, const Geometry<4>& g, const void* c, const void* x, const void* y, void* out) {
  // Only moved, so elements of one size are alike.
  switch (size_of(dtype)) {
    case 1:
      return launch_where<uint8_t>(g, c, x, y, out);
    case 4:
      return launch_where<uint32_t>(g, c, x, y, out);
    default:
      return launch_where<uint64_t>(g, c, x, y, out);
  }
}

}  // namespace talus::cuda
