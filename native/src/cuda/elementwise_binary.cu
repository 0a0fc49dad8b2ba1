// Element-wise operations of two operands.
#include "cuda/kernel_errors.cuh"
#include "cuda/map.cuh"
#include "dtype.h"
#include "elementwise_rules.h"
#include "kernels.h"
#include "scalar_op_lists.h"
#include "scalar_ops.h"

namespace talus::cuda {

namespace {

template <template <class> class Op, class T>
struct BinaryMap {
  T p0;
  __device__ T operator()(T x, T y) const { return Op<T>::apply(x, y, p0); }
};

template <template <class> class Op, class T>
struct BinaryTestMap {
  __device__ uint8_t operator()(T x, T y) const { return Op<T>::apply(x, y); }
};

// Of integers, for which dividing by zero is an error that only the kernel can see.
template <template <class> class Op, class T>
struct DivisionMap {
  KernelError* error;
  __device__ T operator()(T x, T y) const {
    if (y != 0) return Op<T>::apply(x, y, T(0));
    report(error, KernelError::kDivision);
    return 0;
  }
};

using BinaryLaunch = void (*)(const Geometry<3>& g, const void* x, const void* y, double p0, void* out);

template <template <class> class Op, class T>
void launch_binary(const Geometry<3>& g, const void* x, const void* y, double p0, void* out) {
  map(g, BinaryMap<Op, T>{parameter<T>(p0)}, static_cast<T*>(out), static_cast<const T*>(x), static_cast<const T*>(y));
}

template <template <class> class Op, class T>
void launch_binary_test(const Geometry<3>& g, const void* x, const void* y, double, void* out) {
  map(g, BinaryTestMap<Op, T>{}, static_cast<uint8_t*>(out), static_cast<const T*>(x), static_cast<const T*>(y));
}

template <template <class> class Op, class T>
void launch_division(const Geometry<3>& g, const void* x, const void* y, double p0, void* out) {
  if constexpr (kFloating<T>)
    launch_binary<Op, T>(g, x, y, p0, out);
  else
    map(g, DivisionMap<Op, T>{kernel_error()}, static_cast<T*>(out), static_cast<const T*>(x),
        static_cast<const T*>(y));
}

#define TALUS_BINARY_CASE(op, Op) \
  case op:                        \
    return launch_binary<Op, T>;
#define TALUS_DIVISION_CASE(op, Op) \
  case op:                          \
    return launch_division<Op, T>;
#define TALUS_BINARY_TEST_CASE(op, Op) \
  case op:                             \
    return launch_binary_test<Op, T>;

template <class T>
BinaryLaunch find_binary_any(int op) {
  switch (op) {
    TALUS_BINARY_ANY_OPS(TALUS_BINARY_CASE)
    TALUS_BINARY_TESTS(TALUS_BINARY_TEST_CASE)
    default:
      return nullptr;
  }
}

template <class T>
BinaryLaunch find_binary_number(int op) {
  switch (op) {
    TALUS_BINARY_NUMBER_OPS(TALUS_BINARY_CASE)
    TALUS_BINARY_DIVISIONS(TALUS_DIVISION_CASE)
    default:
      return find_binary_any<T>(op);
  }
}

template <class T>
BinaryLaunch find_binary_float(int op) {
  switch (op) {
    TALUS_BINARY_FLOAT_OPS(TALUS_BINARY_CASE)
    default:
      return find_binary_number<T>(op);
  }
}

BinaryLaunch find_binary(int op, int dtype) {
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

}  // namespace

void binary(int op, int dtype, const Geometry<3>& g, const void* x, const void* y, double p0, void* out) {
  const BinaryLaunch launch_op = find_binary(op, dtype);
  if (launch_op == nullptr) fail_op("binary", op, dtype);
  launch_op(g, x, y, p0, out);
}

}  // namespace talus::cuda
