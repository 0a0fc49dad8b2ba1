// Dropout's second half: random_bernoulli has drawn which elements, or rows of elements, are kept.
#include "cuda/map.cuh"
#include "dtype.h"
#include "kernels.h"

namespace talus::cuda {

namespace {

template <class T>
struct DropoutMap {
  T factor;
  // Times 0, because what is infinite must become NaN.
  __device__ T operator()(T x, uint8_t kept) const { return x * (kept != 0 ? factor : T(0)); }
};

}  // namespace

void dropout(int dtype, int64_t n, int64_t inner, const void* x, const uint8_t* kept, double keep, void* out) {
  dispatch_float(dtype, "dropout", [&](auto type) {
    using T = typename decltype(type)::type;
    const int64_t raw[] = {n, inner, inner, 1, inner, 1, 1, 0};
    map(Geometry<3>(n * inner, 2, raw), DropoutMap<T>{T(1) / static_cast<T>(keep)}, static_cast<T*>(out),
        static_cast<const T*>(x), kept);
  });
}

}  // namespace talus::cuda
