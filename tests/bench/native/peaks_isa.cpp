// Compiled for every instruction set that multiplies and adds at once: twelve chains of multiply-adds hide their
// latency on processors that start two, of four or five cycles each, per cycle.
#include "peaks.h"

namespace bench {
namespace TALUS_ISA_NS {

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
typedef float Vector __attribute__((vector_size(kBytes)));
typedef float Unaligned __attribute__((vector_size(kBytes), aligned(4), may_alias));
constexpr int kLanes = kBytes / 4;

namespace {

double fma_loop(int repeats) {
  constexpr int kChains = 12;
  Vector sum[kChains], scale, offset;
  for (int i = 0; i < kLanes; ++i) {
    scale[i] = 0.5f;
    offset[i] = 0.25f;
    for (Vector& s : sum) s[i] = static_cast<float>(i);
  }
  // Opaque constants: otherwise the compiler could work out the result.
  __asm__ volatile("" : "+m"(scale), "+m"(offset));
  const Vector a = scale, b = offset;
  for (int i = 0; i < repeats; ++i)
    for (Vector& s : sum) s = s * a + b;
  for (Vector& s : sum) __asm__ volatile("" : "+m"(s));
  return 2.0 * kChains * kLanes * repeats;
}

void read_loop(const float* data, size_t n) {
  Vector sum[4] = {};
  for (size_t i = 0; i < n; i += 4 * kLanes)
    for (size_t j = 0; j < 4; ++j) sum[j] += *reinterpret_cast<const Unaligned*>(data + i + j * kLanes);
  for (Vector& s : sum) __asm__ volatile("" : "+m"(s));
}

void update_loop(float* data, size_t n) {
  for (size_t i = 0; i < n; i += kLanes) *reinterpret_cast<Unaligned*>(data + i) *= 0.999f;
  __asm__ volatile("" ::"r"(data) : "memory");
}

}  // namespace

extern const PeakLoops loops = {fma_loop, read_loop, update_loop};

}  // namespace TALUS_ISA_NS
}  // namespace bench
