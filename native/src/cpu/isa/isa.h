// One source, many instruction sets.
//
// Every file in this folder is compiled once per instruction set, with TALUS_ISA_NS naming the namespace (baseline,
// avx2, avx512 or neon). It defines one constant table of function pointers there; the code outside reaches the table
// of the set in use through the accessor that TALUS_ISA_TABLE declares.
//
// Everything these files define lives in namespace talus::TALUS_ISA_NS or is `static`: an inline function shared with
// other files would be emitted with one set's instructions and linked into all of them.
//
// Where there is only one set, current_isa() still refuses a wrong TALUS_ISA.
#pragma once

#include "cpu_features.h"

#if defined(__x86_64__) || defined(_M_X64)
#define TALUS_ISA_TABLE(Table, name) \
  namespace talus::baseline {        \
  extern const Table name;           \
  }                                  \
  namespace talus::avx2 {            \
  extern const Table name;           \
  }                                  \
  namespace talus::avx512 {          \
  extern const Table name;           \
  }                                  \
  namespace talus::cpu {             \
  inline const Table& name() {       \
    switch (current_isa()) {         \
      case Isa::Avx512:              \
        return avx512::name;         \
      case Isa::Avx2:                \
        return avx2::name;           \
      default:                       \
        return baseline::name;       \
    }                                \
  }                                  \
  }
#elif defined(__aarch64__) || defined(_M_ARM64)
#define TALUS_ISA_TABLE(Table, name)                               \
  namespace talus::neon {                                          \
  extern const Table name;                                         \
  }                                                                \
  namespace talus::cpu {                                           \
  inline const Table& name() { return current_isa(), neon::name; } \
  }
#else
#define TALUS_ISA_TABLE(Table, name)                                   \
  namespace talus::baseline {                                          \
  extern const Table name;                                             \
  }                                                                    \
  namespace talus::cpu {                                               \
  inline const Table& name() { return current_isa(), baseline::name; } \
  }
#endif
