// Compiled for every instruction set that multiplies and adds at once: twelve chains of multiply-adds hide their
// latency on processors that start two, of four or five cycles each, per cycle.
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

double fma_loop(int repeats) {
  constexpr int kChains = 12, kLanes = kBytes / 4;
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

}  // namespace TALUS_ISA_NS
}  // namespace bench
