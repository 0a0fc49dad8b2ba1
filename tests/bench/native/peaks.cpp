#include "peaks.h"

#include "cpu_features.h"

namespace bench {

#define TALUS_PEAK(isa)         \
  namespace isa {               \
  double fma_loop(int repeats); \
  }
#if defined(__x86_64__) || defined(_M_X64)
TALUS_PEAK(avx512)
TALUS_PEAK(avx2)
#elif defined(__aarch64__)
TALUS_PEAK(neon)
#endif

FmaLoop widest_fma() {
#if defined(__x86_64__) || defined(_M_X64)
  if (talus::isa_available(talus::Isa::Avx512)) return avx512::fma_loop;
  if (talus::isa_available(talus::Isa::Avx2)) return avx2::fma_loop;
#elif defined(__aarch64__)
  if (talus::isa_available(talus::Isa::Neon)) return neon::fma_loop;
#endif
  return nullptr;
}

}  // namespace bench
