// Which instruction sets this machine has, and which one the kernels use. Compiled without instruction-set flags, so
// the probe itself runs everywhere.
#pragma once

#include <string>

namespace talus {

enum class Isa { Baseline, Avx2, Avx512, Neon };

// The one in use: the best available, unless TALUS_ISA or set_isa chose another.
Isa current_isa();
const char* isa_name(Isa isa);
bool isa_available(Isa isa);
// Throws Error(TALUS_INVALID_ARGUMENT), listing the available ones, for a name this machine cannot run.
void set_isa(const std::string& name);
// Comma-separated names.
const char* available_isas();

}  // namespace talus
