// Dropout's second half: random_bernoulli has drawn which elements, or rows of elements, are kept.
#include "cpu/isa/random_table.h"
#include "dtype.h"
#include "kernels.h"
#include "parallel.h"

namespace talus::cpu {

void dropout(int dtype, int64_t n, int64_t inner, const void* x, const uint8_t* kept, double keep, void* out) {
  dispatch_float(dtype, "dropout", [&](auto type) {
    using T = typename decltype(type)::type;
    const auto mask = sizeof(T) == 4 ? random_table().mask_f32 : random_table().mask_f64;
    const double factor = double(T(1) / T(keep));  // rounded as PyTorch does
    parallel_for(n, 65536 / (inner + 1) + 1, [&](int64_t begin, int64_t end) {
      const int64_t at = begin * inner;
      mask(end - begin, inner, static_cast<const T*>(x) + at, kept + begin, factor, static_cast<T*>(out) + at);
    });
  });
}

}  // namespace talus::cpu
