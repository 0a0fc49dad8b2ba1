// Which operation of the border is which functor of scalar_ops.h, and for which dtypes; the CPU's and CUDA's tables of
// kernels are both made of these lists.
#pragma once

// Answers, for all dtypes; bool is uint8.
#define TALUS_UNARY_TESTS(OP)       \
  OP(TALUS_LOGICAL_NOT, LogicalNot) \
  OP(TALUS_IS_NAN, IsNan)           \
  OP(TALUS_IS_INF, IsInf)

// For numbers: all dtypes but bool.
#define TALUS_UNARY_NUMBER_OPS(OP)  \
  OP(TALUS_NEG, Negate)             \
  OP(TALUS_ABS, Abs)                \
  OP(TALUS_SIGN, Sign)              \
  OP(TALUS_SQUARE, Square)          \
  OP(TALUS_RELU, Relu)              \
  OP(TALUS_ADD_SCALAR, AddScalar)   \
  OP(TALUS_MUL_SCALAR, MulScalar)   \
  OP(TALUS_RSUB_SCALAR, RsubScalar) \
  OP(TALUS_CLAMP, Clamp)

// For floating dtypes, beside those above. TALUS_POW_SCALAR is a list of its own.
#define TALUS_UNARY_FLOAT_OPS(OP)         \
  OP(TALUS_EXP, Exp)                      \
  OP(TALUS_LOG, Log)                      \
  OP(TALUS_LOG1P, Log1p)                  \
  OP(TALUS_SQRT, Sqrt)                    \
  OP(TALUS_RSQRT, Rsqrt)                  \
  OP(TALUS_RECIPROCAL, Reciprocal)        \
  OP(TALUS_SIN, Sin)                      \
  OP(TALUS_COS, Cos)                      \
  OP(TALUS_TANH, Tanh)                    \
  OP(TALUS_SIGMOID, Sigmoid)              \
  OP(TALUS_FLOOR, Floor)                  \
  OP(TALUS_CEIL, Ceil)                    \
  OP(TALUS_ROUND, Round)                  \
  OP(TALUS_RDIV_SCALAR, RdivScalar)       \
  OP(TALUS_GELU, Gelu)                    \
  OP(TALUS_GELU_TANH, GeluTanh)           \
  OP(TALUS_SILU, Silu)                    \
  OP(TALUS_LEAKY_RELU, LeakyRelu)         \
  OP(TALUS_ELU, Elu)                      \
  OP(TALUS_SOFTPLUS, Softplus)            \
  OP(TALUS_HARDSWISH, Hardswish)          \
  OP(TALUS_SOFTPLUS_SLOPE, SoftplusSlope) \
  OP(TALUS_HARDTANH_SLOPE, HardtanhSlope)

// PyTorch computes common exponents by multiplication and roots, which differs from pow for infinities and -0. All
// others are PowScalar.
#define TALUS_COMMON_EXPONENTS(OP) \
  OP(0.5, Sqrt)                    \
  OP(-0.5, Rsqrt)                  \
  OP(1, MulScalar)                 \
  OP(2, Square)                    \
  OP(3, Cube)                      \
  OP(-1, Reciprocal)               \
  OP(-2, ReciprocalSquare)

// Answers, for all dtypes.
#define TALUS_BINARY_TESTS(OP)      \
  OP(TALUS_EQ, Equal)               \
  OP(TALUS_NE, NotEqual)            \
  OP(TALUS_LT, Less)                \
  OP(TALUS_LE, LessEqual)           \
  OP(TALUS_GT, Greater)             \
  OP(TALUS_GE, GreaterEqual)        \
  OP(TALUS_LOGICAL_AND, LogicalAnd) \
  OP(TALUS_LOGICAL_OR, LogicalOr)

// For all dtypes; bool is uint8, and its product, maximum and minimum stay 0 or 1.
#define TALUS_BINARY_ANY_OPS(OP) \
  OP(TALUS_MUL, Multiply)        \
  OP(TALUS_MAXIMUM, Maximum)     \
  OP(TALUS_MINIMUM, Minimum)

// For numbers.
#define TALUS_BINARY_NUMBER_OPS(OP) \
  OP(TALUS_ADD, Add)                \
  OP(TALUS_SUB, Subtract)           \
  OP(TALUS_SQUARED_DIFFERENCE, SquaredDifference)

// For numbers; integers must not be divided by zero.
#define TALUS_BINARY_DIVISIONS(OP)    \
  OP(TALUS_FLOOR_DIVIDE, FloorDivide) \
  OP(TALUS_REMAINDER, Remainder)

// For floating dtypes.
#define TALUS_BINARY_FLOAT_OPS(OP)                 \
  OP(TALUS_DIV, Divide)                            \
  OP(TALUS_POW, Pow)                               \
  OP(TALUS_RELU_BACKWARD, ReluBackward)            \
  OP(TALUS_SIGMOID_BACKWARD, SigmoidBackward)      \
  OP(TALUS_TANH_BACKWARD, TanhBackward)            \
  OP(TALUS_GELU_BACKWARD, GeluBackward)            \
  OP(TALUS_GELU_TANH_BACKWARD, GeluTanhBackward)   \
  OP(TALUS_SILU_BACKWARD, SiluBackward)            \
  OP(TALUS_LEAKY_RELU_BACKWARD, LeakyReluBackward) \
  OP(TALUS_ELU_BACKWARD, EluBackward)              \
  OP(TALUS_HARDSWISH_BACKWARD, HardswishBackward)  \
  OP(TALUS_CLIPPED_RELU_BACKWARD, ClippedReluBackward)
