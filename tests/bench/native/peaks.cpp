#include "peaks.h"

#include "cpu_features.h"

namespace bench {

namespace avx512 {
extern const PeakLoops loops;
}
namespace avx2 {
extern const PeakLoops loops;
}
namespace neon {
extern const PeakLoops loops;
}

const PeakLoops* widest_loops() {
#if defined(__x86_64__) || defined(_M_X64)
  if (talus::isa_available(talus::Isa::Avx512)) return &avx512::loops;
  if (talus::isa_available(talus::Isa::Avx2)) return &avx2::loops;
#elif defined(__aarch64__)
  if (talus::isa_available(talus::Isa::Neon)) return &neon::loops;
#endif
  return nullptr;
}

}  // namespace bench
