#include "cpu_features.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>

#include "error.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace talus {
namespace {

constexpr Isa kAll[] = {Isa::Baseline, Isa::Avx2, Isa::Avx512, Isa::Neon};

#if defined(__x86_64__)

struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(uint32_t leaf) {
  Registers r;
  __get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

bool has(uint32_t word, int bit) { return (word >> bit & 1) != 0; }

// Which register files the operating system saves on a context switch (XCR0). Spelled as bytes in assembly because the
// intrinsic needs -mxsave.
uint64_t saved_register_files() {
  uint32_t low, high;
  __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

// Bits as in Intel's manual, volume 2A, CPUID, leaves 1 and 7.
bool probe(Isa isa) {
  if (isa == Isa::Baseline) return true;
  if (isa == Isa::Neon) return false;
  const Registers basic = cpuid(1), extended = cpuid(7);
  const bool os_saves = has(basic.ecx, 27), avx = has(basic.ecx, 28), fma = has(basic.ecx, 12);
  const bool avx2 = has(extended.ebx, 5);
  if (!os_saves || !avx || !fma || !avx2) return false;
  const uint64_t saved = saved_register_files();
  constexpr uint64_t kXmmYmm = 0x06, kOpmaskZmm = 0xe0;
  if ((saved & kXmmYmm) != kXmmYmm) return false;
  if (isa == Isa::Avx2) return true;
  const bool f = has(extended.ebx, 16), dq = has(extended.ebx, 17), bw = has(extended.ebx, 30);
  const bool vl = has(extended.ebx, 31);
  return f && dq && bw && vl && (saved & kOpmaskZmm) == kOpmaskZmm;
}

#elif defined(__aarch64__) || defined(_M_ARM64)

bool probe(Isa isa) { return isa == Isa::Neon; }

#else

bool probe(Isa isa) { return isa == Isa::Baseline; }

#endif

Isa parse(const std::string& name, const char* source) {
  for (const Isa isa : kAll)
    if (name == isa_name(isa) && isa_available(isa)) return isa;
  fail(TALUS_INVALID_ARGUMENT, "%s: instruction set '%s' is not available on this machine, expected one of: %s", source,
       name.c_str(), available_isas());
}

Isa best() {
  Isa chosen = kAll[0];
  for (const Isa isa : kAll)
    if (isa_available(isa)) chosen = isa;
  return chosen;
}

constexpr int kNotChosen = -1;
std::atomic<int> chosen_isa{kNotChosen};

}  // namespace

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::Avx2:
      return "avx2";
    case Isa::Avx512:
      return "avx512";
    case Isa::Neon:
      return "neon";
    default:
      return "baseline";
  }
}

bool isa_available(Isa isa) {
  static const uint32_t available = [] {
    uint32_t bits = 0;
    for (const Isa each : kAll)
      if (probe(each)) bits |= 1u << static_cast<int>(each);
    return bits;
  }();
  return (available >> static_cast<int>(isa) & 1) != 0;
}

// A wrong TALUS_ISA is reported by every kernel until set_isa chooses one: falling back would hide the mistake.
Isa current_isa() {
  const int chosen = chosen_isa.load(std::memory_order_relaxed);
  if (chosen != kNotChosen) return static_cast<Isa>(chosen);
  const char* name = std::getenv("TALUS_ISA");
  const Isa isa = name == nullptr || *name == '\0' ? best() : parse(name, "environment variable TALUS_ISA");
  int expected = kNotChosen;
  chosen_isa.compare_exchange_strong(expected, static_cast<int>(isa));
  return static_cast<Isa>(chosen_isa.load());
}

void set_isa(const std::string& name) { chosen_isa = static_cast<int>(parse(name, "set_isa")); }

const char* available_isas() {
  static const std::string names = [] {
    std::string joined;
    for (const Isa isa : kAll)
      if (isa_available(isa)) joined += (joined.empty() ? "" : ",") + std::string(isa_name(isa));
    return joined;
  }();
  return names.c_str();
}

}  // namespace talus
